import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { KubeClient, WatchSink } from '#kube/client';
import { FakeCluster, type Heard, linkSecret, type Scene, startScene, until } from './scene.fake.ts';

const scenes: Scene[] = [];
afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.close();
});
async function start(...args: Parameters<typeof startScene>): Promise<Scene> {
  const scene = await startScene(...args);
  scenes.push(scene);
  return scene;
}
const FEDERATED = 'bb-federated.shop.svc.cluster.local:80';
const hears = (heard: Heard, ...addresses: string[]) =>
  until(
    () => heard.addresses.join() === addresses.join(),
    () => [heard.addresses, heard.ended],
  );

/** A cluster with a Service bb whose only pod has this IP. */
const member = (ip: string) =>
  new FakeCluster()
    .pod('shop/bb-1', ip, { serviceAccountName: 'bb' })
    .service('shop/bb', [{ ip, pod: 'bb-1', zone: 'z9' }]);

function federate(
  cluster: FakeCluster,
  remotes: string,
  local = 'bb',
  annotations: Record<string, string> = {},
): FakeCluster {
  return cluster.put('Service', 'shop/bb-federated', {
    metadata: {
      annotations: {
        ...annotations,
        ...(remotes && { 'multicluster.linkerd.io/remote-discovery': remotes }),
        ...(local && { 'multicluster.linkerd.io/local-discovery': local }),
      },
    },
    spec: { clusterIP: '10.96.0.50', ports: [{ name: 'http', port: 80 }] },
  });
}

/** A cluster whose API never answers. */
const dead: Pick<KubeClient, 'watch' | 'close'> = { watch: () => () => {}, close: () => {} };

test('a federated service is the union of its members, each with the identity of its own trust domain', async () => {
  const west = federate(member('10.42.0.1'), 'bb@east,bb@north')
    .put('Secret', 'linkerd/east', linkSecret('east', 'east.test'))
    .put('Secret', 'linkerd/north', linkSecret('north'));
  const scene = await start(west, { east: member('10.43.0.1').kube, north: member('10.44.0.1').kube });
  const heard = scene.get(FEDERATED);
  await hears(heard, '10.42.0.1:8080', '10.43.0.1:8080', '10.44.0.1:8080');
  assert.equal(
    heard.endpoints.get('10.43.0.1:8080')?.tlsIdentity?.serverName?.name,
    'bb.shop.serviceaccount.identity.linkerd.east.test',
  );
  const labels = (address: string) => heard.labelsOf.get(address);
  assert.deepEqual(labels('10.42.0.1:8080'), { service: 'bb', namespace: 'shop' });
  assert.deepEqual(labels('10.44.0.1:8080'), { service: 'bb', namespace: 'shop', target_cluster: 'north' });
});

test('follows members as they scale, join and leave', async () => {
  const east = member('10.43.0.1');
  const north = member('10.44.0.1');
  const west = federate(member('10.42.0.1'), 'bb@east')
    .put('Secret', 'linkerd/east', linkSecret('east'))
    .put('Secret', 'linkerd/north', linkSecret('north'));
  const scene = await start(west, { east: east.kube, north: north.kube });
  const heard = scene.get(FEDERATED);
  await hears(heard, '10.42.0.1:8080', '10.43.0.1:8080');
  east.slice('shop/bb', []);
  await hears(heard, '10.42.0.1:8080');
  east.slice('shop/bb', [{ ip: '10.43.0.1', pod: 'bb-1' }]);
  await hears(heard, '10.42.0.1:8080', '10.43.0.1:8080');
  federate(west, 'bb@east,bb@north');
  await hears(heard, '10.42.0.1:8080', '10.43.0.1:8080', '10.44.0.1:8080');
  federate(west, 'bb@north', '');
  await hears(heard, '10.44.0.1:8080');
});

test('a pod that is added or removed is exactly that on the stream, whichever cluster it is in', async () => {
  const east = member('10.43.0.1').pod('shop/bb-2', '10.43.0.2');
  const west = federate(member('10.42.0.1'), 'bb@east').put('Secret', 'linkerd/east', linkSecret('east'));
  const scene = await start(west, { east: east.kube });
  const heard = scene.get(FEDERATED);
  await hears(heard, '10.42.0.1:8080', '10.43.0.1:8080');
  heard.log.length = 0;
  const [first, second] = [
    { ip: '10.43.0.1', pod: 'bb-1', zone: 'z9' },
    { ip: '10.43.0.2', pod: 'bb-2', zone: 'z9' },
  ];
  east.slice('shop/bb', [first, second]);
  await hears(heard, '10.42.0.1:8080', '10.43.0.1:8080', '10.43.0.2:8080');
  east.slice('shop/bb', [second]);
  await hears(heard, '10.42.0.1:8080', '10.43.0.2:8080');
  west.slice('shop/bb', []);
  await hears(heard, '10.43.0.2:8080');
  assert.deepEqual(heard.log, ['+10.43.0.2:8080', '-10.43.0.1:8080', '-10.42.0.1:8080']);
});

test('a pod of another control plane has no identity in a federated service', async () => {
  const east = new FakeCluster()
    .pod('shop/bb-1', '10.43.0.1', { labels: { 'linkerd.io/control-plane-ns': 'other' } })
    .service('shop/bb', [{ ip: '10.43.0.1', pod: 'bb-1' }]);
  const west = federate(new FakeCluster(), 'bb@east', '').put(
    'Secret',
    'linkerd/east',
    linkSecret('east', 'east.test'),
  );
  const heard = (await start(west, { east: east.kube })).get(FEDERATED);
  await hears(heard, '10.43.0.1:8080');
  assert.equal(heard.only.tlsIdentity, undefined);
  assert.equal(heard.only.metricLabels['control_plane_ns'], 'other');
});

test('topology hints and internalTrafficPolicy trim the local member only', async () => {
  const pods = (network: string) => [
    { ip: `${network}.1`, nodeName: 'n1', zone: 'z8', zones: ['z8'] },
    { ip: `${network}.2`, nodeName: 'n2', zone: 'z9', zones: ['z9'] },
  ];
  const local = { spec: { internalTrafficPolicy: 'Local' } };
  const west = federate(new FakeCluster(), 'bb@east')
    .put('Node', 'n1', { metadata: { labels: { 'topology.kubernetes.io/zone': 'z8' } } })
    .service('shop/bb', pods('10.42.0'))
    .put('Secret', 'linkerd/east', linkSecret('east'));
  const east = new FakeCluster().service('shop/bb', pods('10.43.0'), local);
  const heard = (await start(west, { east: east.kube })).get(FEDERATED);
  const remote = ['10.43.0.1:8080', '10.43.0.2:8080'];
  await hears(heard, '10.42.0.1:8080', ...remote);
  // The other node's pod is in the client's zone now, but not on its node.
  const [here, there] = pods('10.42.0');
  assert.ok(here && there);
  west.service('shop/bb', [there, { ...here, nodeName: 'n3' }], local);
  await hears(heard, ...remote);
  west.service('shop/bb', pods('10.42.0'), local);
  await hears(heard, '10.42.0.1:8080', ...remote);
});

test('slices that a federated service has for clients outside the mesh are not asked', async () => {
  const west = federate(member('10.42.0.1'), 'bb@east').put('Secret', 'linkerd/east', linkSecret('east', 'east.test'));
  west.slice('shop/bb-federated', [{ ip: '10.43.0.1' }, { ip: '10.43.0.9' }]);
  const scene = await start(west, { east: member('10.43.0.1').kube });
  const heard = scene.get(FEDERATED);
  await hears(heard, '10.42.0.1:8080', '10.43.0.1:8080');
  assert.ok(heard.endpoints.get('10.43.0.1:8080')?.tlsIdentity, 'from its own cluster, with its identity');
});

test('a linked cluster that is dead takes nothing from the others, and its members join when it answers', async () => {
  const sinks: (() => void)[] = [];
  const east = member('10.43.0.1');
  const slow: Pick<KubeClient, 'watch' | 'close'> = {
    close: () => {},
    watch: (gvr, options, sink) => {
      sinks.push(() => void east.kube.watch(gvr, options, sink));
      return () => {};
    },
  };
  const west = federate(member('10.42.0.1'), 'bb@east,bb@gone')
    .put('Secret', 'linkerd/east', linkSecret('east'))
    .put('Secret', 'linkerd/gone', linkSecret('gone'));
  const scene = await start(west, { east: slow, gone: dead });
  const heard = scene.get(FEDERATED);
  await hears(heard, '10.42.0.1:8080');
  for (const answer of sinks) answer();
  await hears(heard, '10.42.0.1:8080', '10.43.0.1:8080');
});

test('members of a cluster come with its credentials and go with them', async () => {
  const west = federate(member('10.42.0.1'), 'bb@east');
  const scene = await start(west, { east: member('10.43.0.1').kube, moved: member('10.43.0.2').kube });
  const heard = scene.get(FEDERATED);
  await hears(heard, '10.42.0.1:8080');
  west.put('Secret', 'linkerd/east', linkSecret('east'));
  await hears(heard, '10.42.0.1:8080', '10.43.0.1:8080');
  west.put('Secret', 'linkerd/east', linkSecret('east', 'cluster.local', 'moved'));
  await hears(heard, '10.42.0.1:8080', '10.43.0.2:8080');
  await west.remove('Secret', 'linkerd/east');
  await hears(heard, '10.42.0.1:8080');
  assert.equal(heard.ended, undefined);
});

test('while new credentials are tried, what the old ones showed stays', async () => {
  const west = federate(member('10.42.0.1'), 'bb@east').put('Secret', 'linkerd/east', linkSecret('east'));
  const scene = await start(west, { east: member('10.43.0.1').kube, dead });
  const heard = scene.get(FEDERATED);
  await hears(heard, '10.42.0.1:8080', '10.43.0.1:8080');
  west.put('Secret', 'linkerd/east', linkSecret('east', 'cluster.local', 'dead'));
  west.slice('shop/bb', []);
  await hears(heard, '10.43.0.1:8080');
});

test('two members with one address do not evict each other, and the log names both', async () => {
  const east = member('10.42.0.1');
  const west = federate(member('10.42.0.1'), 'bb@east').put('Secret', 'linkerd/east', linkSecret('east', 'east.test'));
  const scene = await start(west, { east: east.kube });
  const heard = scene.get(FEDERATED);
  await hears(heard, '10.42.0.1:8080');
  const told = () => scene.log.lines.filter((line) => line.includes('two members have one address'));
  await until(
    () => told().length === 1,
    () => scene.log.lines,
  );
  assert.match(told()[0] ?? '', /10\.42\.0\.1:8080/);
  assert.match(told()[0] ?? '', /second=\S*@east/);
  west.slice('shop/bb', []);
  await until(() => heard.only.tlsIdentity?.serverName?.name.endsWith('east.test') ?? false);
  assert.ok(!heard.log.some((line) => line.startsWith('-')));
  assert.equal(told().length, 1);
});

test('ends the stream when the service is no longer federated, so that the proxy asks again', async () => {
  const west = federate(member('10.42.0.1'), '');
  const heard = (await start(west)).get(FEDERATED);
  await hears(heard, '10.42.0.1:8080');
  federate(west, '', '');
  await until(
    () => heard.ended === 'OK',
    () => heard.ended,
  );
});

test("a flat mirror has the other cluster's endpoints, unfiltered by zones, on the same port number", async () => {
  const east = new FakeCluster().pod('shop/web-1', '10.43.0.1').service('shop/web', [
    { ip: '10.43.0.1', pod: 'web-1', zones: ['z9'] },
    { ip: '10.43.0.2', zones: ['z8'] },
  ]);
  const west = new FakeCluster()
    .put('Node', 'n1', { metadata: { labels: { 'topology.kubernetes.io/zone': 'z8' } } })
    .put('Secret', 'linkerd/east', linkSecret('east'))
    .put('Service', 'shop/web-east', {
      metadata: {
        labels: { 'multicluster.linkerd.io/remote-discovery': 'east', 'multicluster.linkerd.io/remote-service': 'web' },
      },
      spec: { ports: [{ name: 'http', port: 80 }] },
    });
  const scene = await start(west, { east: east.kube });
  const heard = scene.get('web-east.shop.svc.cluster.local:80');
  await hears(heard, '10.43.0.1:8080', '10.43.0.2:8080');
  assert.deepEqual(heard.labels, { service: 'web', namespace: 'shop', target_cluster: 'east' });
  await west.remove('Secret', 'linkerd/east');
  await hears(heard);
});

test('says what is wrong with credentials, and counts good ones', async () => {
  const bad = linkSecret('east') as { metadata: { annotations?: object } };
  bad.metadata.annotations = {};
  const west = new FakeCluster()
    .put('Secret', 'linkerd/bad', bad)
    .put('Secret', 'linkerd/unreadable', linkSecret('nowhere'))
    .put('Secret', 'linkerd/other', { type: 'Opaque' })
    .put('Secret', 'linkerd/good', linkSecret('good'));
  const scene = await start(west, { good: member('10.43.0.1').kube });
  await until(() => scene.metrics.render().includes('cluster_store_size 1'));
  assert.ok(scene.log.lines.some((line) => /secret=bad .*trust-domain is missing/.test(line)));
  assert.ok(scene.log.lines.some((line) => /cluster=nowhere/.test(line)));
});

const FEATURES = 'endpoint-priority';
const CLIENT = '{"ns":"shop","nodeName":"n1","pod":"client"}';
/** Level and weight by address. */
const places = (heard: Heard) =>
  Object.fromEntries([...heard.endpoints].map(([address, { priority, weight }]) => [address, [priority, weight]]));
const placed = (heard: Heard, wanted: Record<string, [priority: number, weight: number]>) =>
  until(
    () => JSON.stringify(places(heard)) === JSON.stringify(wanted),
    () => places(heard),
  );

test('clusters have the order that the federated service says; a proxy that knows no levels has them as equals', async () => {
  const order = { 'balancer.weft.dev/cluster-order': 'local,east' };
  const west = federate(member('10.42.0.1'), 'bb@east,bb@north', 'bb', order)
    .put('Secret', 'linkerd/east', linkSecret('east'))
    .put('Secret', 'linkerd/north', linkSecret('north'));
  const scene = await start(west, { east: member('10.43.0.1').kube, north: member('10.44.0.1').kube });
  const heard = scene.get(FEDERATED, CLIENT, FEATURES);
  await placed(heard, {
    '10.42.0.1:8080': [0, 10000],
    '10.43.0.1:8080': [1, 10000],
    '10.44.0.1:8080': [2, 10000],
  });
  const plain = scene.get(FEDERATED);
  await hears(plain, '10.42.0.1:8080', '10.43.0.1:8080', '10.44.0.1:8080');
  assert.deepEqual(new Set([...plain.endpoints.values()].map(({ priority }) => priority)), new Set([0]));
  federate(west, 'bb@east,bb@north', 'bb', { 'balancer.weft.dev/cluster-order': 'north,east+local' });
  await placed(heard, {
    '10.42.0.1:8080': [1, 10000],
    '10.43.0.1:8080': [1, 10000],
    '10.44.0.1:8080': [0, 10000],
  });
});

test('the next cluster helps out while too few endpoints are ready, and until they have been for a while', async () => {
  const order = { 'balancer.weft.dev/cluster-order': 'local,east', 'balancer.weft.dev/cluster-return-after': '20s' };
  const ready = (isReady: boolean) => [
    { ip: '10.42.0.1', pod: 'bb-1' },
    { ip: '10.42.0.2', pod: 'bb-2', ready: isReady },
  ];
  const west = federate(member('10.42.0.1').pod('shop/bb-2', '10.42.0.2'), 'bb@east', 'bb', order).put(
    'Secret',
    'linkerd/east',
    linkSecret('east'),
  );
  const scene = await start(west, { east: member('10.43.0.1').kube });
  const heard = scene.get(FEDERATED, CLIENT, FEATURES);
  const local: [number, number] = [0, 10000];
  await placed(heard, { '10.42.0.1:8080': local, '10.43.0.1:8080': [1, 10000] });
  west.slice('shop/bb', ready(false));
  await placed(heard, { '10.42.0.1:8080': local, '10.43.0.1:8080': [0, 10000] });
  west.slice('shop/bb', ready(true));
  await placed(heard, { '10.42.0.1:8080': local, '10.43.0.1:8080': [0, 10000], '10.42.0.2:8080': local });
  scene.clock.advance(20_000);
  await placed(heard, { '10.42.0.1:8080': local, '10.43.0.1:8080': [1, 10000], '10.42.0.2:8080': local });
});

test('weights are shares of clusters', async () => {
  const weights = { 'balancer.weft.dev/cluster-weights': 'local=3,east=1' };
  const east = member('10.43.0.1')
    .pod('shop/bb-2', '10.43.0.2')
    .slice('shop/bb', [
      { ip: '10.43.0.1', pod: 'bb-1' },
      { ip: '10.43.0.2', pod: 'bb-2' },
    ]);
  const west = federate(member('10.42.0.1'), 'bb@east', 'bb', weights).put(
    'Secret',
    'linkerd/east',
    linkSecret('east'),
  );
  const scene = await start(west, { east: east.kube });
  const heard = scene.get(FEDERATED, CLIENT, FEATURES);
  await placed(heard, { '10.42.0.1:8080': [0, 22500], '10.43.0.1:8080': [0, 3750], '10.43.0.2:8080': [0, 3750] });
});

test('a cluster whose API is silent for a minute comes after the others until it answers', async () => {
  const east = member('10.43.0.1');
  const sinks = new Map<string, WatchSink<never>>();
  const kube: Pick<KubeClient, 'watch' | 'close'> = {
    close: () => {},
    watch: (gvr, options, sink) => {
      sinks.set(gvr.resource, sink as WatchSink<never>);
      return east.kube.watch(gvr, options, sink);
    },
  };
  const west = federate(member('10.42.0.1'), 'bb@east').put('Secret', 'linkerd/east', linkSecret('east'));
  const scene = await start(west, { east: kube });
  const heard = scene.get(FEDERATED, CLIENT, FEATURES);
  const at = (priority: number) => placed(heard, { '10.42.0.1:8080': [0, 10000], '10.43.0.1:8080': [priority, 10000] });
  await at(0);
  const lost = { error: new Error('no route to host'), attempt: 1, retryInMs: 1 };
  for (const sink of sinks.values()) sink.failed?.(lost);
  scene.clock.advance(59_000);
  await at(0);
  scene.clock.advance(1_000);
  await at(1);
  for (const sink of sinks.values()) sink.recovered?.();
  await at(0);
});
