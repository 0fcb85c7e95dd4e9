import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { toJson } from '@bufbuild/protobuf';
import { outbound } from '#api/mesh';
import { FakeCluster, type Scene, startScene, until } from '../scene.fake.ts';

const scenes: Scene[] = [];
afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.close();
});
type Heard = ReturnType<Scene['traffic']>;
// biome-ignore lint/suspicious/noExplicitAny: messages as JSON, read by tests that know their shape.
type Json = any;

/** The first policy that a client hears, as JSON. */
async function ask(
  cluster: FakeCluster,
  target = WEB,
  options: { from?: string; features?: string } = {},
): Promise<Json> {
  const heard = (await start(cluster)).traffic(target, workloadIn(options.from ?? 'shop'), options.features);
  return policyOf(await settled(heard));
}
async function start(cluster: FakeCluster): Promise<Scene> {
  const scene = await startScene(cluster);
  scenes.push(scene);
  return scene;
}
async function settled(heard: Heard): Promise<Heard> {
  await until(() => heard.all.length > 0 || heard.ended !== undefined);
  return heard;
}
const policyOf = (heard: Heard): Json => toJson(outbound.OutboundPolicySchema, heard.last);
const workloadIn = (namespace: string) => JSON.stringify({ ns: namespace, pod: 'client' });

const WEB = '10.96.0.9:80';
const ALL_FEATURES = 'delay,endpoint-priority,path-rewrite,request-mirror,zone-preference';
/** Services web (10.96.0.9, ports 80 and 4191) and next in namespace shop. */
function shop(annotations: Record<string, string> = {}, port: object = {}): FakeCluster {
  return new FakeCluster()
    .put('Service', 'shop/web', {
      metadata: { annotations },
      spec: { clusterIP: '10.96.0.9', ports: [{ port: 80, ...port }, { port: 4191 }] },
    })
    .put('Service', 'shop/next', { spec: { clusterIP: '10.96.0.10', ports: [{ port: 80 }] } });
}
const web = (more: object = {}) => ({ group: '', kind: 'Service', name: 'web', ...more });
const at = (minute: number, annotations: Record<string, string> = {}) => ({
  metadata: { creationTimestamp: `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`, annotations },
});
const route = (rules: object[], more: object = {}, parents: object[] = [web()]) => ({
  ...at(0),
  ...more,
  spec: { parentRefs: parents, rules },
});
const next = (more: object = {}) => ({ name: 'next', port: 80, ...more });

const httpRoutes = (policy: Json): Json[] =>
  (policy.protocol.detect?.http1 ?? policy.protocol.http1 ?? policy.protocol.http2).routes;
const names = (routes: Json[]) => routes.map(({ metadata }) => metadata.resource?.name ?? metadata.default);
const path = (backend: Json) => backend.backend.balancer.discovery.dst.path;

test('a rule without backends leads to the parent, and one with weights to its backends by weight', async () => {
  const policy = await ask(
    shop().put(
      'HTTPRoute',
      'shop/r',
      route([{}, { backendRefs: [next({ weight: 3 }), web({ port: 80, weight: 0 })] }]),
    ),
  );
  const [own, weighted] = httpRoutes(policy)[0].rules;
  assert.equal(path(own.backends.firstAvailable.backends[0]), 'web.shop.svc.cluster.local:80');
  assert.deepEqual(
    weighted.backends.randomAvailable.backends.map(({ weight, backend }: Json) => [path(backend), weight ?? 0]),
    [
      ['next.shop.svc.cluster.local:80', 3],
      ['web.shop.svc.cluster.local:80', 0],
    ],
  );
  assert.deepEqual(httpRoutes(policy)[0].metadata.resource, {
    group: 'gateway.networking.k8s.io',
    kind: 'HTTPRoute',
    namespace: 'shop',
    name: 'r',
  });
});

test('a route without rules is there without rules: nothing takes its place', async () => {
  const routes = httpRoutes(await ask(shop().put('PolicyHTTPRoute', 'shop/r', route([]))));
  assert.deepEqual(names(routes), ['r']);
  assert.equal(routes[0].rules, undefined);
});

test('backends that are not there keep their share of requests, which fail and say why', async () => {
  const policy = await ask(
    shop().put(
      'HTTPRoute',
      'shop/r',
      route([
        {
          backendRefs: [
            next({ weight: 1 }),
            { name: 'gone', port: 80, weight: 2 },
            { name: 'next', weight: 3 },
            { kind: 'Bucket', group: 'x', name: 'b', port: 80, weight: 4 },
            next({ weight: 5, filters: [{ type: 'ExtensionRef' }] }),
            { group: 'policy.linkerd.io', kind: 'EgressNetwork', name: 'out', port: 80, weight: 6 },
          ],
        },
      ]),
    ),
  );
  const backends: Json[] = httpRoutes(policy)[0].rules[0].backends.randomAvailable.backends;
  assert.deepEqual(
    backends.map(({ weight, backend }) => [weight, backend.filters?.[0].failureInjector ?? path(backend)]),
    [
      [1, 'next.shop.svc.cluster.local:80'],
      ...[
        'Service not found gone',
        'Service next must be referred to with a port',
        'backends of kind bucket are not supported',
        'a filter of backend next is not supported',
        'EgressNetwork out is a backend of its own routes only',
      ].map((message, i) => [i + 2, { status: 500, message, ratio: { numerator: 1, denominator: 1 } }]),
    ],
  );
});

test('where no backend has a weight nothing is forwarded, and weights that are all 0 are never sent', async () => {
  for (const [kind, protocol] of [
    ['HTTPRoute', 'detect'],
    ['GRPCRoute', 'grpc'],
    ['TCPRoute', 'opaque'],
    ['TLSRoute', 'tls'],
  ] as const)
    for (const backendRefs of [[next({ weight: 0 })], [next({ weight: 0 }), web({ port: 80, weight: 0 })]]) {
      const found = (await ask(shop().put(kind, 'shop/r', route([{ backendRefs }])))).protocol[protocol];
      assert.deepEqual((found.http1 ?? found).routes[0].rules[0].backends, { empty: {} }, kind);
    }
});

test('a route may name its backends in order: the first that is available gets all, what is not there is passed over', async () => {
  const order = { 'balancer.weft.dev/backends': 'first-available' };
  const gone = { name: 'gone', port: 80 };
  const policyFor = (annotations: Record<string, string>, backendRefs: object[]) =>
    ask(shop().put('HTTPRoute', 'shop/r', route([{ backendRefs }], at(0, annotations))));
  const backends = (policy: Json): Json => httpRoutes(policy)[0].rules[0].backends;
  const ordered = backends(await policyFor(order, [gone, next({ weight: 0 }), web({ port: 80 })]));
  assert.deepEqual(ordered.firstAvailable.backends.map(path), [
    'next.shop.svc.cluster.local:80',
    'web.shop.svc.cluster.local:80',
  ]);
  const none = backends(await policyFor(order, [gone]));
  assert.equal(none.firstAvailable.backends[0].filters[0].failureInjector.message, 'Service not found gone');
  const misread = backends(await policyFor({ 'balancer.weft.dev/backends': 'first' }, [next(), web({ port: 80 })]));
  assert.equal(misread.randomAvailable.backends.length, 2);
});

test('a missing backend that appears is used at once', async () => {
  const cluster = shop().put('HTTPRoute', 'shop/r', route([{ backendRefs: [{ name: 'late', port: 80 }] }]));
  const heard = await settled((await start(cluster)).traffic(WEB));
  const backend = () => httpRoutes(policyOf(heard))[0].rules[0].backends.randomAvailable.backends[0].backend;
  assert.ok(backend().filters[0].failureInjector);
  cluster.put('Service', 'shop/late', { spec: { clusterIP: '10.96.0.11', ports: [{ port: 80 }] } });
  await until(() => backend().backend.balancer !== undefined);
});

test('routes of the Service are for everyone, those of another namespace for its clients, the older first', async () => {
  const cluster = shop()
    .put('HTTPRoute', 'shop/producer', { ...route([{}]), ...at(2) })
    .put('HTTPRoute', 'guests/consumer', { ...route([{}], {}, [web({ namespace: 'shop' })]), ...at(1) });
  assert.deepEqual(names(httpRoutes(await ask(cluster, WEB, { from: 'shop' }))), ['producer']);
  const heard = await settled((await start(cluster)).traffic(WEB, workloadIn('guests')));
  assert.deepEqual(names(httpRoutes(policyOf(heard))), ['consumer', 'producer']);
  await cluster.remove('HTTPRoute', 'guests/consumer');
  await until(() => names(httpRoutes(policyOf(heard))).length === 1);
});

test('a backend without a namespace is the parent’s neighbour', async () => {
  const consumer = route([{ backendRefs: [next()] }], {}, [web({ namespace: 'shop' })]);
  const policy = await ask(shop().put('HTTPRoute', 'guests/r', consumer), WEB, { from: 'guests' });
  const [{ backend }] = httpRoutes(policy)[0].rules[0].backends.randomAvailable.backends;
  assert.equal(path(backend), 'next.shop.svc.cluster.local:80');
});

test('a parent without a port is every port, and a route on two ports is there once', async () => {
  const cluster = shop()
    .put('HTTPRoute', 'shop/everywhere', route([{}], at(1), [web(), web({ port: 80 })]))
    .put('HTTPRoute', 'shop/admin', route([{}], at(2), [web({ port: 4191 })]));
  assert.deepEqual(names(httpRoutes(await ask(cluster, WEB))), ['everywhere']);
  assert.deepEqual(names(httpRoutes(await ask(cluster, '10.96.0.9:4191'))), ['everywhere', 'admin']);
});

test('a route that moves to another Service leaves the one and comes to the other', async () => {
  const cluster = shop().put('HTTPRoute', 'shop/r', route([{}]));
  const scene = await start(cluster);
  const [a, b] = [await settled(scene.traffic(WEB)), await settled(scene.traffic('10.96.0.10:80'))];
  assert.deepEqual([names(httpRoutes(policyOf(a))), names(httpRoutes(policyOf(b)))], [['r'], ['http']]);
  cluster.put('HTTPRoute', 'shop/r', route([{}], {}, [web({ name: 'next' })]));
  await until(() => names(httpRoutes(policyOf(a)))[0] === 'http' && names(httpRoutes(policyOf(b)))[0] === 'r');
});

test('the kind of routes decides the protocol, unless the port says it', async () => {
  const with_ = (
    kinds: ('HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute')[],
    port: object = {},
    annotations = {},
  ) => {
    const cluster = shop(annotations, port);
    for (const kind of kinds) cluster.put(kind, `shop/${kind.toLowerCase()}`, route([{ backendRefs: [next()] }]));
    return cluster;
  };
  const cases: [FakeCluster, string][] = [
    [with_([]), 'detect'],
    [with_(['HTTPRoute']), 'detect'],
    [with_(['HTTPRoute', 'GRPCRoute']), 'grpc'],
    [with_(['HTTPRoute', 'TLSRoute']), 'detect'],
    [with_(['TLSRoute', 'TCPRoute']), 'tls'],
    [with_(['TCPRoute']), 'opaque'],
    [with_(['GRPCRoute'], { appProtocol: 'kubernetes.io/h2c' }), 'grpc'],
    [with_(['HTTPRoute'], { appProtocol: 'kubernetes.io/h2c' }), 'http2'],
    [with_(['GRPCRoute'], { appProtocol: 'http' }), 'http1'],
    [with_(['HTTPRoute'], { appProtocol: 'linkerd.io/tcp' }), 'opaque'],
    [with_(['HTTPRoute'], {}, { 'config.linkerd.io/opaque-ports': '80' }), 'opaque'],
  ];
  for (const [cluster, protocol] of cases)
    assert.deepEqual(Object.keys((await ask(cluster)).protocol), [protocol], JSON.stringify([...cases].length));
});

test('of TCP routes only the oldest is used; TLS routes choose by name', async () => {
  const tcp = shop()
    .put('TCPRoute', 'shop/b', route([{ backendRefs: [next()] }], at(1)))
    .put('TCPRoute', 'shop/a', route([{ backendRefs: [web({ port: 80 })] }], at(2)));
  assert.deepEqual(names((await ask(tcp)).protocol.opaque.routes), ['b']);
  const tls = shop().put('TLSRoute', 'shop/t', {
    ...at(0),
    spec: {
      parentRefs: [web()],
      hostnames: ['a.test', '*.b.test'],
      rules: [{ backendRefs: [{ name: 'gone', port: 1 }] }],
    },
  });
  const [only] = (await ask(tls)).protocol.tls.routes;
  assert.deepEqual(only.snis, [{ exact: 'a.test' }, { suffix: { reverseLabels: ['test', 'b'] } }]);
  const [{ backend }] = only.rules[0].backends.randomAvailable.backends;
  assert.deepEqual(backend.filters, [{ invalid: { message: 'Service not found gone' } }]);
});

test('gRPC routes match methods, and a missing backend is unavailable', async () => {
  const rules = [
    { matches: [{ method: { service: 'a.B', method: 'C' } }, {}], backendRefs: [{ name: 'gone', port: 80 }] },
  ];
  const [grpc] = (await ask(shop().put('GRPCRoute', 'shop/g', route(rules)))).protocol.grpc.routes;
  assert.deepEqual(grpc.rules[0].matches, [{ rpc: { service: 'a.B', method: 'C' } }, { rpc: {} }]);
  const [{ backend }] = grpc.rules[0].backends.randomAvailable.backends;
  assert.equal(backend.filters[0].failureInjector.code, 14);
});

test('fields of our own go only to proxies that know them; a route that cannot do without them is left out', async () => {
  const filters = [
    { type: 'RequestHeaderModifier', requestHeaderModifier: { add: [{ name: 'X-A', value: '1' }] } },
    { type: 'ResponseHeaderModifier', responseHeaderModifier: { remove: ['server'] } },
    { type: 'RequestMirror', requestMirror: { backendRef: next(), fraction: { numerator: 1, denominator: 4 } } },
  ];
  const rewrite = [{ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/x' } } }];
  const cluster = shop({ 'balancer.weft.dev/load-band': '0.5,1.75' })
    .put(
      'HTTPRoute',
      'shop/copied',
      route([{ filters }], at(1, { 'fault.weft.dev/delay': '100ms', 'fault.weft.dev/delay-percent': '12.5' })),
    )
    .put('HTTPRoute', 'shop/rewritten', route([{ filters: rewrite }], at(2)))
    .put('HTTPRoute', 'shop/unknown', route([{ filters: [{ type: 'ExtensionRef' }] }], at(3)));
  const kinds = (routes: Json[]) =>
    routes.map(({ rules }) => (rules[0].filters ?? []).map((filter: Json) => Object.keys(filter)[0]));
  const foreign = httpRoutes(await ask(cluster));
  assert.deepEqual(names(foreign), ['copied']);
  assert.deepEqual(kinds(foreign), [['requestHeaderModifier', 'responseHeaderModifier']]);
  assert.equal(foreign[0].rules[0].backends.firstAvailable.backends[0].backend.balancer.zonePreference, undefined);

  const own = httpRoutes(await ask(cluster, WEB, { features: ALL_FEATURES }));
  assert.deepEqual(names(own), ['copied', 'rewritten']);
  assert.deepEqual(kinds(own), [
    ['delay', 'requestHeaderModifier', 'responseHeaderModifier', 'requestMirror'],
    ['pathRewrite'],
  ]);
  const [delay, , , mirror] = own[0].rules[0].filters;
  assert.deepEqual(delay.delay, { duration: '0.100s', ratio: { numerator: 1250, denominator: 10000 } });
  assert.deepEqual(mirror.requestMirror.ratio, { numerator: 1, denominator: 4 });
  assert.equal(mirror.requestMirror.backend.balancer.discovery.dst.path, 'next.shop.svc.cluster.local:80');
  assert.deepEqual(own[0].rules[0].backends.firstAvailable.backends[0].backend.balancer.zonePreference, {
    low: 0.5,
    high: 1.75,
  });
});

test('failures injected by a route answer for any proxy, as a status or as a gRPC code', async () => {
  const faulty = at(0, { 'fault.weft.dev/status': '503', 'fault.weft.dev/status-percent': '50' });
  const share = { numerator: 5000, denominator: 10000 };
  const http = httpRoutes(await ask(shop().put('HTTPRoute', 'shop/r', route([{}], faulty))));
  assert.deepEqual(http[0].rules[0].filters[0].failureInjector, {
    status: 503,
    message: 'injected by the route',
    ratio: share,
  });
  const grpc = (await ask(shop().put('GRPCRoute', 'shop/r', route([{}], faulty)))).protocol.grpc.routes;
  assert.deepEqual(grpc[0].rules[0].filters[0].failureInjector, {
    code: 14,
    message: 'injected by the route',
    ratio: share,
  });
});

test('time-outs and retries of the route take the place of the Service’s, group by group', async () => {
  const service = {
    'timeout.linkerd.io/request': '9s',
    'timeout.linkerd.io/idle': '1s',
    'retry.linkerd.io/http': '5xx',
    'retry.linkerd.io/grpc': 'unavailable,deadline-exceeded',
  };
  const of = async (annotations: Record<string, string>, rule: object = {}) =>
    httpRoutes(await ask(shop(service).put('HTTPRoute', 'shop/r', route([rule], at(0, annotations)))))[0].rules[0];
  const inherited = await of({});
  assert.deepEqual(inherited.timeouts, { request: '9s', idle: '1s' });
  assert.deepEqual(inherited.retry.conditions.statusRanges, [{ start: 500, end: 599 }]);
  const own = await of({ 'timeout.linkerd.io/response': '2s' });
  assert.deepEqual(own.timeouts, { response: '2s' });
  assert.deepEqual(own.retry.conditions.statusRanges, [{ start: 500, end: 599 }]);
  assert.deepEqual((await of({}, { timeouts: { request: '1m30s' } })).timeouts, { request: '90s' });
  assert.deepEqual((await of({}, { timeouts: { request: '0s' } })).timeouts, {});
  assert.deepEqual((await of({ 'timeout.linkerd.io/request': '3s' }, { timeouts: { request: '5s' } })).timeouts, {
    request: '3s',
  });
  const off = await of({ 'retry.linkerd.io/limit': '3' });
  assert.deepEqual([off.retry.maxRetries, off.retry.conditions.statusRanges], [3, undefined]);
  const grpc = (await ask(shop(service).put('GRPCRoute', 'shop/r', route([{}])))).protocol.grpc.routes[0].rules[0];
  assert.deepEqual(grpc.retry.conditions, { deadineExceeded: true, unavailable: true });
});

const OUTSIDE = '203.0.113.5:443';
const network = (trafficPolicy: string, more: object = {}, minute = 0) => ({
  ...at(minute),
  spec: { trafficPolicy, ...more },
});
const out = (more: object = {}) => ({
  group: 'policy.linkerd.io',
  kind: 'EgressNetwork',
  name: 'out',
  port: 443,
  ...more,
});

test('an address outside the cluster falls under the EgressNetwork of its client’s namespace, else the global one', async () => {
  const called = async (cluster: FakeCluster, from = 'shop') =>
    names(httpRoutes(await ask(cluster, OUTSIDE, { from })))[0];
  const cluster = new FakeCluster();
  assert.equal(await called(cluster), 'egress-fallback');
  cluster.put('EgressNetwork', 'linkerd-egress/all', network('Deny'));
  assert.equal(await called(cluster), 'http-egress-deny');
  cluster.put('EgressNetwork', 'shop/out', network('Allow'));
  assert.equal(await called(cluster), 'http-egress-allow');
  assert.equal(await called(cluster, 'other'), 'http-egress-deny');
  cluster.put('EgressNetwork', 'shop/out', network('Allow', { networks: [{ cidr: '198.51.100.0/24' }] }));
  assert.equal(await called(cluster), 'egress-fallback');
});

test('the smallest block wins, without its excepted parts, then the oldest network', async () => {
  const called = async (cluster: FakeCluster) => (await ask(cluster, OUTSIDE)).metadata.resource.name;
  const cluster = new FakeCluster()
    .put('EgressNetwork', 'shop/wide', network('Allow', { networks: [{ cidr: '203.0.0.0/8' }] }))
    .put('EgressNetwork', 'shop/narrow', network('Allow', { networks: [{ cidr: '203.0.113.0/24' }] }, 2))
    .put('EgressNetwork', 'shop/twin', network('Allow', { networks: [{ cidr: '203.0.113.0/24' }] }, 3));
  assert.equal(await called(cluster), 'narrow');
  cluster.put(
    'EgressNetwork',
    'shop/twin',
    network('Allow', { networks: [{ cidr: '203.0.113.0/24', except: ['203.0.113.128/25'] }] }, 3),
  );
  assert.equal(await called(cluster), 'twin');
  cluster.put(
    'EgressNetwork',
    'shop/narrow',
    network('Allow', { networks: [{ cidr: '203.0.113.0/24', except: ['203.0.113.5'] }] }, 2),
  );
  await cluster.remove('EgressNetwork', 'shop/twin');
  assert.equal(await called(cluster), 'wide');
});

test('an EgressNetwork that denies refuses every protocol, one that allows sends on where it was meant to go', async () => {
  const deny = (await ask(new FakeCluster().put('EgressNetwork', 'shop/out', network('Deny')), OUTSIDE)).protocol
    .detect;
  assert.equal(deny.http1.routes[0].rules[0].filters[0].failureInjector.status, 403);
  assert.deepEqual(
    [names(deny.opaque.routes), deny.opaque.routes[0].rules[0].filters],
    [['tcp-egress-deny'], [{ forbidden: {} }]],
  );
  const allow = (await ask(new FakeCluster().put('EgressNetwork', 'shop/out', network('Allow')), OUTSIDE)).protocol
    .detect;
  assert.equal(allow.http1.routes[0].rules[0].filters, undefined);
  assert.equal(allow.opaque.routes[0].rules[0].backends.firstAvailable.backends[0].backend.forward.addr.port, 443);
});

test('routes on an EgressNetwork come before what its policy says, by port, to it or to a Service', async () => {
  const cluster = shop()
    .put('EgressNetwork', 'shop/out', network('Deny'))
    .put('HTTPRoute', 'shop/r', route([{ backendRefs: [next(), out()] }], {}, [out()]))
    .put('HTTPRoute', 'shop/portless', route([{}], {}, [out({ port: undefined })]));
  const routes = httpRoutes(await ask(cluster, OUTSIDE));
  assert.deepEqual(names(routes), ['r', 'http-egress-deny']);
  const [toService, toOutside] = routes[0].rules[0].backends.randomAvailable.backends;
  assert.equal(path(toService.backend), 'next.shop.svc.cluster.local:80');
  assert.equal(toOutside.backend.backend.forward.addr.port, 443);
  assert.deepEqual(names(httpRoutes(await ask(cluster, '203.0.113.5:80'))), ['http-egress-deny']);

  const tls = new FakeCluster().put('EgressNetwork', 'shop/out', network('Deny')).put('TLSRoute', 'shop/t', {
    ...at(0),
    spec: { parentRefs: [out()], hostnames: ['a.test'], rules: [{ backendRefs: [out()] }] },
  });
  assert.deepEqual(names((await ask(tls, OUTSIDE)).protocol.tls.routes), ['t', 'tls-egress-deny']);
});

test('annotations of an EgressNetwork about breakers and penalties mean nothing, not even for Services behind its routes', async () => {
  const annotations = {
    'balancer.linkerd.io/failure-accrual': 'consecutive',
    'balancer.alpha.linkerd.io/failure-accrual-success-rate-threshold': '0.5',
    'balancer.alpha.linkerd.io/penalize-failures': 'true',
  };
  const cluster = shop()
    .put('EgressNetwork', 'shop/out', { ...network('Allow'), metadata: { annotations } })
    .put('HTTPRoute', 'shop/r', route([{ backendRefs: [next(), out()] }], {}, [out()]));
  const policy = await ask(cluster, OUTSIDE);
  const [toService] = httpRoutes(policy)[0].rules[0].backends.randomAvailable.backends;
  assert.ok(toService.backend.backend.balancer.peakEwma);
  assert.equal(policy.protocol.detect.http1.failureAccrual, undefined);
});

test('an EgressNetwork that reaches into the cluster answers, but takes no routes', async () => {
  const cluster = new FakeCluster()
    .put('EgressNetwork', 'shop/out', network('Allow', { networks: [{ cidr: '0.0.0.0/0' }] }))
    .put('HTTPRoute', 'shop/r', route([{}], {}, [out()]));
  assert.deepEqual(names(httpRoutes(await ask(cluster, OUTSIDE))), ['http-egress-allow']);
});

test('streams about addresses outside end when an EgressNetwork comes, changes or goes, not when its status does', async () => {
  const cluster = new FakeCluster();
  const scene = await start(cluster);
  const watch = () => settled(scene.traffic(OUTSIDE));
  const before = await watch();
  cluster.put('EgressNetwork', 'shop/out', network('Allow'));
  await until(() => before.ended === 'OK');
  const during = await watch();
  cluster.put('EgressNetwork', 'shop/out', { ...network('Allow'), status: { conditions: [{ type: 'Accepted' }] } });
  cluster.put('HTTPRoute', 'shop/r', route([{}], {}, [out()]));
  await until(() => names(httpRoutes(policyOf(during))).length === 2);
  assert.equal(during.ended, undefined);
  cluster.put('EgressNetwork', 'shop/out', network('Deny'));
  await until(() => during.ended === 'OK');
});

test('clients may set time-outs and retries by header only where the controller allows it', async () => {
  const rule = async (allowL5dRequestHeaders: boolean) => {
    const scene = await startScene(shop().put('HTTPRoute', 'shop/r', route([{}])), { allowL5dRequestHeaders });
    scenes.push(scene);
    return httpRoutes(policyOf(await settled(scene.traffic(WEB))))[0].rules[0];
  };
  assert.deepEqual(
    [(await rule(false)).allowL5dRequestHeaders, (await rule(true)).allowL5dRequestHeaders],
    [undefined, true],
  );
});
