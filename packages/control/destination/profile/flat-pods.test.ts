import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { decodeTcpAddress, type destination } from '#api/mesh';
import { FakeCluster, type Heard, linkSecret, type Scene, startScene, until } from '../scene.fake.ts';

const scenes: Scene[] = [];
afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.close();
});
async function start(...args: Parameters<typeof startScene>): Promise<Scene> {
  const scene = await startScene(...args);
  scenes.push(scene);
  return scene;
}

const IP = '10.43.0.1';
const AT = `${IP}:7000`;
/** A linked cluster with a pod of a StatefulSet. */
const linked = (ip = IP, body: Parameters<FakeCluster['pod']>[2] = {}) =>
  new FakeCluster().pod('shop/db-0', ip, {
    serviceAccountName: 'db',
    ownerReferences: [{ kind: 'StatefulSet', name: 'db' }],
    ...body,
  });
const SOURCE = 'multicluster.kubernetes.io/source-cluster';
/** What a mirror controller keeps for the pods of a headless service of a linked cluster. */
const mirror = (cluster: FakeCluster, of = 'east', ...ips: string[]) =>
  cluster
    .put('Service', `shop/db-${of}`, {
      metadata: {
        labels: { 'multicluster.linkerd.io/remote-discovery': of, 'multicluster.linkerd.io/remote-service': 'db' },
      },
      spec: { clusterIP: 'None', ports: [{ name: 'sql', port: 7000 }] },
    })
    .slice(
      `shop/db-${of}`,
      ips.map((ip) => ({ ip, ready: false })),
      { metadata: { labels: { [SOURCE]: of } } },
    );
const home = (...clusters: string[]) => {
  const west = new FakeCluster();
  for (const cluster of clusters)
    mirror(west.put('Secret', `linkerd/${cluster}`, linkSecret(cluster, `${cluster}.test`)), cluster, IP);
  return west;
};
type Profiles = ReturnType<Scene['profile']>;
const identity = ({ endpoint }: destination.DestinationProfile) => endpoint?.tlsIdentity?.serverName?.name;
const last = (heard: Profiles) => heard.all.at(-1);
/** Waits until the last profile's endpoint has this identity; undefined: is a bare address. */
const hears = (heard: Profiles, wanted: string | undefined) =>
  until(
    () => {
      const profile = last(heard);
      if (!profile) return false;
      return wanted === undefined
        ? Object.keys(profile.endpoint?.metricLabels ?? { none: '' }).length === 0
        : identity(profile) === wanted;
    },
    () => [wanted, last(heard), heard.ended],
  );
const EAST = 'db.shop.serviceaccount.identity.linkerd.east.test';

test('an IP that is given out here as that of a pod of another cluster is that pod, ready or not, with the identity of its trust domain', async () => {
  const east = linked(IP, { annotations: { 'config.linkerd.io/opaque-ports': '7000' } });
  const heard = (await start(home('east'), { east: east.kube })).profile(AT);
  await hears(heard, EAST);
  const profile = last(heard);
  assert.equal(decodeTcpAddress(profile?.endpoint?.addr), AT);
  assert.equal(profile?.opaqueProtocol, true);
  assert.equal(profile?.endpoint?.protocolHint?.protocol.case, 'opaque');
  assert.equal(profile?.endpoint?.protocolHint?.opaqueTransport?.inboundPort, 4143);
  assert.deepEqual(profile?.endpoint?.metricLabels, {
    pod: 'db-0',
    statefulset: 'db',
    serviceaccount: 'db',
    control_plane_ns: 'linkerd',
    zone: '',
    namespace: 'shop',
    target_cluster: 'east',
  });
});

test('Servers over there, another pod at the address and its end are heard', async () => {
  const east = linked(IP, { labels: { app: 'db', 'linkerd.io/control-plane-ns': 'linkerd' } });
  const heard = (await start(home('east'), { east: east.kube })).profile(AT);
  await hears(heard, EAST);
  assert.equal(last(heard)?.opaqueProtocol, false);
  east.put('Server', 'shop/db', {
    spec: { podSelector: { matchLabels: { app: 'db' } }, port: 7000, proxyProtocol: 'opaque' },
  });
  await until(() => last(heard)?.opaqueProtocol === true);
  await east.remove('Pod', 'shop/db-0');
  await hears(heard, undefined);
  east.pod('shop/web-1', IP, { serviceAccountName: 'web' });
  await hears(heard, 'web.shop.serviceaccount.identity.linkerd.east.test');
  assert.equal(heard.ended, undefined);
});

test('a linked cluster is not believed about an address that is not given out here as one of its pods', async () => {
  const west = mirror(
    new FakeCluster().put('Secret', 'linkerd/east', linkSecret('east', 'east.test')),
    'east',
    '10.43.0.9',
  );
  const scene = await start(west, { east: linked().kube });
  const heard = scene.profile(AT);
  await hears(heard, undefined);
  mirror(west, 'east', IP);
  await hears(heard, EAST);
  await west.remove('EndpointSlice', 'shop/db-east-1');
  await hears(heard, undefined);
  west.slice('shop/db-federated', [{ ip: IP, hostname: 'db-0-east' }], { metadata: { labels: { [SOURCE]: 'north' } } });
  await hears(heard, undefined);
  west.slice('shop/db-federated', [{ ip: IP, hostname: 'db-0-east' }], { metadata: { labels: { [SOURCE]: 'east' } } });
  await hears(heard, EAST);
});

test('the own cluster wins, and comes before others again when it has the address', async () => {
  const west = home('east').pod('shop/web-1', IP, { serviceAccountName: 'web' });
  const heard = (await start(west, { east: linked().kube })).profile(AT);
  await hears(heard, 'web.shop.serviceaccount.identity.linkerd.cluster.local');
  await west.remove('Pod', 'shop/web-1');
  await hears(heard, EAST);
  west.put('Service', 'shop/web', { spec: { clusterIP: IP, ports: [{ port: 7000 }] } });
  await until(() => last(heard)?.fullyQualifiedName === 'web.shop.svc.cluster.local');
});

test('where networks overlap nobody knows who it is: a bare address', async () => {
  const west = home('east', 'north');
  const heard = (await start(west, { east: linked().kube, north: linked().kube })).profile(AT);
  await hears(heard, undefined);
  mirror(west, 'north', '10.44.0.1');
  await hears(heard, EAST);
  mirror(west, 'north', IP);
  await hears(heard, undefined);
  mirror(west, 'east');
  await hears(heard, 'db.shop.serviceaccount.identity.linkerd.north.test');
  assert.equal(heard.ended, undefined);
});

test('credentials that come and go are followed', async () => {
  const west = mirror(new FakeCluster(), 'east', IP);
  const heard = (await start(west, { east: linked().kube })).profile(AT);
  await hears(heard, undefined);
  west.put('Secret', 'linkerd/east', linkSecret('east', 'east.test'));
  await hears(heard, EAST);
  await west.remove('Secret', 'linkerd/east');
  await hears(heard, undefined);
});

test('a pod without proxy, one of another mesh and an address of a node get no identity', async () => {
  const east = linked()
    .pod('shop/plain', '10.43.0.2', { meshed: false })
    .pod('shop/other', '10.43.0.3', { labels: { 'linkerd.io/control-plane-ns': 'other' } })
    .pod('shop/hosted', '172.30.0.1', { hostNetwork: true, ports: [{ containerPort: 7000, hostPort: 7000 }] });
  const west = mirror(home('east'), 'east', '10.43.0.2', '10.43.0.3', '172.30.0.1');
  const scene = await start(west, { east: east.kube });
  const [plain, other, node] = ['10.43.0.2', '10.43.0.3', '172.30.0.1'].map((ip) => scene.profile(`${ip}:7000`));
  assert.ok(plain && other && node);
  const labels = (heard: Profiles) => last(heard)?.endpoint?.metricLabels;
  await until(() => labels(plain)?.['target_cluster'] === 'east' && labels(other)?.['target_cluster'] === 'east');
  assert.deepEqual(
    [plain, other].map((heard) => last(heard)?.endpoint?.tlsIdentity),
    [undefined, undefined],
  );
  assert.equal(last(plain)?.endpoint?.protocolHint, undefined);
  await hears(node, undefined);
});

/** West with a headless federated service and the slices that mirror controllers make of it. */
const federated = () =>
  mirror(home('east', 'north'), 'north', '10.44.0.1')
    .pod('shop/db-0', '10.42.0.1', { serviceAccountName: 'db' })
    .service('shop/db', [{ ip: '10.42.0.1', pod: 'db-0', hostname: 'db-0' }], { spec: { clusterIP: 'None' } })
    .put('Service', 'shop/db-federated', {
      metadata: {
        annotations: {
          'multicluster.linkerd.io/remote-discovery': 'db@east,db@north',
          'multicluster.linkerd.io/local-discovery': 'db',
        },
      },
      spec: { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] },
    })
    .slice('shop/db-federated', [{ ip: '10.42.0.1', hostname: 'db-0-west' }], {
      suffix: 'west',
      metadata: { labels: { [SOURCE]: 'west' } },
    })
    .slice('shop/db-federated', [{ ip: IP, hostname: 'db-0-east' }], {
      suffix: 'east',
      metadata: { labels: { [SOURCE]: 'east' } },
    })
    .slice('shop/db-federated', [{ ip: '10.44.0.1', hostname: 'db-0-north' }], {
      suffix: 'north',
      metadata: { labels: { [SOURCE]: 'north' } },
    });
const set = (ip: string) =>
  linked(ip).service('shop/db', [{ ip, pod: 'db-0', hostname: 'db-0' }], { spec: { clusterIP: 'None' } });
const addressed = (heard: Heard, ...addresses: string[]) =>
  until(
    () => heard.addresses.join() === addresses.join(),
    () => [heard.addresses, heard.ended],
  );

test('the name of a pod of a headless federated service is that pod in its cluster, whichever address it has', async () => {
  const west = federated();
  const east = set(IP);
  const scene = await start(west, { east: east.kube, north: set('10.44.0.1').kube });
  const name = (host: string) => `${host}.db-federated.shop.svc.cluster.local:80`;
  const profile = scene.profile(name('db-0-east'));
  await hears(profile, EAST);
  assert.equal(decodeTcpAddress(last(profile)?.endpoint?.addr), `${IP}:80`);
  await hears(scene.profile(name('db-0-west')), 'db.shop.serviceaccount.identity.linkerd.cluster.local');
  const pods = { west: '10.42.0.1', east: IP, north: '10.44.0.1' };
  for (const [cluster, ip] of Object.entries(pods)) await addressed(scene.get(name(`db-0-${cluster}`)), `${ip}:8080`);
  await addressed(scene.get(name('db-0')), ...Object.values(pods).map((ip) => `${ip}:8080`));
  const heard = scene.get(name('db-0-east'));
  await addressed(heard, `${IP}:8080`);
  east
    .pod('shop/db-0', '10.43.0.7', { serviceAccountName: 'db' })
    .slice('shop/db', [{ ip: '10.43.0.7', pod: 'db-0', hostname: 'db-0' }]);
  west.slice('shop/db-federated', [{ ip: '10.43.0.7', hostname: 'db-0-east' }], {
    suffix: 'east',
    metadata: { labels: { [SOURCE]: 'east' } },
  });
  await addressed(heard, '10.43.0.7:8080');
  await until(
    () => decodeTcpAddress(last(profile)?.endpoint?.addr) === '10.43.0.7:80' && identity(last(profile)!) === EAST,
  );
  const nobody = scene.profile(name('db-9-east'));
  await until(() => nobody.ended === 'NOT_FOUND');
});
