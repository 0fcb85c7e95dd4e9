import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { decodeTcpAddress } from '#api/mesh';
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
type Heard = ReturnType<Scene['profile']>;
async function first(heard: Heard) {
  await until(() => heard.all.length > 0 || heard.ended !== undefined);
  return heard.all[0] ?? assert.fail(`ended with ${heard.ended}`);
}
const last = (heard: Heard) => heard.all.at(-1) ?? assert.fail('nothing heard');
const WEB = 'web.shop.svc.cluster.local';
const shop = () => new FakeCluster().service('shop/web', []);

test('an IP that a Service has is that Service; without ServiceProfile it has the default profile', async () => {
  const profile = await first((await start(shop())).profile('10.96.0.9:80'));
  assert.equal(profile.fullyQualifiedName, WEB);
  assert.equal(profile.opaqueProtocol, false);
  assert.deepEqual(profile.routes, []);
  assert.equal(profile.retryBudget?.minRetriesPerSecond, 10);
  assert.equal(profile.retryBudget?.ttl?.seconds, 10n);
  const parent = profile.parentRef?.kind.value;
  assert.equal(
    typeof parent === 'object' && `${parent.group}/${parent.kind}/${parent.namespace}/${parent.name}:${parent.port}`,
    'core/Service/shop/web:80',
  );
});

test('a port that the Service does not declare has an empty profile on an open stream', async () => {
  const heard = (await start(shop())).profile(`${WEB}:81`);
  assert.equal((await first(heard)).fullyQualifiedName, '');
  assert.equal(heard.ended, undefined);
});

test('a Service port is opaque by annotation, by name or number, else by the default list', async () => {
  const ports = [
    { name: 'http', port: 80 },
    { name: 'sql', port: 5432 },
    { name: 'my', port: 3306 },
  ];
  const cluster = new FakeCluster().put('Service', 'shop/web', { spec: { ports } });
  const scene = await start(cluster);
  const sql = scene.profile(`${WEB}:5432`);
  const my = scene.profile(`${WEB}:3306`);
  assert.equal((await first(sql)).opaqueProtocol, false);
  assert.equal((await first(my)).opaqueProtocol, true);
  cluster.put('Service', 'shop/web', {
    metadata: { annotations: { 'config.linkerd.io/opaque-ports': '5000-5100,sql' } },
    spec: { ports },
  });
  await until(() => last(sql).opaqueProtocol && !last(my).opaqueProtocol);
});

test("the client's ServiceProfile wins over the service's own, and changes are heard", async () => {
  const spec = (name: string) => ({ spec: { routes: [{ name, condition: { pathRegex: '/a', method: 'GET' } }] } });
  const cluster = shop().put('ServiceProfile', `shop/${WEB}`, spec('of service'));
  const scene = await start(cluster);
  const heard = scene.profile(`${WEB}:80`, '{"ns":"client"}');
  assert.equal((await first(heard)).routes[0]?.metricsLabels['route'], 'of service');
  cluster.put('ServiceProfile', `client/${WEB}`, spec('of client'));
  await until(() => last(heard).routes[0]?.metricsLabels['route'] === 'of client');
  await cluster.remove('ServiceProfile', `client/${WEB}`);
  await until(() => last(heard).routes[0]?.metricsLabels['route'] === 'of service');
  assert.equal(last(heard).routes[0]?.condition?.match.case, 'all');
});

test('translates routes, classes, budget and overrides', async () => {
  const cluster = shop().put('ServiceProfile', `shop/${WEB}`, {
    spec: {
      routes: [
        {
          name: 'r',
          condition: { any: [{ not: { method: 'PUT' } }, { method: 'BREW' }] },
          timeout: '1.5s',
          isRetryable: true,
          responseClasses: [{ condition: { status: { min: 500, max: 599 } }, isFailure: true }],
        },
      ],
      retryBudget: { retryRatio: 0.5, minRetriesPerSecond: 3, ttl: '1m' },
      dstOverrides: [
        { authority: 'a.shop.svc.cluster.local', weight: '500m' },
        { authority: 'b.shop.svc.cluster.local:99', weight: 1 },
      ],
    },
  });
  const profile = await first((await start(cluster)).profile(`${WEB}:80`));
  const [route] = profile.routes;
  assert.deepEqual([route?.timeout?.seconds, route?.timeout?.nanos, route?.isRetryable], [1n, 500_000_000, true]);
  assert.equal(route?.condition?.match.case, 'any');
  assert.equal(route?.responseClasses[0]?.condition?.match.case, 'status');
  assert.equal(profile.retryBudget?.ttl?.seconds, 60n);
  assert.deepEqual(
    profile.dstOverrides.map((each) => [each.authority, each.weight]),
    [
      ['a.shop.svc.cluster.local:80', 5000],
      ['b.shop.svc.cluster.local:99', 10000],
    ],
  );
  const ref = profile.profileRef?.kind.value;
  assert.equal(typeof ref === 'object' && `${ref.kind} ${ref.namespace}/${ref.name}`, `ServiceProfile shop/${WEB}`);
});

test('an invalid ServiceProfile leaves the last good one in place and is logged', async () => {
  const cluster = shop().put('ServiceProfile', `shop/${WEB}`, {
    spec: { routes: [{ name: 'good', condition: { method: 'GET' } }] },
  });
  const scene = await start(cluster);
  const heard = scene.profile(`${WEB}:80`);
  await first(heard);
  cluster.put('ServiceProfile', `shop/${WEB}`, { spec: { routes: [{ name: 'bad', condition: {} }] } });
  await until(() => scene.log.lines.some((line) => /invalid ServiceProfile.*route "bad"/.test(line)));
  cluster.put('ServiceProfile', `shop/${WEB}`, {
    spec: { routes: [{ name: 'bad', condition: { method: 'GET' }, timeout: 'soon' }] },
  });
  await until(() => scene.log.lines.some((line) => /got "soon"/.test(line)));
  assert.equal(heard.all.length, 1);
});

test('a ServiceProfile that was never valid counts as none, so that nobody waits for it', async () => {
  const cluster = shop().put('ServiceProfile', `shop/${WEB}`, { spec: { routes: [{ name: 'bad' }] } });
  const scene = await start(cluster);
  const heard = scene.profile(`${WEB}:80`);
  assert.deepEqual((await first(heard)).routes, []);
  cluster.put('ServiceProfile', `shop/${WEB}`, { spec: { routes: [{ name: 'bad' }] } });
  cluster.put('ServiceProfile', `shop/${WEB}`, { spec: { routes: [{ name: 'r', condition: { method: 'GET' } }] } });
  await until(() => last(heard).routes.length === 1);
  assert.equal(scene.log.lines.filter((line) => /invalid ServiceProfile/.test(line)).length, 1, 'said once');
});

test('the IP of a pod is that pod, whether ready or not, without zone_locality', async () => {
  const cluster = new FakeCluster().pod('shop/db-0', '10.42.0.5', {
    annotations: { 'config.linkerd.io/opaque-ports': '7000' },
  });
  const profile = await first((await start(cluster)).profile('10.42.0.5:7000'));
  assert.equal(profile.fullyQualifiedName, '');
  assert.equal(profile.opaqueProtocol, true);
  assert.equal(decodeTcpAddress(profile.endpoint?.addr), '10.42.0.5:7000');
  assert.equal(
    profile.endpoint?.tlsIdentity?.serverName?.name,
    'default.shop.serviceaccount.identity.linkerd.cluster.local',
  );
  assert.deepEqual(profile.endpoint?.metricLabels, {
    pod: 'db-0',
    serviceaccount: 'default',
    control_plane_ns: 'linkerd',
    zone: '',
    namespace: 'shop',
  });
});

test('an unknown address is itself; a pod that starts there is heard, also while it ends, until it is gone', async () => {
  const cluster = new FakeCluster();
  const heard = (await start(cluster)).profile('10.42.0.5:80');
  assert.deepEqual((await first(heard)).endpoint?.metricLabels, {});
  cluster.pod('shop/a', '10.42.0.5', { phase: 'Pending' });
  cluster.pod('shop/a', '10.42.0.5');
  await until(() => last(heard).endpoint?.metricLabels['pod'] === 'a');
  cluster.pod('shop/a', '10.42.0.5', { deletionTimestamp: '2026-01-01T00:00:00Z' });
  await cluster.remove('Pod', 'shop/a');
  await until(() => last(heard).endpoint?.tlsIdentity === undefined);
  assert.equal(heard.all.length, 3);
});

test('a pod that is about to end gives way to the one that has its address now', async () => {
  const cluster = new FakeCluster()
    .pod('shop/old', '10.42.0.5', { deletionTimestamp: '2026-01-01T00:00:00Z' })
    .pod('shop/new', '10.42.0.5');
  const profile = await first((await start(cluster)).profile('10.42.0.5:80'));
  assert.equal(profile.endpoint?.metricLabels['pod'], 'new');
});

test("a node's address and a host port are the pod that has that port, at its own address", async () => {
  const cluster = new FakeCluster().pod('shop/a', '10.42.0.5', { ports: [{ containerPort: 80, hostPort: 8888 }] });
  const scene = await start(cluster);
  const { endpoint } = await first(scene.profile('172.30.0.1:8888'));
  assert.equal(endpoint?.metricLabels['pod'], 'a');
  assert.equal(decodeTcpAddress(endpoint?.addr), '10.42.0.5:80', "its proxy does not listen at the node's address");
  assert.deepEqual((await first(scene.profile('172.30.0.1:22'))).endpoint?.metricLabels, {});
});

test('pods of the host network are not found by the address of their node', async () => {
  const cluster = new FakeCluster().pod('shop/a', '172.30.0.1', { hostNetwork: true });
  assert.deepEqual((await first((await start(cluster)).profile('172.30.0.1:80'))).endpoint?.metricLabels, {});
});

test('an external workload is found by address and declared port', async () => {
  const cluster = new FakeCluster().put('ExternalWorkload', 'shop/vm', {
    spec: {
      meshTLS: { identity: 'spiffe://root/vm', serverName: 'vm.test' },
      ports: [{ port: 80 }],
      workloadIPs: [{ ip: '192.0.2.1' }],
    },
  });
  const scene = await start(cluster);
  assert.equal((await first(scene.profile('192.0.2.1:80'))).endpoint?.tlsIdentity?.serverName?.name, 'vm.test');
  assert.equal((await first(scene.profile('192.0.2.1:81'))).endpoint?.tlsIdentity, undefined);
});

test("a pod's DNS name under a headless Service is that pod", async () => {
  const cluster = new FakeCluster()
    .pod('shop/db-0', '10.42.0.5')
    .service('shop/db', [{ ip: '10.42.0.5', pod: 'db-0', hostname: 'db-0' }]);
  const scene = await start(cluster);
  assert.equal((await first(scene.profile('db-0.db.shop.svc.cluster.local:80'))).endpoint?.metricLabels['pod'], 'db-0');
  const missing = scene.profile('db-9.db.shop.svc.cluster.local:80');
  await until(() => missing.ended === 'NOT_FOUND');
});

test("a pod's DNS name leads to the pod that has it next", async () => {
  const cluster = new FakeCluster()
    .pod('shop/db-0', '10.42.0.5')
    .service('shop/db', [{ ip: '10.42.0.5', pod: 'db-0', hostname: 'db-0' }]);
  const heard = (await start(cluster)).profile('db-0.db.shop.svc.cluster.local:80');
  await first(heard);
  await cluster.remove('Pod', 'shop/db-0');
  cluster.pod('shop/db-0', '10.42.0.6').slice('shop/db', [{ ip: '10.42.0.6', pod: 'db-0', hostname: 'db-0' }]);
  await until(() => decodeTcpAddress(last(heard).endpoint?.addr) === '10.42.0.6:80');
  assert.equal(last(heard).endpoint?.metricLabels['pod'], 'db-0');
});

test('a Server makes the port of a pod and of an external workload opaque for who asks for their address', async () => {
  const cluster = new FakeCluster()
    .pod('shop/a', '10.42.0.5', { labels: { app: 'a' }, ports: [{ name: 'sql', containerPort: 9000 }] })
    .put('ExternalWorkload', 'shop/vm', {
      metadata: { labels: { app: 'vm' } },
      spec: { meshTLS: {}, ports: [{ port: 9000 }], workloadIPs: [{ ip: '192.0.2.1' }] },
    });
  const scene = await start(cluster);
  const [pod, vm] = [scene.profile('10.42.0.5:9000'), scene.profile('192.0.2.1:9000')];
  assert.deepEqual([(await first(pod)).opaqueProtocol, (await first(vm)).opaqueProtocol], [false, false]);
  const server = (selector: string, app: string, port: unknown) => ({
    spec: { [selector]: { matchLabels: { app } }, port, proxyProtocol: 'opaque' },
  });
  cluster.put('Server', 'shop/a', server('podSelector', 'a', 'sql'));
  cluster.put('Server', 'shop/vm', server('externalWorkloadSelector', 'vm', 9000));
  await until(() => last(pod).opaqueProtocol && last(vm).opaqueProtocol);
  cluster.put('Server', 'shop/a', server('podSelector', 'other', 'sql'));
  await cluster.remove('Server', 'shop/vm');
  await until(() => !last(pod).opaqueProtocol && !last(vm).opaqueProtocol);
});

test('those who ask for the same share an answer, and are counted', async () => {
  const cluster = shop();
  const scene = await start(cluster);
  const heard = [scene.profile(`${WEB}:80`), scene.profile(`${WEB}:80`), scene.profile(`${WEB}:80`, '{"ns":"other"}')];
  for (const each of heard) await first(each);
  assert.match(
    scene.metrics.render(),
    /profile_subscribers\{namespace="shop",profile="web.shop.svc.cluster.local"\} 3/,
  );
  assert.match(scene.metrics.render(), /service_subscribers\{namespace="shop",name="web"\} 3/);
  cluster.put('ServiceProfile', `shop/${WEB}`, { spec: { routes: [{ name: 'r', condition: { method: 'GET' } }] } });
  await until(() => heard.every((each) => last(each).routes.length === 1));
});

test('answers with the status that a proxy expects', async () => {
  const cluster = new FakeCluster()
    .put('Service', 'shop/ext', { spec: { type: 'ExternalName', ports: [{ port: 80 }] } })
    .service('shop/a', [])
    .service('shop/b', [])
    .pod('shop/p', '10.42.0.5')
    .pod('shop/q', '10.42.0.5');
  const scene = await start(cluster);
  const cases: Record<string, string> = {
    'ext.shop.svc.cluster.local:80': 'INVALID_ARGUMENT',
    'gone.shop.svc.cluster.local:80': 'UNKNOWN',
    'example.com:80': 'INVALID_ARGUMENT',
    'web:x': 'INVALID_ARGUMENT',
    '10.96.0.9:80': 'FAILED_PRECONDITION',
    '10.42.0.5:80': 'FAILED_PRECONDITION',
  };
  for (const [path, code] of Object.entries(cases)) {
    const heard = scene.profile(path);
    await until(
      () => heard.ended !== undefined,
      () => path,
    );
    assert.equal(heard.ended, code, path);
  }
});

test('an address that a Service takes over becomes that Service', async () => {
  const cluster = new FakeCluster();
  const heard = (await start(cluster)).profile('10.96.0.9:80');
  assert.equal((await first(heard)).fullyQualifiedName, '');
  cluster.service('shop/web', []);
  await until(() => last(heard).fullyQualifiedName === WEB);
  cluster.put('ServiceProfile', `shop/${WEB}`, { spec: { routes: [{ name: 'r', condition: { method: 'GET' } }] } });
  await until(() => last(heard).routes.length === 1);
});

/** What a gateway that may reach exported Services says of itself. */
const GATEWAY = JSON.stringify({
  ns: 'mc',
  nodeName: 'n1',
  pod: 'gateway',
  services: 'mirror.linkerd.io/exported=true',
});
const exported = (labels: Record<string, string>) => ({
  metadata: { labels },
  spec: { ports: [{ name: 'http', port: 80 }] },
});

test('a gateway learns of a Service only while it is exported, and asks again when that changes', async () => {
  const cluster = shop();
  const scene = await start(cluster);
  const hidden = scene.profile(`${WEB}:80`, GATEWAY);
  const none = scene.profile('nobody.shop.svc.cluster.local:80', GATEWAY);
  const refusal = await first(hidden);
  assert.deepEqual([refusal.notExported, refusal.fullyQualifiedName], [true, '']);
  assert.deepEqual(await first(none), refusal, 'nor whether it is there');
  assert.equal((await first(scene.profile(`${WEB}:80`))).fullyQualifiedName, WEB, 'others are told as ever');

  cluster.put('Service', 'shop/web', exported({ 'mirror.linkerd.io/exported': 'true' }));
  await until(() => hidden.ended !== undefined);
  assert.equal(hidden.ended, 'OK');
  const shown = scene.profile(`${WEB}:80`, GATEWAY);
  assert.deepEqual([(await first(shown)).fullyQualifiedName, last(shown).notExported], [WEB, false]);
  cluster.put('Service', 'shop/web', exported({ 'mirror.linkerd.io/exported': 'no' }));
  await until(() => shown.ended !== undefined);
  assert.equal((await first(scene.profile(`${WEB}:80`, GATEWAY))).notExported, true);
  assert.equal(none.ended, undefined);
});
