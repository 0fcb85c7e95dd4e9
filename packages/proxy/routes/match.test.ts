import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldCache } from '#wire/fields';
import { Http1Decoder, requestHead } from '#wire/http1';
import { defaultMeta, type HttpMatch, type HttpRoute } from '../discover/index.ts';
import { NAMES } from '../http/index.ts';
import { findRoute, HeadView, matchesEverything } from './index.ts';

type Part = Partial<HttpMatch>;

function route(name: string, matches: readonly Part[], hosts: HttpRoute<object>['hosts'] = []): HttpRoute<object> {
  const whole = matches.map((match) => ({ path: undefined, headers: [], query: [], method: undefined, ...match }));
  return { meta: defaultMeta(name), hosts, rules: [{ matches: whole, filters: [] }] };
}

const prefix = (value: string): Part => ({ path: { kind: 'prefix', value } });
const exact = (value: string): Part => ({ path: { kind: 'exact', value } });

/** Name of the route that a request takes. */
function taken(routes: readonly HttpRoute<object>[], text: string): string | undefined {
  let name: string | undefined;
  const decoder = new Http1Decoder('request', NAMES, {
    head: (head) => {
      name = findRoute<object, HttpRoute<object>>(routes, new HeadView(requestHead(head, new FieldCache(NAMES))))?.route
        .meta.name;
    },
    data: () => undefined,
    trailers: () => undefined,
    end: () => undefined,
    fault: (code) => assert.fail(code),
  });
  const bytes = Buffer.from(`${text}${/host:/i.test(text) ? '' : '\r\nhost: any'}\r\n\r\n`);
  decoder.push(bytes, 0, bytes.length);
  return name;
}

test('prefixes match whole segments, longer ones win, exact beats by length', () => {
  const routes = [route('root', [prefix('/')]), route('foo', [prefix('/foo')]), route('bar', [exact('/foo/bar')])];
  assert.equal(taken(routes, 'GET /foobar HTTP/1.1'), 'root');
  assert.equal(taken(routes, 'GET /foo?x=1 HTTP/1.1'), 'foo');
  assert.equal(taken(routes, 'GET /foo/x HTTP/1.1'), 'foo');
  assert.equal(taken(routes, 'GET /foo/bar HTTP/1.1'), 'bar');
  assert.equal(taken(routes, 'GET http://any/foo HTTP/1.1'), 'foo');
});

test('an exact host beats a suffix, a suffix beats none, and nothing matches otherwise', () => {
  const routes = [
    route('any', [prefix('/deep/path')]),
    route('suffix', [prefix('/')], [{ kind: 'suffix', value: 'a.com' }]),
    route('exact', [prefix('/')], [{ kind: 'exact', value: 'x.a.com' }]),
  ];
  assert.equal(taken(routes, 'GET /deep/path HTTP/1.1\r\nhost: X.a.com:80'), 'exact');
  assert.equal(taken(routes, 'GET /deep/path HTTP/1.1\r\nhost: y.a.com'), 'suffix');
  assert.equal(taken(routes, 'GET /deep/path HTTP/1.1\r\nhost: b.com'), 'any');
  assert.equal(taken(routes, 'GET / HTTP/1.1\r\nhost: b.com'), undefined);
});

test('headers, query and method count behind the path, ties go to the first', () => {
  const header: Part = { headers: [{ name: 'x-a', match: { kind: 'exact', value: '1' } }] };
  const query: Part = { query: [{ name: 'q', match: { kind: 'regex', regex: /^\d+$/ } }] };
  const routes = [
    route('first', [prefix('/')]),
    route('second', [prefix('/')]),
    route('header', [header]),
    route('query', [query]),
    route('post', [{ method: 'POST' }]),
  ];
  assert.equal(taken(routes, 'GET / HTTP/1.1'), 'first');
  assert.equal(taken(routes, 'GET /?q=12 HTTP/1.1\r\nX-A: 1'), 'header');
  assert.equal(taken(routes, 'GET /?q=12 HTTP/1.1'), 'query');
  assert.equal(taken(routes, 'GET /?q=ab HTTP/1.1'), 'first');
  assert.equal(taken(routes, 'POST / HTTP/1.1'), 'post');
});

test('gRPC: the longer service wins, then the longer method, then headers; other requests do not match', () => {
  const header = { name: 'x-a', match: { kind: 'exact', value: '1' } } as const;
  const routes = [
    route('any', [{ rpc: { service: '', method: '' } }]),
    route('service', [{ rpc: { service: 'a.B', method: '' } }]),
    route('method', [{ rpc: { service: 'a.B', method: 'Do' } }]),
    route('header', [{ rpc: { service: 'a.B', method: 'Do' }, headers: [header] }]),
  ];
  assert.equal(taken(routes, 'POST /a.C/Do HTTP/1.1'), 'any');
  assert.equal(taken(routes, 'POST /a.B/Other HTTP/1.1'), 'service');
  assert.equal(taken(routes, 'POST /a.B/Do HTTP/1.1'), 'method');
  assert.equal(taken(routes, 'POST /a.B/Do HTTP/1.1\r\nx-a: 1'), 'header');
  assert.equal(taken(routes, 'GET /a.B/Do HTTP/1.1'), undefined);
  assert.equal(taken(routes, 'POST /health HTTP/1.1'), undefined);
});

test('the default route needs no comparison', () => {
  assert.equal(matchesEverything([route('default', [prefix('/')])]), true);
  assert.equal(matchesEverything([route('default', [])]), true);
  assert.equal(matchesEverything([route('a', [prefix('/a')])]), false);
  assert.equal(matchesEverything([route('a', []), route('b', [])]), false);
});
