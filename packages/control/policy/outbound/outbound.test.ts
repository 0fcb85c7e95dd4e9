import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { decodeTcpAddress, type outbound } from '#api/mesh';
import { FakeCluster, type Scene, startScene, until } from '../scene.fake.ts';

const scenes: Scene[] = [];
afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.close();
});
async function start(...args: Parameters<typeof startScene>): Promise<Scene> {
  const scene = await startScene(...args);
  scenes.push(scene);
  return scene;
}
type Heard = ReturnType<Scene['traffic']>;
const settled = (heard: Heard) => until(() => heard.all.length > 0 || heard.ended !== undefined);
async function ask(cluster: FakeCluster, target: string): Promise<outbound.OutboundPolicy> {
  const heard = (await start(cluster)).traffic(target);
  await settled(heard);
  return heard.last;
}
const service = (spec: object = {}, annotations: Record<string, string> = {}) =>
  new FakeCluster().put('Service', 'shop/web', {
    metadata: { annotations },
    spec: { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80 }], ...spec },
  });

/** The HTTP/1 part: routes and circuit breaker. */
function http(policy: outbound.OutboundPolicy): outbound.ProxyProtocol_Http1 {
  const kind = policy.protocol?.kind;
  const part = kind?.case === 'detect' ? kind.value.http1 : kind?.case === 'http1' ? kind.value : undefined;
  return part ?? assert.fail(`no HTTP part in ${kind?.case}`);
}
function backend(policy: outbound.OutboundPolicy): outbound.Backend {
  const kind = http(policy).routes[0]?.rules[0]?.backends?.kind;
  return (kind?.case === 'firstAvailable' && kind.value.backends[0]?.backend) || assert.fail('no backend');
}

test('a Service without routes is detected, and is its own backend', async () => {
  const policy = await ask(service(), '10.96.0.9:80');
  const detect = policy.protocol?.kind;
  assert.ok(detect?.case === 'detect');
  assert.equal(detect.value.timeout?.seconds, 10n);
  assert.equal(detect.value.http2?.routes.length, 1);
  assert.equal(detect.value.opaque?.routes[0]?.metadata?.kind.value, 'opaq');
  assert.equal(http(policy).routes[0]?.metadata?.kind.value, 'http');
  const { kind, queue, metadata } = backend(policy);
  assert.ok(kind.case === 'balancer');
  assert.equal(kind.value.discovery?.kind.value?.path, 'web.shop.svc.cluster.local:80');
  assert.equal(kind.value.load.case, 'peakEwma');
  assert.deepEqual([queue?.capacity, queue?.failfastTimeout?.seconds], [100, 3n]);
  const resource = metadata?.kind.value;
  assert.equal(
    typeof resource === 'object' &&
      `${resource.group} ${resource.kind} ${resource.namespace}/${resource.name}:${resource.port}`,
    'core Service shop/web:80',
  );
  assert.equal(http(policy).failureAccrual, undefined);
  assert.equal(http(policy).routes[0]?.rules[0]?.retry, undefined);
});

test('appProtocol decides, then the opaque ports', async () => {
  const cases: [string | undefined, Record<string, string>, string | undefined][] = [
    ['http', {}, 'http1'],
    ['HTTP', {}, 'http1'],
    ['kubernetes.io/h2c', {}, 'http2'],
    ['linkerd.io/opaque', {}, 'opaque'],
    ['https', {}, 'opaque'],
    ['http', { 'config.linkerd.io/opaque-ports': '80' }, 'http1'],
    [undefined, { 'config.linkerd.io/opaque-ports': 'http' }, 'opaque'],
    [undefined, { 'config.linkerd.io/opaque-ports': '' }, 'detect'],
  ];
  for (const [appProtocol, annotations, kind] of cases) {
    const cluster = service({ ports: [{ name: 'http', port: 80, ...(appProtocol && { appProtocol }) }] }, annotations);
    assert.equal((await ask(cluster, '10.96.0.9:80')).protocol?.kind.case, kind, String(appProtocol));
  }
  assert.equal((await ask(service({ ports: [{ port: 3306 }] }), '10.96.0.9:3306')).protocol?.kind.case, 'opaque');
});

test('a Service is found by name, headless or not, and by the IP of its load balancer', async () => {
  const cluster = service({ clusterIP: 'None' });
  for (const name of ['web.shop.svc.cluster.local:80', 'web.shop.svc:80', 'web.shop.svc'])
    assert.equal((await ask(cluster, name)).protocol?.kind.case, 'detect', name);
  cluster.put('Service', 'shop/lb', {
    spec: { ports: [{ port: 80 }] },
    status: { loadBalancer: { ingress: [{ ip: '203.0.113.5' }] } },
  });
  assert.equal((await ask(cluster, '203.0.113.5:80')).metadata?.kind.case, 'resource');
});

test('connections to a port that the Service does not have are refused', async () => {
  const policy = await ask(service(), '10.96.0.9:81');
  const kind = policy.protocol?.kind;
  assert.ok(kind?.case === 'opaque');
  const [route] = kind.value.routes;
  assert.equal(route?.metadata?.kind.value, 'undefined-port');
  assert.equal(route?.rules[0]?.backends?.kind.case, 'empty');
  assert.equal(route?.rules[0]?.filters[0]?.kind.case, 'forbidden');
});

test('what is outside the cluster networks goes where it was meant to go', async () => {
  const policy = await ask(new FakeCluster(), '203.0.113.5:443');
  assert.equal(policy.metadata?.kind.value, 'egress-fallback');
  const { kind } = backend(policy);
  assert.equal(kind.case === 'forward' && decodeTcpAddress(kind.value.addr), '203.0.113.5:443');
});

test('answers with the status that a proxy expects', async () => {
  const scene = await start(service());
  const cases: [string, string, string | undefined][] = [
    ['10.42.0.1:80', 'NOT_FOUND', undefined],
    ['gone.shop.svc.cluster.local', 'NOT_FOUND', undefined],
    ['example.com:80', 'NOT_FOUND', undefined],
    ['web-0.web.shop.svc.cluster.local:80', 'NOT_FOUND', undefined],
    ['web:http', 'INVALID_ARGUMENT', undefined],
    ['10.96.0.9:0', 'INVALID_ARGUMENT', undefined],
    ['10.96.0.9:80', 'INVALID_ARGUMENT', 'nonsense'],
  ];
  for (const [target, code, workload] of cases) {
    const heard = scene.traffic(target, workload);
    await settled(heard);
    assert.equal(heard.ended, code, target);
  }
});

test('changes of the Service are heard; when the IP is no longer its own the proxy is to ask again', async () => {
  const cluster = service();
  const heard = (await start(cluster)).traffic('10.96.0.9:80');
  await settled(heard);
  cluster.put('Service', 'shop/web', {
    metadata: { annotations: { 'config.linkerd.io/opaque-ports': '80' } },
    spec: { clusterIP: '10.96.0.9', ports: [{ port: 80 }] },
  });
  await until(() => heard.last.protocol?.kind.case === 'opaque');
  await cluster.remove('Service', 'shop/web');
  await until(() => heard.ended === 'OK');
});

test('an address outside the cluster that a Service takes over is to be asked for again', async () => {
  const cluster = new FakeCluster();
  const heard = (await start(cluster)).traffic('203.0.113.5:80');
  await settled(heard);
  cluster.put('Service', 'shop/lb', {
    spec: { ports: [{ port: 80 }] },
    status: { loadBalancer: { ingress: [{ ip: '203.0.113.5' }] } },
  });
  await until(() => heard.ended === 'OK');
});

test('timeouts and retries come from annotations', async () => {
  const policy = await ask(
    service(
      {},
      {
        'timeout.linkerd.io/request': '10s',
        'timeout.linkerd.io/idle': '500ms',
        'retry.linkerd.io/http': '5xx,429,400-404',
        'retry.linkerd.io/limit': '3',
        'retry.linkerd.io/timeout': '1s',
      },
    ),
    '10.96.0.9:80',
  );
  const rule = http(policy).routes[0]?.rules[0];
  assert.deepEqual(
    [rule?.timeouts?.request?.seconds, rule?.timeouts?.response, rule?.timeouts?.idle?.nanos],
    [10n, undefined, 500_000_000],
  );
  assert.deepEqual(
    rule?.retry?.conditions?.statusRanges.map(({ start: from, end }) => [from, end]),
    [
      [500, 599],
      [429, 429],
      [400, 404],
    ],
  );
  assert.deepEqual(
    [
      rule?.retry?.maxRetries,
      rule?.retry?.maxRequestBytes,
      rule?.retry?.timeout?.seconds,
      rule?.retry?.backoff?.jitterRatio,
    ],
    [3, 65536, 1n, 1],
  );
  const alone = http(await ask(service({}, { 'retry.linkerd.io/limit': '0' }), '10.96.0.9:80')).routes[0]?.rules[0]
    ?.retry;
  assert.deepEqual([alone?.maxRetries, alone?.conditions?.statusRanges], [1, []]);
});

test('circuit breaking comes from annotations, in two modes', async () => {
  const on = (mode: string, more: Record<string, string> = {}) =>
    service({}, { 'balancer.linkerd.io/failure-accrual': mode, ...more });
  const prefix = 'balancer.linkerd.io/failure-accrual-consecutive-';
  const consecutive = http(
    await ask(
      on('consecutive', {
        [`${prefix}max-failures`]: '5',
        [`${prefix}min-penalty`]: '2s',
        [`${prefix}jitter-ratio`]: '1.5',
      }),
      '10.96.0.9:80',
    ),
  ).failureAccrual?.kind;
  assert.ok(consecutive?.case === 'consecutiveFailures');
  const { maxFailures, backoff } = consecutive.value;
  assert.deepEqual(
    [maxFailures, backoff?.minBackoff?.seconds, backoff?.maxBackoff?.seconds, backoff?.jitterRatio],
    [5, 2n, 60n, 1.5],
  );
  const unified = http(
    await ask(
      on('unified', { 'balancer.alpha.linkerd.io/failure-accrual-success-rate-threshold': '0.5' }),
      '10.96.0.9:80',
    ),
  ).failureAccrual?.kind;
  assert.ok(unified?.case === 'unified');
  assert.deepEqual(
    [
      unified.value.successRateThreshold,
      unified.value.decay?.seconds,
      unified.value.minRequests,
      unified.value.maxConsecutiveFailures,
    ],
    [0.5, 10n, 5, 7],
  );
  const penalized = backend(
    await ask(service({}, { 'balancer.alpha.linkerd.io/penalize-failures': 'true' }), '10.96.0.9:80'),
  ).kind;
  assert.equal(penalized.case === 'balancer' && penalized.value.load.case, 'penaltyPeakEwma');
});

test('one bad annotation turns its group off, and is logged once', async () => {
  const bad: Record<string, string>[] = [
    { 'balancer.linkerd.io/failure-accrual': 'sometimes' },
    {
      'balancer.linkerd.io/failure-accrual': 'consecutive',
      'balancer.linkerd.io/failure-accrual-consecutive-min-penalty': '2m',
    },
    {
      'balancer.linkerd.io/failure-accrual': 'consecutive',
      'balancer.linkerd.io/failure-accrual-consecutive-max-failures': '-1',
    },
    { 'timeout.linkerd.io/request': '1h30m', 'timeout.linkerd.io/idle': '1s' },
    { 'retry.linkerd.io/http': '5xx, 429' },
    { 'retry.linkerd.io/limit': '70000' },
  ];
  for (const annotations of bad) {
    const scene = await start(service({}, annotations));
    for (let i = 0; i < 2; i += 1) {
      const heard = scene.traffic('10.96.0.9:80');
      await settled(heard);
      const rule = http(heard.last).routes[0]?.rules[0];
      assert.deepEqual(
        [http(heard.last).failureAccrual, rule?.retry, rule?.timeouts?.idle],
        [undefined, undefined, undefined],
      );
    }
    assert.equal(
      scene.log.lines.filter((line) => line.includes('ignoring an annotation')).length,
      1,
      JSON.stringify(annotations),
    );
  }
});

test('for a gateway, what is not exported is not there', async () => {
  const cluster = service();
  const scene = await start(cluster);
  const gateway = '{"ns":"mc","pod":"gateway","services":"exported=true"}';
  const watch = () => scene.traffic('web.shop.svc.cluster.local:80', gateway);
  const hidden = watch();
  await settled(hidden);
  assert.equal(hidden.ended, 'NOT_FOUND');
  const put = (labels: Record<string, string>) =>
    cluster.put('Service', 'shop/web', {
      metadata: { labels },
      spec: { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80 }] },
    });
  put({ exported: 'true' });
  let heard = watch();
  await until(() => {
    if (heard.ended !== undefined) heard = watch();
    return heard.all.length > 0;
  });
  assert.equal(backend(heard.last).kind.case, 'balancer');
  put({});
  await until(() => heard.ended === 'OK');
  const others = scene.traffic('web.shop.svc.cluster.local:80');
  await settled(others);
  assert.equal(others.ended, undefined);
});
