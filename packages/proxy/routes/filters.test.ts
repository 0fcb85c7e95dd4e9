import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Field, type RequestHead, type ResponseHead } from '#wire/fields';
import type { HttpFilter, HttpMatch } from '../discover/index.ts';
import type { Upstream } from '../http/index.ts';
import { applyFilters, type FilterDeps, type Filtered } from './index.ts';

const head = (changes: Partial<RequestHead> = {}): RequestHead => ({
  version: 11,
  method: 'GET',
  scheme: '',
  authority: 'web.a',
  path: '/old/page?q=1',
  absoluteForm: false,
  upgrade: '',
  fields: [],
  contentLength: -1,
  ...changes,
});
const prefix: HttpMatch = { path: { kind: 'prefix', value: '/old' }, headers: [], query: [], method: undefined };
const exchange = (changes: Partial<Filtered> = {}): Filtered => ({
  request: head(),
  match: prefix,
  responseEdit: undefined,
  delayMs: 0,
  mirrorTo: undefined,
  ...changes,
});
const deps = (chance = 0): FilterDeps => ({ random: () => chance, mirrorOf: () => undefined });
const apply = (filter: HttpFilter, on = exchange(), chance = 0) => applyFilters([filter], on, deps(chance));

const redirect = (changes: Partial<Extract<HttpFilter, { kind: 'redirect' }>>): HttpFilter => ({
  kind: 'redirect',
  status: 301,
  scheme: undefined,
  host: undefined,
  port: undefined,
  path: undefined,
  ...changes,
});
const location = (filter: HttpFilter, match: HttpMatch | undefined = prefix) => {
  const fault = apply(filter, exchange({ match }));
  return fault && (fault.location ?? fault.code);
};

test('a failure is injected as often as its ratio says, with the status of its protocol', () => {
  const filter: HttpFilter = { kind: 'fail', status: 503, message: 'on purpose', ratio: 0.5 };
  assert.equal(apply(filter, exchange(), 0.49)?.status, 503);
  assert.equal(apply(filter, exchange(), 0.5), undefined);
  const grpc: HttpFilter = { kind: 'fail-grpc', code: 8, message: 'on purpose', ratio: 1 };
  assert.equal(apply(grpc)?.grpc, 8);
});

test('a redirect changes what it names, keeps the rest, and is none when nothing changes', () => {
  assert.equal(location(redirect({ scheme: 'https' })), 'https://web.a/old/page?q=1');
  assert.equal(location(redirect({ host: 'b.c', port: 8080 })), 'http://b.c:8080/old/page?q=1');
  assert.equal(location(redirect({ path: { kind: 'full', value: '/new' } })), 'http://web.a/new?q=1');
  assert.equal(location(redirect({ path: { kind: 'prefix', value: '/new/' } })), 'http://web.a/new/page?q=1');
  const noPath = { ...prefix, path: undefined };
  assert.equal(location(redirect({ path: { kind: 'prefix', value: '/new' } }), noPath), 'filter-failure');
  assert.equal(location(redirect({ host: 'web.a' })), undefined);
});

test('a redirect that names no place gives its status, to where the request was going', () => {
  assert.equal(location(redirect({ status: 303 })), 'http://web.a/old/page?q=1');
  assert.equal(apply(redirect({ status: 303 }))?.status, 303);
});

test('a redirect keeps the port of the request unless it names a port or a scheme', () => {
  const onPort = (changes: Parameters<typeof redirect>[0], authority = 'web.a:8080') =>
    apply(redirect(changes), exchange({ request: head({ authority }) }))?.location;
  assert.equal(onPort({ path: { kind: 'full', value: '/new' } }), 'http://web.a:8080/new?q=1');
  assert.equal(onPort({ host: 'b.c' }), 'http://b.c:8080/old/page?q=1');
  assert.equal(onPort({ host: 'b.c' }, '[2001:db8::1]:81'), 'http://b.c:81/old/page?q=1');
  assert.equal(onPort({ status: 307 }, '[2001:db8::1]'), 'http://[2001:db8::1]/old/page?q=1');
  assert.equal(onPort({ port: 80 }), 'http://web.a/old/page?q=1');
  assert.equal(onPort({ scheme: 'https' }), 'https://web.a/old/page?q=1');
  assert.equal(onPort({ scheme: 'http' }), 'http://web.a/old/page?q=1');
  assert.equal(onPort({ port: 8080 }), undefined);
  assert.equal(onPort({ host: 'web.a' }, 'web.a:80'), undefined);
});

test('a rewrite changes path and authority of the request and keeps its query', () => {
  const rewritten = (path: { kind: 'full' | 'prefix'; value: string }, request = head()) => {
    const on = exchange({ request });
    assert.equal(apply({ kind: 'rewrite', path, host: 'b.c:81' }, on), undefined);
    return `${on.request.authority}${on.request.path}`;
  };
  assert.equal(rewritten({ kind: 'full', value: '/new' }), 'b.c:81/new?q=1');
  // A target without a slash in front would be no request, or one for somebody else.
  assert.equal(rewritten({ kind: 'full', value: '' }), 'b.c:81/?q=1');
  assert.equal(rewritten({ kind: 'full', value: 'new' }), 'b.c:81/new?q=1');
  assert.equal(rewritten({ kind: 'prefix', value: 'new' }), 'b.c:81/new/page?q=1');
  assert.equal(rewritten({ kind: 'prefix', value: '/new' }), 'b.c:81/new/page?q=1');
  assert.equal(rewritten({ kind: 'prefix', value: '/' }, head({ path: '/old' })), 'b.c:81/');
  assert.equal(rewritten({ kind: 'prefix', value: '' }, head({ path: '/old/x' })), 'b.c:81/x');
});

test('delays add up, and copies go to the backends that are there', () => {
  const on = exchange();
  const delay: HttpFilter = { kind: 'delay', delayMs: 20, ratio: 1 };
  applyFilters([delay, delay], on, deps());
  assert.equal(on.delayMs, 40);
  const target = {} as Upstream;
  const backend = { meta: {} as never, target: { kind: 'none' } } as const;
  const mirror: HttpFilter = { kind: 'mirror', backend, ratio: 0.5 };
  apply(mirror, on);
  assert.equal(on.mirrorTo, undefined);
  applyFilters([mirror], on, { random: () => 0.4, mirrorOf: () => target });
  applyFilters([mirror], on, { random: () => 0.6, mirrorOf: () => target });
  assert.deepEqual(on.mirrorTo, [target]);
});

test('headers are added, then set, then removed; those that frame a message stay', () => {
  const edit = {
    add: [
      ['x-add', '1'],
      ['x-set', 'lost'],
      ['transfer-encoding', 'chunked'],
    ],
    set: [
      ['x-set', '2'],
      ['x-gone', '3'],
      ['host', 'other'],
    ],
    remove: ['x-gone', 'content-length'],
  } as const;
  const field = (name: string, value: string) => new Field(0, name, value);
  const fields = () => [field('x-set', '1'), field('content-length', '3'), field('x-gone', '1')];
  const texts = (list: readonly Field[]) => list.map(({ name, value }) => `${name}: ${value}`);
  const on = exchange({ request: head({ fields: fields() }) });
  apply({ kind: 'request-headers', edit }, on);
  assert.deepEqual(texts(on.request.fields), ['content-length: 3', 'x-add: 1', 'x-set: 2']);
  assert.equal(on.request.authority, 'other');
  apply({ kind: 'response-headers', edit }, on);
  apply({ kind: 'response-headers', edit: { add: [], set: [], remove: ['x-add'] } }, on);
  const response: ResponseHead = { version: 11, status: 200, upgrade: '', fields: fields(), contentLength: 3 };
  on.responseEdit?.apply(response);
  assert.deepEqual(texts(response.fields), ['content-length: 3', 'x-set: 2']);
});
