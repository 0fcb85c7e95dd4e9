import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toJson } from '@bufbuild/protobuf';
import type { KubeObject } from '#api/kube';
import { httpRoute } from '#api/mesh';
import { Refusal } from '../admission/refusal.ts';
import { encodeHttpMatch, ROUTE_SOURCES, Routes, readRoute } from './index.ts';

const POLICY_HTTP = ROUTE_SOURCES[0]!;
const GATEWAY_HTTP = ROUTE_SOURCES[1]!;
const GRPC = ROUTE_SOURCES[2]!;

const route = (name: string, spec: object, more: object = {}): KubeObject =>
  ({ metadata: { namespace: 'shop', name, creationTimestamp: '2026-01-01T00:00:00Z', ...more }, spec }) as KubeObject;
const web = (more: object = {}) => ({ group: '', kind: 'Service', name: 'web', ...more });

/** A fold fed by hand, source by source. */
function feed() {
  const problems: string[] = [];
  const missing = new Map<string, string>();
  const routes = new Routes(
    (resource, key, problem) => problems.push(`${resource} ${key}: ${problem}`),
    (kind, key) => missing.get(`${kind}:${key}`),
  );
  const sinks = routes.watched.map(({ collection }) =>
    collection.sink(
      () => {},
      () => {},
      () => {},
    ),
  );
  const of = (source: typeof POLICY_HTTP) => sinks[ROUTE_SOURCES.indexOf(source)]!;
  return { routes, problems, missing, of };
}
const turn = () => new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)));

test('a rule without matches takes everything, and one without backends goes on to the parent', () => {
  const read = readRoute(GATEWAY_HTTP, route('r', { parentRefs: [web()], rules: [{ backendRefs: [] }] }));
  assert.deepEqual(read.rules, [
    {
      matches: [{ path: { type: 'prefix', value: '/' }, headers: [], query: [], method: undefined }],
      filters: [],
      backends: undefined,
      requestTimeoutMs: undefined,
    },
  ]);
  assert.deepEqual(read.parents, [
    { group: '', kind: 'service', name: 'web', namespace: 'shop', port: undefined, sectionName: undefined },
  ]);
});

test('a parent that names no group is of the group of its route, and core is another name for none', () => {
  const groups = (source: typeof POLICY_HTTP, ref: object) =>
    readRoute(source, route('r', { parentRefs: [ref] })).parents.map(({ group, kind }) => `${group}/${kind}`);
  assert.deepEqual(groups(POLICY_HTTP, { kind: 'Server', name: 's' }), ['policy.linkerd.io/server']);
  assert.deepEqual(groups(GATEWAY_HTTP, { name: 'g' }), ['gateway.networking.k8s.io/gateway']);
  assert.deepEqual(groups(GATEWAY_HTTP, { group: 'core', kind: 'Service', name: 's' }), ['/service']);
});

test('filters of every known kind are read, and others are named', () => {
  const filters = [
    { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'A', value: '1' }], remove: ['B'] } },
    {
      type: 'RequestRedirect',
      requestRedirect: { scheme: 'https', path: { type: 'ReplaceFullPath', replaceFullPath: '/x' } },
    },
    {
      type: 'URLRewrite',
      urlRewrite: { hostname: 'h', path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/y' } },
    },
    { type: 'RequestMirror', requestMirror: { backendRef: { name: 'copy', port: 80 }, percent: 5 } },
    { type: 'ExtensionRef', extensionRef: { group: 'x', kind: 'Y', name: 'z' } },
  ];
  const read = readRoute(GATEWAY_HTTP, route('r', { rules: [{ filters }] }));
  assert.deepEqual(read.rules[0]?.filters, [
    { type: 'request-headers', changes: { set: [{ name: 'A', value: '1' }], add: [], remove: ['B'] } },
    {
      type: 'redirect',
      scheme: 'https',
      host: undefined,
      port: undefined,
      path: { replace: 'full', value: '/x' },
      status: 302,
    },
    { type: 'rewrite', host: 'h', path: { replace: 'prefix', value: '/y' } },
    {
      type: 'mirror',
      backend: { group: '', kind: 'service', name: 'copy', namespace: undefined, port: 80, weight: 1, filters: [] },
      share: { numerator: 5, denominator: 100 },
    },
    { type: 'unknown', name: 'ExtensionRef' },
  ]);
});

test('a gRPC method by regular expression cannot be read', () => {
  const spec = { rules: [{ matches: [{ method: { type: 'RegularExpression', service: '.*' } }] }] };
  assert.throws(() => readRoute(GRPC, route('r', spec)), Refusal);
});

test('a match goes on the wire with header names in lower case and values as bytes', () => {
  const match = encodeHttpMatch({
    path: { type: 'regex', value: '/a.*' },
    headers: [{ name: 'X-Tier', type: 'exact', value: 'gold' }],
    query: [{ name: 'q', type: 'regex', value: '[0-9]+' }],
    method: 'PATCH',
  });
  assert.deepEqual(toJson(httpRoute.HttpRouteMatchSchema, match), {
    path: { regex: '/a.*' },
    headers: [{ name: 'x-tier', exact: 'Z29sZA==' }],
    queryParams: [{ name: 'q', regex: '[0-9]+' }],
    method: { registered: 'PATCH' },
  });
});

test('routes are found by their parent, the older first, and whoever listens to a parent is told of each change', async () => {
  const { routes, of } = feed();
  let told = 0;
  routes.onParent('service', 'shop/web', () => {
    told += 1;
  });
  of(GATEWAY_HTTP).reset([
    route('b', { parentRefs: [web()] }, { creationTimestamp: '2026-01-02T00:00:00Z' }),
    route('z', { parentRefs: [web({ port: 80 }), web({ port: 81 })] }),
    route('elsewhere', { parentRefs: [web({ namespace: 'other' })] }),
  ]);
  await turn();
  const names = () =>
    routes.attachments('service', 'shop/web').map(({ route, ref }) => `${route.name}:${ref.port ?? ''}`);
  assert.deepEqual(names(), ['z:80', 'z:81', 'b:']);
  assert.equal(told, 1);
  of(GATEWAY_HTTP).applied({
    ...route('z', { parentRefs: [web({ port: 80 }), web({ port: 81 })] }, { resourceVersion: '2' }),
    ...{ status: { parents: [{ controllerName: 'someone', parentRef: {} }] } },
  });
  await turn();
  assert.equal(told, 1, 'a status is no change');
  assert.equal(routes.attachments('service', 'shop/web')[0]?.route.status.length, 1);
  of(GATEWAY_HTTP).applied(route('z', { parentRefs: [web({ name: 'db' })] }));
  await turn();
  assert.deepEqual(names(), ['b:']);
  assert.equal(told, 2);
});

test('a gRPC route takes the place of an HTTP route on the very same parent, not of one on a port of it', () => {
  const { routes, of } = feed();
  of(GRPC).reset([route('calls', { parentRefs: [web()] })]);
  of(GATEWAY_HTTP).reset([route('pages', { parentRefs: [web(), web({ port: 80 })] })]);
  const names = routes.effective('service', 'shop/web').map(({ route, ref }) => `${route.name}:${ref.port ?? ''}`);
  assert.deepEqual(names, ['calls:', 'pages:80']);
});

test('a route counts on a parent that takes it, and else it is said why not', () => {
  const { routes, missing, of } = feed();
  const server = (more: object = {}) => ({ group: 'policy.linkerd.io', kind: 'Server', name: 'http', ...more });
  const egress = { group: 'policy.linkerd.io', kind: 'EgressNetwork', name: 'out' };
  const filter = (type: string) => ({ rules: [{ filters: [{ type }] }] });
  const method = { rules: [{ matches: [{ method: { type: 'RegularExpression' } }] }] };
  of(GRPC).reset([route('unreadable', { parentRefs: [web({ port: 2 })], ...method })]);
  of(GATEWAY_HTTP).reset([
    route('good', { parentRefs: [web(), server(), { ...egress, port: 443 }] }),
    route('headless', { parentRefs: [web({ name: 'db' })] }),
    route('portless', { parentRefs: [egress] }),
    route('ported', { parentRefs: [server({ port: 80 })] }),
    route('abroad', { parentRefs: [server({ namespace: 'other' })] }),
    route('foreign', { parentRefs: [web()], ...filter('CORS') }),
    route('rewriting', { parentRefs: [web(), server()], ...filter('URLRewrite') }),
  ]);
  of(ROUTE_SOURCES[4]!).reset([route('bytes', { parentRefs: [server({ sectionName: '' })] })]);
  missing.set('service:shop/db', 'parent service must have a ClusterIP');
  const told = [...routes.all()].flatMap((each) =>
    each.parents.map((ref) => {
      const kind = ref.kind as 'service' | 'server' | 'egressnetwork';
      const { reason, message } = routes.objection({ route: each, ref }, kind) ?? { reason: 'ok', message: '' };
      const attached = routes.effective(kind, `${ref.namespace}/${ref.name}`).some(({ ref: its }) => its === ref);
      assert.equal(attached, reason === 'ok');
      return `${each.name} ${ref.kind}: ${reason} ${message}`.trim();
    }),
  );
  assert.deepEqual(told, [
    'good service: ok',
    'good server: ok',
    'good egressnetwork: ok',
    'headless service: NoMatchingParent parent service must have a ClusterIP',
    'portless egressnetwork: NoMatchingParent an EgressNetwork parent must be referred to with a port',
    'ported server: NoMatchingParent a Server parent must be referred to without port and sectionName',
    'abroad server: NoMatchingParent a Server parent must be in the namespace of the route, got other',
    'foreign service: UnsupportedValue filter CORS is not supported',
    'rewriting service: ok',
    'rewriting server: UnsupportedValue filter URLRewrite is not supported on a Server',
    'unreadable service: UnsupportedValue matches: method: regular expressions are not supported; use Exact',
    'bytes server: NoMatchingParent a Server takes no TCPRoute',
  ]);
});

test('a parent is told when a backend of its routes comes or goes, wherever a reference without a namespace may lead', async () => {
  const { routes, of } = feed();
  of(GATEWAY_HTTP).reset([
    route('r', { parentRefs: [web({ namespace: 'other' })], rules: [{ backendRefs: [{ name: 'next', port: 80 }] }] }),
  ]);
  await turn();
  let told = 0;
  routes.onParent('service', 'other/web', () => {
    told += 1;
  });
  for (const key of ['other/next', 'shop/next', 'third/next']) {
    routes.backendChanged('service', key);
    await turn();
  }
  assert.equal(told, 2);
});

test('a route that turns unreadable keeps its last good version, and the problem is told', () => {
  const { routes, problems, of } = feed();
  of(GRPC).applied(route('calls', { parentRefs: [web()] }));
  const bad = { parentRefs: [web()], rules: [{ matches: [{ method: { type: 'RegularExpression' } }] }] };
  of(GRPC).applied(route('calls', bad));
  assert.equal(routes.attachments('service', 'shop/web').length, 1);
  assert.deepEqual(problems, [
    'grpcroutes shop/calls: matches: method: regular expressions are not supported; use Exact',
  ]);
});
