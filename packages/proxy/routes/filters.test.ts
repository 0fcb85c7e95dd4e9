import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpFilter, HttpMatch } from '../discover/index.ts';
import { applyFilters, type RequestView } from './index.ts';

const request: RequestView = {
  method: 'GET',
  host: 'web.a',
  path: '/old/page',
  query: () => undefined,
  header: () => undefined,
};
const prefix: HttpMatch = { path: { kind: 'prefix', value: '/old' }, headers: [], query: [], method: undefined };
const redirect = (changes: Partial<Extract<HttpFilter, { kind: 'redirect' }>>): HttpFilter => ({
  kind: 'redirect',
  status: 301,
  scheme: undefined,
  host: undefined,
  port: undefined,
  path: undefined,
  ...changes,
});
const location = (filter: HttpFilter, match = prefix) => {
  const { fault } = applyFilters([filter], request, match, () => 0);
  return fault && (fault.location ?? fault.code);
};

test('a failure is injected as often as its ratio says', () => {
  const filter: HttpFilter = { kind: 'fail', status: 503, message: 'on purpose', ratio: 0.5 };
  assert.equal(applyFilters([filter], request, undefined, () => 0.49).fault?.status, 503);
  assert.equal(applyFilters([filter], request, undefined, () => 0.5).fault, undefined);
});

test('a redirect changes what it names, keeps the rest, and is none when nothing changes', () => {
  assert.equal(location(redirect({ scheme: 'https' })), 'https://web.a/old/page');
  assert.equal(location(redirect({ host: 'b.c', port: 8080 })), 'http://b.c:8080/old/page');
  assert.equal(location(redirect({ path: { kind: 'full', value: '/new' } })), 'http://web.a/new');
  assert.equal(location(redirect({ path: { kind: 'prefix', value: '/new/' } })), 'http://web.a/new/page');
  assert.equal(
    location(redirect({ path: { kind: 'prefix', value: '/new' } }), { ...prefix, path: undefined }),
    'filter-failure',
  );
  assert.equal(location(redirect({ host: 'web.a' })), undefined);
});

test('headers are added, then set, then removed', () => {
  const edit = {
    add: [
      ['x-add', '1'],
      ['x-set', 'lost'],
    ],
    set: [
      ['x-set', '2'],
      ['x-gone', '3'],
    ],
    remove: ['x-gone'],
  } as const;
  const { request: patch, response } = applyFilters([{ kind: 'request-headers', edit }], request, undefined, () => 0);
  assert.equal(response, undefined);
  assert.deepEqual(patch?.lines.map(String), ['x-add: 1\r\n', 'x-set: 2\r\n']);
  assert.deepEqual([...(patch?.removed ?? [])], ['x-set', 'x-gone']);
});
