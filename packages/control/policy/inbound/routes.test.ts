import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toJson } from '@bufbuild/protobuf';
import { inbound } from '#api/mesh';
import { FakeCluster } from '../scene.fake.ts';
import {
  at,
  changes,
  describe,
  EVERYWHERE,
  ID,
  label,
  listener,
  policyOn,
  ref,
  routeNames,
  routesOf,
  server,
} from './listen.fake.ts';

const { start, ask } = listener();

const s = (more: object = {}) => ({ group: 'policy.linkerd.io', kind: 'Server', name: 's', ...more });
const route = (rules: object[] = [{}], parents: object[] = [s()], more: object = {}) => ({
  ...more,
  spec: { parentRefs: parents, rules },
});
const shop = (fields: object = {}) => new FakeCluster().pod('shop/web').put('Server', 'shop/s', server(fields));
const json = (policy: inbound.Server) =>
  routesOf(policy).map((each) =>
    each.$typeName === 'io.linkerd.proxy.inbound.HttpRoute'
      ? toJson(inbound.HttpRouteSchema, each)
      : toJson(inbound.GrpcRouteSchema, each),
  );

test('routes of both groups come in the order of their age and take the place of the default and of probes', async () => {
  const probe = { livenessProbe: { httpGet: { path: '/live', port: 80 } } };
  const cluster = new FakeCluster()
    .pod('shop/web', {}, probe)
    .put('Server', 'shop/s', server())
    .put('HTTPRoute', 'shop/b', route([{}], [s()], at(1)))
    .put('PolicyHTTPRoute', 'shop/c', route([{}], [s()], at(0)))
    .put('HTTPRoute', 'shop/a', route([{}], [s()], at(1)));
  const heard = (await start(cluster)).port(80);
  await changes(heard, (found) => routeNames(found).length === 3);
  assert.deepEqual(routeNames(heard.last), ['HTTPRoute/c', 'HTTPRoute/a', 'HTTPRoute/b']);
  await cluster.remove('PolicyHTTPRoute', 'shop/c');
  await changes(heard, (found) => routeNames(found).length === 2);
  await cluster.remove('HTTPRoute', 'shop/a');
  await cluster.remove('HTTPRoute', 'shop/b');
  await changes(heard, (found) => routeNames(found).join() === 'default,probe');
});

test('a route goes on the wire with hosts, matches and what can be done to requests; all else is left out', async () => {
  const cluster = shop().put('HTTPRoute', 'shop/r', {
    spec: {
      parentRefs: [s()],
      hostnames: ['a.test', '*.b.test'],
      rules: [
        {
          matches: [
            {
              path: { type: 'Exact', value: '/x' },
              headers: [{ name: 'X-A', value: '1' }],
              queryParams: [{ name: 'q', type: 'RegularExpression', value: 'a+' }],
              method: 'POST',
            },
            {},
          ],
          filters: [
            {
              type: 'RequestHeaderModifier',
              requestHeaderModifier: {
                set: [{ name: 'A', value: '1' }],
                add: [{ name: 'B', value: '2' }],
                remove: ['c'],
              },
            },
            { type: 'ResponseHeaderModifier', responseHeaderModifier: { remove: ['server'] } },
            {
              type: 'RequestRedirect',
              requestRedirect: { scheme: 'https', hostname: 'c.test', port: 8443, statusCode: 301 },
            },
          ],
          backendRefs: [{ name: 'elsewhere', port: 80, filters: [{ type: 'URLRewrite' }] }],
          timeouts: { request: '1s' },
        },
      ],
    },
  });
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  assert.deepEqual(json(await ask(cluster)), [
    {
      metadata: { resource: { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'r' } },
      hosts: [{ exact: 'a.test' }, { suffix: { reverseLabels: ['test', 'b'] } }],
      rules: [
        {
          matches: [
            {
              path: { exact: '/x' },
              headers: [{ name: 'x-a', exact: base64('1') }],
              queryParams: [{ name: 'q', regex: 'a+' }],
              method: { registered: 'POST' },
            },
            { path: { prefix: '/' } },
          ],
          filters: [
            {
              requestHeaderModifier: {
                add: { headers: [{ name: 'b', value: base64('2') }] },
                set: { headers: [{ name: 'a', value: base64('1') }] },
                remove: ['c'],
              },
            },
            { redirect: { scheme: { registered: 'HTTPS' }, host: 'c.test', port: 8443, status: 301 } },
          ],
        },
      ],
    },
  ]);
});

test('a route with a filter that no proxy could do inbound is not there at all', async () => {
  const filters = [
    { type: 'RequestMirror', requestMirror: { backendRef: { name: 'x', port: 80 } } },
    { type: 'URLRewrite', urlRewrite: { hostname: 'x.test' } },
    { type: 'ExtensionRef', extensionRef: { group: 'x.test', kind: 'Filter', name: 'x' } },
    { type: 'CORS' },
  ];
  for (const filter of filters) {
    const cluster = shop().put('HTTPRoute', 'shop/r', route([{}, { filters: [filter] }]));
    assert.deepEqual(routeNames(await ask(cluster)), ['default'], filter.type);
  }
});

test('a route without rules matches nothing, and nothing takes its place', async () => {
  const [only] = routesOf(await ask(shop().put('PolicyHTTPRoute', 'shop/r', route([]))));
  assert.deepEqual(only?.rules, []);
});

test('routes attach to a Server of their own namespace, as a whole', async () => {
  const cluster = shop()
    .put('HTTPRoute', 'shop/port', route([{}], [s({ port: 80 })]))
    .put('HTTPRoute', 'shop/section', route([{}], [s({ sectionName: 'x' })]))
    .put('HTTPRoute', 'shop/other-server', route([{}], [s({ name: 'x' })]))
    .put('HTTPRoute', 'shop/service', route([{}], [{ group: '', kind: 'Service', name: 's' }]))
    .put('HTTPRoute', 'shop/elsewhere', route([{}], [s({ namespace: 'other' })]))
    .put('HTTPRoute', 'other/stranger', route([{}], [s({ namespace: 'shop' })]))
    .put('GRPCRoute', 'other/rival', route([{}], [s({ namespace: 'shop' })]))
    .put('TCPRoute', 'shop/tcp', route());
  const heard = (await start(cluster)).port(80);
  await changes(heard, (found) => routeNames(found).join() === 'default');
  cluster.put('HTTPRoute', 'shop/twice', route([{}], [s({ port: 80 }), s(), s()]));
  await changes(heard, (found) => routeNames(found).join() === 'HTTPRoute/twice');
});

test('each protocol carries routes of its own kind', async () => {
  const grpc = route([{ matches: [{ method: { service: 'a.B', method: 'C' } }, { method: { service: 'a.B' } }, {}] }]);
  const carried = async (kind: 'HTTPRoute' | 'GRPCRoute', body: Record<string, unknown>) => {
    const found: Record<string, string[]> = {};
    for (const proxyProtocol of ['unknown', 'HTTP/1', 'HTTP/2', 'gRPC', 'opaque', 'TLS'])
      found[proxyProtocol] = routeNames(await ask(shop({ proxyProtocol }).put(kind, 'shop/r', body)));
    return found;
  };
  const http = ['HTTPRoute/r'];
  assert.deepEqual(await carried('HTTPRoute', route()), {
    unknown: http,
    'HTTP/1': http,
    'HTTP/2': http,
    gRPC: ['default'],
    opaque: [],
    TLS: [],
  });
  assert.deepEqual(await carried('GRPCRoute', grpc), {
    unknown: ['default'],
    'HTTP/1': ['default'],
    'HTTP/2': ['default'],
    gRPC: ['GRPCRoute/r'],
    opaque: [],
    TLS: [],
  });
  const [only] = json(await ask(shop({ proxyProtocol: 'gRPC' }).put('GRPCRoute', 'shop/r', grpc)));
  assert.deepEqual(only, {
    metadata: { resource: { group: 'gateway.networking.k8s.io', kind: 'GRPCRoute', name: 'r' } },
    rules: [{ matches: [{ rpc: { service: 'a.B', method: 'C' } }, { rpc: { service: 'a.B' } }, { rpc: {} }] }],
  });
});

test('a gRPC port without routes takes every call, in words: a match without them is no match to Linkerd’s proxy', async () => {
  const [only] = json(await ask(shop({ proxyProtocol: 'gRPC' })));
  assert.deepEqual(only, { metadata: { default: 'default' }, rules: [{ matches: [{ rpc: {} }] }] });
});

test('where a gRPC route and an HTTP route are attached, only the gRPC route counts', async () => {
  const cluster = shop({ proxyProtocol: 'HTTP/2' })
    .put('HTTPRoute', 'shop/h', route())
    .put('GRPCRoute', 'shop/g', route());
  const heard = (await start(cluster)).port(80);
  await changes(heard, (found) => routeNames(found).join() === 'default');
  await cluster.remove('GRPCRoute', 'shop/g');
  await changes(heard, (found) => routeNames(found).join() === 'HTTPRoute/h');
});

test('a policy on a route admits to that route, one on the Server or the namespace to all', async () => {
  const account = (name: string) => [{ kind: 'ServiceAccount', name }];
  const cluster = shop()
    .put('HTTPRoute', 'shop/r', route([{}], [s()], at(0)))
    .put('PolicyHTTPRoute', 'shop/r', route([{}], [s()], at(1)))
    .put('HTTPRoute', 'shop/bare', route([{}], [s()], at(2)))
    .put('AuthorizationPolicy', 'shop/gateway', policyOn('HTTPRoute', 'r', account('a'), 'gateway.networking.k8s.io'))
    .put('AuthorizationPolicy', 'shop/policy', policyOn('httproute', 'r', account('b'), 'POLICY.linkerd.io'))
    .put('AuthorizationPolicy', 'shop/more', policyOn('HTTPRoute', 'r', []))
    .put('AuthorizationPolicy', 'shop/server', policyOn('Server', 's', account('c')))
    .put('AuthorizationPolicy', 'other/r', policyOn('HTTPRoute', 'r', []));
  const found = await ask(cluster);
  assert.deepEqual(routesOf(found).map(describe), [
    [`authorizationpolicy/gateway: a.shop.${ID} from ${EVERYWHERE}`],
    [
      `authorizationpolicy/more: unauthenticated from ${EVERYWHERE}`,
      `authorizationpolicy/policy: b.shop.${ID} from ${EVERYWHERE}`,
    ],
    [],
  ]);
  assert.deepEqual(describe(found), [`authorizationpolicy/server: c.shop.${ID} from ${EVERYWHERE}`]);
});

test('a policy on a gRPC route admits to that route', async () => {
  const cluster = shop({ proxyProtocol: 'gRPC' })
    .put('GRPCRoute', 'shop/r', route())
    .put('AuthorizationPolicy', 'shop/p', policyOn('GRPCRoute', 'r', [], 'gateway.networking.k8s.io'));
  assert.deepEqual(routesOf(await ask(cluster)).map(describe), [
    [`authorizationpolicy/p: unauthenticated from ${EVERYWHERE}`],
  ]);
});

test('a route, its Server, its policy and what that requires may come and go in any order', async () => {
  const cluster = new FakeCluster().pod('shop/web');
  const heard = (await start(cluster)).port(80);
  const put: Record<string, () => unknown> = {
    policy: () =>
      cluster.put('AuthorizationPolicy', 'shop/p', policyOn('HTTPRoute', 'r', [ref('NetworkAuthentication', 'n')])),
    network: () => cluster.put('NetworkAuthentication', 'shop/n', { spec: { networks: [{ cidr: '10.1.0.0/16' }] } }),
    server: () => cluster.put('Server', 'shop/s', server()),
    route: () => cluster.put('PolicyHTTPRoute', 'shop/r', route()),
  };
  const complete = (found: inbound.Server) =>
    routeNames(found).join() === 'HTTPRoute/r' &&
    routesOf(found).flatMap(describe).join() === 'authorizationpolicy/p: unauthenticated from 10.1.0.0/16';
  for (const make of Object.values(put)) make();
  await changes(heard, complete);
  await cluster.remove('PolicyHTTPRoute', 'shop/r');
  await changes(heard, (found) => routeNames(found).join() === 'default');
  put['route']?.();
  await changes(heard, complete);
  await cluster.remove('NetworkAuthentication', 'shop/n');
  await changes(heard, (found) => routesOf(found).flatMap(describe).length === 0);
  put['network']?.();
  await changes(heard, complete);
  await cluster.remove('Server', 'shop/s');
  await changes(heard, (found) => label(found) === 'default/all-unauthenticated');
  put['server']?.();
  await changes(heard, complete);
  await cluster.remove('AuthorizationPolicy', 'shop/p');
  await changes(heard, (found) => routesOf(found).flatMap(describe).length === 0);
  put['policy']?.();
  await changes(heard, complete);
});
