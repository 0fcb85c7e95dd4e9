import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { create, fromBinary } from '@bufbuild/protobuf';
import { destination, encodeTcpAddress } from '#api/mesh';
import { GRPC_PREFIX_BYTES } from '#wire/grpc';
import { type Endpoint, EndpointViews, type EndpointWatches } from './endpoints/index.ts';
import { GetStream } from './get-stream.ts';
import { FakeCluster, Heard, type Scene, startScene, until } from './scene.fake.ts';

const scenes: Scene[] = [];
afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.close();
});
async function start(...args: Parameters<typeof startScene>): Promise<Scene> {
  const scene = await startScene(...args);
  scenes.push(scene);
  return scene;
}
const WEB = 'web.shop.svc.cluster.local:80';
const hears = (heard: Heard, ...addresses: string[]) =>
  until(
    () => heard.addresses.join() === addresses.join(),
    () => [heard.addresses, heard.ended],
  );

test('describes a meshed pod: identity, owner, zone and the port of its proxy', async () => {
  const cluster = new FakeCluster()
    .put('Node', 'n1', { metadata: { labels: { 'topology.kubernetes.io/zone': 'z1' } } })
    .put('ReplicaSet', 'shop/web-5d', {
      metadata: { ownerReferences: [{ kind: 'Deployment', name: 'web', uid: 'd' }] },
    })
    .pod('shop/web-5d-x', '10.42.0.7', {
      serviceAccountName: 'web-sa',
      labels: { 'pod-template-hash': '5d' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'web-5d', uid: 'r' }],
    })
    .service('shop/web', [{ ip: '10.42.0.7', pod: 'web-5d-x', zone: 'z1' }]);
  const scene = await start(cluster);
  const heard = scene.get(WEB);
  await hears(heard, '10.42.0.7:8080');
  const addr = heard.only;
  const id = 'web-sa.shop.serviceaccount.identity.linkerd.cluster.local';
  assert.equal(addr.weight, 10000);
  assert.equal(addr.tlsIdentity?.strategy.case, 'dnsLikeIdentity');
  assert.equal(addr.tlsIdentity?.serverName?.name, id);
  assert.equal(addr.protocolHint?.protocol.case, undefined);
  assert.equal(addr.protocolHint?.opaqueTransport?.inboundPort, 4143);
  assert.deepEqual(addr.metricLabels, {
    pod: 'web-5d-x',
    deployment: 'web',
    serviceaccount: 'web-sa',
    control_plane_ns: 'linkerd',
    pod_template_hash: '5d',
    zone: 'z1',
    zone_locality: 'local',
  });
  assert.deepEqual(heard.labels, { service: 'web', namespace: 'shop' });
});

test('names the Job as k8s_job, and the pod itself where it has no owner', async () => {
  const cluster = new FakeCluster()
    .pod('shop/a', '10.42.0.1', { ownerReferences: [{ kind: 'Job', name: 'j', uid: 'j' }] })
    .pod('shop/b', '10.42.0.2')
    .service('shop/web', [
      { ip: '10.42.0.1', pod: 'a' },
      { ip: '10.42.0.2', pod: 'b' },
    ]);
  const heard = (await start(cluster)).get(WEB);
  await hears(heard, '10.42.0.1:8080', '10.42.0.2:8080');
  assert.equal(heard.endpoints.get('10.42.0.1:8080')?.metricLabels['k8s_job'], 'j');
  assert.equal(heard.endpoints.get('10.42.0.2:8080')?.metricLabels['pod'], 'b');
});

test('gives no identity to pods without proxy, to skipped ports, or to pods of another mesh', async () => {
  const cluster = new FakeCluster()
    .pod('shop/plain', '10.42.0.1', { meshed: false })
    .pod('shop/skip', '10.42.0.2', { annotations: { 'config.linkerd.io/skip-inbound-ports': '8000-8090' } })
    .pod('shop/other', '10.42.0.3', { labels: { 'linkerd.io/control-plane-ns': 'mesh2' } })
    .service('shop/web', [
      { ip: '10.42.0.1', pod: 'plain' },
      { ip: '10.42.0.2', pod: 'skip' },
      { ip: '10.42.0.3', pod: 'other' },
    ]);
  const heard = (await start(cluster)).get(WEB);
  await hears(heard, '10.42.0.1:8080', '10.42.0.2:8080', '10.42.0.3:8080');
  const hints = [...heard.endpoints.values()].map((addr) => [Boolean(addr.tlsIdentity), Boolean(addr.protocolHint)]);
  assert.deepEqual(hints, [
    [false, false],
    [false, false],
    [false, true],
  ]);
});

test('hints HTTP/2 only where told to, and opaque ports always', async () => {
  const cluster = new FakeCluster()
    .pod('shop/a', '10.42.0.1')
    .pod('shop/b', '10.42.0.2', {
      annotations: { 'config.linkerd.io/opaque-ports': 'sql' },
      ports: [{ name: 'sql', containerPort: 8080 }],
    })
    .service('shop/web', [
      { ip: '10.42.0.1', pod: 'a' },
      { ip: '10.42.0.2', pod: 'b' },
    ]);
  const heard = (await start(cluster, {}, { h2Upgrade: true, forceOpaqueTransport: false })).get(WEB);
  await hears(heard, '10.42.0.1:8080', '10.42.0.2:8080');
  const hint = (ip: string) => heard.endpoints.get(`${ip}:8080`)?.protocolHint;
  assert.equal(hint('10.42.0.1')?.protocol.case, 'h2');
  assert.equal(hint('10.42.0.1')?.opaqueTransport, undefined);
  assert.equal(hint('10.42.0.2')?.protocol.case, 'opaque');
  assert.equal(hint('10.42.0.2')?.opaqueTransport?.inboundPort, 4143);
});

test("a Server makes its pods' port opaque, and no longer when it goes", async () => {
  const cluster = new FakeCluster()
    .pod('shop/a', '10.42.0.1', { labels: { app: 'web' } })
    .service('shop/web', [{ ip: '10.42.0.1', pod: 'a' }]);
  const heard = (await start(cluster)).get(WEB);
  await hears(heard, '10.42.0.1:8080');
  const protocol = () => heard.only.protocolHint?.protocol.case;
  assert.equal(protocol(), undefined);
  cluster.put('Server', 'shop/web', {
    spec: { podSelector: { matchLabels: { app: 'web' } }, port: 8080, proxyProtocol: 'opaque' },
  });
  await until(() => protocol() === 'opaque');
  await cluster.remove('Server', 'shop/web');
  await until(() => protocol() === undefined);
});

test("dials the proxy's own ports directly", async () => {
  const cluster = new FakeCluster()
    .pod('shop/a', '10.42.0.1')
    .service('shop/web', [{ ip: '10.42.0.1', pod: 'a' }], {
      spec: {
        ports: [
          { name: 'http', port: 80 },
          { name: 'admin', port: 4191 },
        ],
      },
    })
    .slice('shop/web', [{ ip: '10.42.0.1', pod: 'a' }], {
      ports: [
        { name: 'http', port: 8080 },
        { name: 'admin', port: 4191 },
      ],
    });
  const heard = (await start(cluster)).get('web.shop.svc.cluster.local:4191');
  await hears(heard, '10.42.0.1:4191');
  assert.ok(heard.only.tlsIdentity);
  assert.equal(heard.only.protocolHint?.opaqueTransport, undefined);
});

test('finds the port by the Service port name, and takes an undeclared number as it is', async () => {
  const cluster = new FakeCluster()
    .service('shop/web', [{ ip: '10.42.0.1' }])
    .slice('shop/web', [{ ip: '10.42.0.2' }], { suffix: '2', ports: [{ name: 'grpc', port: 9 }] });
  const scene = await start(cluster);
  const declared = scene.get(WEB);
  const undeclared = scene.get('web.shop.svc.cluster.local:1234');
  await hears(declared, '10.42.0.1:8080');
  await hears(undeclared, '10.42.0.1:1234', '10.42.0.2:1234');
});

test('sends differences: new, changed and gone endpoints', async () => {
  const cluster = new FakeCluster()
    .pod('shop/a', '10.42.0.1')
    .pod('shop/b', '10.42.0.2')
    .service('shop/web', [{ ip: '10.42.0.1', pod: 'a' }]);
  const heard = (await start(cluster)).get(WEB);
  await hears(heard, '10.42.0.1:8080');
  cluster.slice('shop/web', [
    { ip: '10.42.0.1', pod: 'a' },
    { ip: '10.42.0.2', pod: 'b' },
    { ip: '10.42.0.3', ready: false },
  ]);
  await hears(heard, '10.42.0.1:8080', '10.42.0.2:8080');
  cluster.pod('shop/b', '10.42.0.2', { serviceAccountName: 'other' });
  await until(() => heard.log.length === 3);
  cluster.slice('shop/web', [{ ip: '10.42.0.2', pod: 'b' }]);
  await hears(heard, '10.42.0.2:8080');
  await cluster.remove('Service', 'shop/web');
  await hears(heard);
  assert.deepEqual(heard.log, [
    '+10.42.0.1:8080',
    '+10.42.0.2:8080',
    '+10.42.0.2:8080',
    '-10.42.0.1:8080',
    '-10.42.0.2:8080',
  ]);
  assert.equal(heard.ended, undefined);
});

test('says nothing of what does not matter to a proxy', async () => {
  const cluster = new FakeCluster().pod('shop/a', '10.42.0.1').service('shop/web', [{ ip: '10.42.0.1', pod: 'a' }]);
  const heard = (await start(cluster)).get(WEB);
  await hears(heard, '10.42.0.1:8080');
  cluster
    .pod('shop/a', '10.42.0.1', { annotations: { note: 'changed' } })
    .slice('shop/web', [{ ip: '10.42.0.1', pod: 'a' }]);
  cluster.pod('shop/b', '10.42.0.2').slice('shop/web', [
    { ip: '10.42.0.1', pod: 'a' },
    { ip: '10.42.0.2', pod: 'b' },
  ]);
  await hears(heard, '10.42.0.1:8080', '10.42.0.2:8080');
  assert.deepEqual(heard.log, ['+10.42.0.1:8080', '+10.42.0.2:8080']);
});

test('keeps to the zone where all endpoints have hints, and to all where one lacks them', async () => {
  const near = { ip: '10.42.0.1', zone: 'z1', zones: ['z1'] };
  const far = { ip: '10.42.0.2', zone: 'z2', zones: ['z2'] };
  const cluster = new FakeCluster()
    .put('Node', 'n1', { metadata: { labels: { 'topology.kubernetes.io/zone': 'z1' } } })
    .service('shop/web', [near, far]);
  const scene = await start(cluster);
  const heard = scene.get(WEB);
  const elsewhere = scene.get(WEB, '{"ns":"shop","nodeName":"unknown"}');
  await hears(heard, '10.42.0.1:8080');
  await hears(elsewhere, '10.42.0.1:8080', '10.42.0.2:8080');
  cluster.slice('shop/web', [near, far, { ip: '10.42.0.3' }]);
  await hears(heard, '10.42.0.1:8080', '10.42.0.2:8080', '10.42.0.3:8080');
  assert.equal(heard.endpoints.get('10.42.0.2:8080')?.metricLabels['zone_locality'], 'remote');
});

test('with internalTrafficPolicy Local, only endpoints of the own node, or none', async () => {
  const cluster = new FakeCluster().service(
    'shop/web',
    [
      { ip: '10.42.0.1', nodeName: 'n1' },
      { ip: '10.42.0.2', nodeName: 'n2' },
    ],
    { spec: { internalTrafficPolicy: 'Local' } },
  );
  const scene = await start(cluster);
  const heard = scene.get(WEB);
  await hears(heard, '10.42.0.1:8080');
  cluster.put('Service', 'shop/web', { spec: { ports: [{ name: 'http', port: 80 }] } });
  await hears(heard, '10.42.0.1:8080', '10.42.0.2:8080');
});

test('finds one instance of a headless Service by its host name', async () => {
  const cluster = new FakeCluster().service('shop/db', [
    { ip: '10.42.0.1', hostname: 'db-0' },
    { ip: '10.42.0.2', hostname: 'db-1' },
  ]);
  const heard = (await start(cluster)).get('db-1.db.shop.svc.cluster.local:80');
  await hears(heard, '10.42.0.2:8080');
});

test('describes the gateway of a mirrored Service', async () => {
  const cluster = new FakeCluster()
    .put('Service', 'shop/web-east', { spec: { ports: [{ name: 'http', port: 80 }] } })
    .slice('shop/web-east', [{ ip: '172.30.1.9' }], {
      metadata: {
        labels: { 'mirror.linkerd.io/cluster-name': 'east' },
        annotations: {
          'mirror.linkerd.io/remote-gateway-identity': 'gw.id',
          'mirror.linkerd.io/remote-svc-fq-name': 'web.shop.svc.east.local',
        },
      },
    });
  const heard = (await start(cluster)).get('web-east.shop.svc.cluster.local:80');
  await hears(heard, '172.30.1.9:8080');
  assert.equal(heard.only.authorityOverride?.authorityOverride, 'web.shop.svc.east.local:80');
  assert.equal(heard.only.tlsIdentity?.serverName, undefined);
  assert.deepEqual(heard.labels, {
    service: 'web-east',
    namespace: 'shop',
    target_cluster: 'east',
    target_service: 'web',
    target_service_namespace: 'shop',
  });
});

test('the admin port of a gateway, which is probed, is asked over TLS in the version that the client speaks', async () => {
  const cluster = new FakeCluster()
    .put('Service', 'mc/probe-east', { spec: { ports: [{ name: 'http', port: 80 }] } })
    .slice('mc/probe-east', [{ ip: '172.30.1.9' }], {
      metadata: {
        labels: { 'mirror.linkerd.io/cluster-name': 'east' },
        annotations: { 'mirror.linkerd.io/remote-gateway-identity': 'gw.id' },
      },
    });
  const heard = (await start(cluster, {}, { h2Upgrade: true })).get('probe-east.mc.svc.cluster.local:80');
  await hears(heard, '172.30.1.9:8080');
  assert.equal(heard.only.tlsIdentity?.strategy.case, 'dnsLikeIdentity');
  assert.equal(heard.only.protocolHint, undefined);
});

test('behind the one port of a gateway its admin port is asked for by header', async () => {
  const cluster = new FakeCluster()
    .put('Service', 'mc/probe-east', { spec: { ports: [{ name: 'http', port: 80 }] } })
    .slice('mc/probe-east', [{ ip: '172.30.1.9' }], {
      metadata: {
        annotations: {
          'mirror.linkerd.io/remote-gateway-identity': 'gw.id',
          'multicluster.weft.dev/behind-port': '4191',
        },
      },
    });
  const heard = (await start(cluster, {}, { h2Upgrade: true })).get('probe-east.mc.svc.cluster.local:80');
  await hears(heard, '172.30.1.9:4191');
  assert.equal(heard.only.protocolHint?.opaqueTransport?.inboundPort, 8080);
  assert.equal(heard.only.protocolHint?.protocol.case, undefined);
});

test('describes a workload outside the cluster by its SPIFFE identity', async () => {
  const cluster = new FakeCluster()
    .put('ExternalWorkload', 'shop/vm', {
      spec: {
        meshTLS: { identity: 'spiffe://root/vm', serverName: 'vm.test' },
        ports: [{ name: 'http', port: 8080 }],
        workloadIPs: [{ ip: '192.0.2.1' }],
      },
    })
    .service('shop/web', [{ ip: '192.0.2.1', targetRef: { kind: 'ExternalWorkload', namespace: 'shop', name: 'vm' } }]);
  const heard = (await start(cluster)).get(WEB);
  await hears(heard, '192.0.2.1:8080');
  assert.deepEqual(heard.only.tlsIdentity?.strategy.case, 'uriLikeIdentity');
  assert.equal(heard.only.protocolHint?.opaqueTransport?.inboundPort, 4143);
  assert.equal(heard.only.metricLabels['external_workload'], 'vm');
});

test('prefers IPv6 of pods that have both, where it is enabled', async () => {
  const cluster = new FakeCluster()
    .pod('shop/a', '10.42.0.1')
    .service('shop/web', [{ ip: '10.42.0.1', pod: 'a' }])
    .slice('shop/web', [{ ip: 'fd00::1', pod: 'a' }], { suffix: '6', addressType: 'IPv6' });
  await hears((await start(cluster)).get(WEB), '10.42.0.1:8080');
  await hears((await start(cluster, {}, { ipv6: true })).get(WEB), '[fd00::1]:8080');
});

test('answers with the status that a proxy expects', async () => {
  const cluster = new FakeCluster()
    .put('Service', 'shop/ext', { spec: { type: 'ExternalName', externalName: 'example.com' } })
    .put('Service', 'shop/flat', { metadata: { labels: { 'multicluster.linkerd.io/remote-discovery': 'east' } } })
    .put('Service', 'shop/lost', {
      metadata: {
        labels: { 'multicluster.linkerd.io/remote-discovery': 'east', 'multicluster.linkerd.io/remote-service': 'x' },
      },
    });
  const scene = await start(cluster);
  const cases: Record<string, string> = {
    'web.shop.svc.cluster.local:80': 'NOT_FOUND',
    'ext.shop.svc.cluster.local:80': 'INVALID_ARGUMENT',
    'flat.shop.svc.cluster.local:80': 'FAILED_PRECONDITION',
    'lost.shop.svc.cluster.local:80': 'NOT_FOUND',
    '10.42.0.1:80': 'INVALID_ARGUMENT',
    'example.com:80': 'INVALID_ARGUMENT',
    'web.shop.svc.cluster.local:http': 'INVALID_ARGUMENT',
    'web.shop.svc.cluster.local.:80': 'INVALID_ARGUMENT',
  };
  for (const [path, code] of Object.entries(cases)) {
    const heard = scene.get(path);
    await until(
      () => heard.ended !== undefined,
      () => path,
    );
    assert.equal(heard.ended, code, path);
  }
});

test('weights of pods and of zones multiply; what cannot be read counts as 1 and is said once', async () => {
  const weigh = (weight: string) => ({ annotations: { 'balancer.weft.dev/weight': weight } });
  const cluster = new FakeCluster()
    .pod('shop/a', '10.42.0.1', weigh('0.5'))
    .pod('shop/b', '10.42.0.2', weigh('0'))
    .pod('shop/c', '10.42.0.3', weigh('heavy'))
    .service(
      'shop/web',
      [
        { ip: '10.42.0.1', pod: 'a', zone: 'z1' },
        { ip: '10.42.0.2', pod: 'b', zone: 'z1' },
        { ip: '10.42.0.3', pod: 'c', zone: 'z2' },
        { ip: '10.42.0.4', zone: 'z1' },
      ],
      { metadata: { annotations: { 'balancer.weft.dev/zone-weights': 'z1=3' } } },
    );
  const scene = await start(cluster);
  const heard = scene.get(WEB);
  await hears(heard, '10.42.0.1:8080', '10.42.0.2:8080', '10.42.0.3:8080', '10.42.0.4:8080');
  const weights = () => heard.addresses.map((address) => heard.endpoints.get(address)?.weight);
  assert.deepEqual(weights(), [15_000, 1, 10_000, 30_000], '0 on the wire would mean 1');
  cluster.pod('shop/c', '10.42.0.3', { ...weigh('heavy'), labels: { again: 'yes' } });
  cluster.put('Service', 'shop/web', {
    metadata: { annotations: { 'balancer.weft.dev/zone-weights': 'z1' } },
    spec: { ports: [{ name: 'http', port: 80 }] },
  });
  await until(() => weights().join() === '5000,1,10000,10000', weights);
  const said = (what: string) => scene.log.lines.filter((line) => line.includes(what)).length;
  assert.equal(said('expected a number from 0 to 100'), 1);
  assert.equal(said('zone-weights: expected zones with numbers'), 1);
});

test('with zone weights, endpoints in the zone of the client weigh ten times as much', async () => {
  const cluster = new FakeCluster()
    .put('Node', 'n1', { metadata: { labels: { 'topology.kubernetes.io/zone': 'z1' } } })
    .service('shop/web', [
      { ip: '10.42.0.1', zone: 'z1' },
      { ip: '10.42.0.2', zone: 'z2' },
    ]);
  const heard = (await start(cluster, {}, { zoneWeights: true })).get(WEB);
  await hears(heard, '10.42.0.1:8080', '10.42.0.2:8080');
  assert.deepEqual([...heard.endpoints.values()].map(({ weight }) => weight).sort(), [10_000, 100_000]);
});

test('priorities go only to proxies that know them', async () => {
  const cluster = new FakeCluster()
    .pod('shop/a', '10.42.0.1', { annotations: { 'balancer.weft.dev/priority': '2' } })
    .service('shop/web', [{ ip: '10.42.0.1', pod: 'a' }]);
  const scene = await start(cluster);
  const [knows, foreign] = [scene.get(WEB, undefined, 'delay,endpoint-priority'), scene.get(WEB)];
  await hears(knows, '10.42.0.1:8080');
  await hears(foreign, '10.42.0.1:8080');
  assert.deepEqual([knows.only.priority, foreign.only.priority], [2, 0]);
});

test('a client whose node moves to another zone gets the endpoints of that one', async () => {
  const zone = (name: string) => ({ metadata: { labels: { 'topology.kubernetes.io/zone': name } } });
  const cluster = new FakeCluster().put('Node', 'n1', zone('z1')).service('shop/web', [
    { ip: '10.42.0.1', zone: 'z1', zones: ['z1'] },
    { ip: '10.42.0.2', zone: 'z2', zones: ['z2'] },
  ]);
  const heard = (await start(cluster)).get(WEB);
  await hears(heard, '10.42.0.1:8080');
  cluster.put('Node', 'n1', zone('z2'));
  await hears(heard, '10.42.0.2:8080');
});

test('an owner that is heard of after its pods gives them its name', async () => {
  const cluster = new FakeCluster()
    .pod('shop/a', '10.42.0.1', { ownerReferences: [{ kind: 'ReplicaSet', name: 'web-5d', uid: 'r' }] })
    .service('shop/web', [{ ip: '10.42.0.1', pod: 'a' }]);
  const heard = (await start(cluster)).get(WEB);
  await hears(heard, '10.42.0.1:8080');
  assert.equal(heard.only.metricLabels['replicaset'], 'web-5d');
  cluster.put('ReplicaSet', 'shop/web-5d', {
    metadata: { ownerReferences: [{ kind: 'Deployment', name: 'web', uid: 'd' }] },
  });
  await until(() => heard.only.metricLabels['deployment'] === 'web');
});

test('an IPv4 address stays where only a port that nobody asked for has IPv6', async () => {
  const cluster = new FakeCluster()
    .pod('shop/a', '10.42.0.1')
    .service('shop/web', [{ ip: '10.42.0.1', pod: 'a' }])
    .slice('shop/web', [{ ip: 'fd00::1', pod: 'a' }], {
      suffix: '6',
      addressType: 'IPv6',
      ports: [{ name: 'other', port: 9 }],
    });
  await hears((await start(cluster, {}, { ipv6: true })).get(WEB), '10.42.0.1:8080');
});

test('measures how old changes are when they come, and how much is held', async () => {
  const cluster = new FakeCluster().service('shop/web', []);
  const scene = await start(cluster);
  cluster.put('Service', 'shop/web', {
    metadata: { managedFields: [{ time: '2026-01-01T00:00:10Z' }, { time: '2026-01-01T00:00:57Z' }] },
  });
  await until(() => /services_informer_lag_seconds_sum 3/.test(scene.metrics.render()));
  assert.match(scene.metrics.render(), /service_cache_size\{cluster="local"\} 1/);
  assert.match(scene.metrics.render(), /endpoint_slice_cache_size\{cluster="local"\} 1/);
});

test('a context token that cannot be read is logged and counts as empty', async () => {
  const scene = await start(new FakeCluster().service('shop/web', [{ ip: '10.42.0.1' }]));
  await hears(scene.get(WEB, '{"ns":'), '10.42.0.1:8080');
  await hears(scene.get(WEB, 'ns:shop'), '10.42.0.1:8080');
  await hears(scene.get(WEB, ''), '10.42.0.1:8080');
  assert.equal(scene.log.lines.filter((line) => /context token cannot be read/.test(line)).length, 1);
});

test('a service of thousands of endpoints comes in messages that every proxy takes', async () => {
  const count = 5_001;
  const ips = Array.from({ length: count }, (_, i) => ({ ip: `10.43.${i >> 8}.${i & 255}` }));
  const heard = (await start(new FakeCluster().service('shop/web', ips))).get(WEB);
  await until(() => heard.endpoints.size === count);
  assert.equal(heard.log.length, 2);
});

test('an empty service is a silent stream, and counts its followers', async () => {
  const cluster = new FakeCluster().put('Service', 'shop/web', { spec: { ports: [{ name: 'http', port: 80 }] } });
  const scene = await start(cluster);
  const heard = scene.get(WEB);
  const count = 'endpoints_subscribers{cluster="local",namespace="shop",service="web",port="80"}';
  await until(() => scene.metrics.render().includes(`${count} 1`));
  assert.deepEqual([heard.log, heard.ended], [[], undefined]);
  heard.cancel();
  await until(() => scene.metrics.render().includes(`${count} 0`));
});

test('merges changes for a proxy that reads slowly, and then sends only what it lacks', () => {
  const endpoint = (ip: string): Endpoint => ({
    ip,
    port: 80,
    key: `${ip}:80`,
    zone: undefined,
    hostname: undefined,
    nodeName: undefined,
    hintZones: undefined,
    weight: 1,
    priority: 0,
    fingerprint: ip,
    message: () => create(destination.WeightedAddrSchema, { addr: encodeTcpAddress(ip, 80)! }),
  });
  const [a, b, c] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map(endpoint) as [Endpoint, Endpoint, Endpoint];
  let endpoints = [a];
  let changed = () => {};
  const watches = {
    subscribe: (_: string, __: number, listener: () => void) => {
      changed = listener;
      const current = () => ({ exists: true, localTraffic: false, labels: {}, endpoints });
      return { current, count: () => {}, stop: () => {} };
    },
  } as unknown as EndpointWatches;
  const heard = new Heard();
  const pipe = { writable: true, resume: () => {} };
  let merged = 0;
  const stream = new GetStream(
    {
      stream: {
        writeEncoded: (message) => {
          heard.receive(fromBinary(destination.UpdateSchema, message.subarray(GRPC_PREFIX_BYTES)));
          return true;
        },
        get writable() {
          return pipe.writable;
        },
        onWritable: (listener) => {
          pipe.resume = listener;
        },
      },
      views: new EndpointViews(() => {}),
      client: () => ({ nodeName: '', zone: '', features: new Set() }),
      coalesced: () => {
        merged += 1;
      },
    },
    80,
  );
  stream.want({ members: [{ id: 'web', watches, serviceKey: 'shop/web', filtered: true }], hostname: undefined });
  pipe.writable = false;
  for (const next of [[a, b], [b], [b, c]]) {
    endpoints = next;
    changed();
  }
  assert.deepEqual(heard.log, ['+10.0.0.1:80']);
  pipe.writable = true;
  pipe.resume();
  assert.deepEqual(heard.log, ['+10.0.0.1:80', '+10.0.0.2:80,10.0.0.3:80', '-10.0.0.1:80']);
  assert.equal(merged, 2);
});
