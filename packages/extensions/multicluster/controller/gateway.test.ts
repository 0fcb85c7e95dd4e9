import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AnyObject,
  ENDPOINT_SLICES,
  ENDPOINTS,
  type Endpoints,
  EVENTS,
  NAMESPACES,
  SECRETS,
  SERVICES,
} from '#api/kube';
import { createControlMetrics } from '#control/process';
import { FakeKubeClient } from '#kube/client';
import { FakeClock } from '#runtime/clock';
import { FakeLog } from '#runtime/log';
import { LINKS, type Link } from '../link/index.ts';
import { LinkController, type LinkControllerOptions } from './index.ts';
import { gatewayMetrics } from './outside.ts';

const MC = 'linkerd-multicluster';
const EXPORTED = { 'mirror.linkerd.io/exported': 'true' };

const link = (spec: Link['spec'] = {}): Link => ({
  metadata: { name: 'east', namespace: MC },
  spec: {
    targetClusterName: 'east',
    clusterCredentialsSecret: 'cluster-credentials-east',
    gatewayAddress: '192.0.2.1,gw.east.example',
    gatewayPort: '4143',
    gatewayIdentity: 'gateway.east',
    probeSpec: { path: '/ready', port: '4191', period: '3s', timeout: '1s', failureThreshold: '2' },
    selector: { matchLabels: EXPORTED },
    ...spec,
  },
});
const slice: AnyObject = {
  metadata: { name: 'bb-1', namespace: 'mc-demo', labels: { ...EXPORTED, 'kubernetes.io/service-name': 'bb' } },
  endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
};

function setUp() {
  const west = new FakeKubeClient().seed(NAMESPACES, { metadata: { name: 'mc-demo' } }).seed(SERVICES, {
    metadata: { name: 'probe-east', namespace: MC },
    spec: { ports: [{ name: 'mc-probe', port: 4191 }] },
  } as AnyObject);
  const data = { kubeconfig: Buffer.from('east').toString('base64') };
  west.seed(SECRETS, { metadata: { name: 'cluster-credentials-east', namespace: MC }, data } as AnyObject);
  const east = new FakeKubeClient()
    .seed(SERVICES, {
      metadata: { name: 'bb', namespace: 'mc-demo', labels: EXPORTED },
      spec: { clusterIP: '10.1.1.1', ports: [{ name: 'http', port: 8080 }] },
    } as AnyObject)
    .seed(ENDPOINT_SLICES, slice);
  const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'));
  const log = new FakeLog();
  const metrics = createControlMetrics(() => clock.nowMs());
  const names = new Map([['gw.east.example', ['192.0.2.9', '127.0.0.1']]]);
  const probes: string[] = [];
  const state = { dead: false };
  const start = (options: Partial<LinkControllerOptions> = {}) =>
    new LinkController(
      {
        client: west,
        clock,
        log: log.log,
        random: () => 0,
        connect: () => east,
        lookup: async (host) => names.get(host) ?? Promise.reject(new Error('not found')),
        probe: async (url) => {
          probes.push(url);
          if (state.dead) throw new Error('refused');
        },
        gatewayMetrics: (cluster) => gatewayMetrics(metrics, cluster),
      },
      {
        link: 'east',
        namespace: MC,
        enableNamespaceCreation: false,
        enableHeadlessServices: false,
        endpointRefreshMs: 60_000,
        probeService: 'probe-east',
        requeueLimit: 3,
        controlNamespace: 'linkerd',
        renewTokenAt: 0.7,
        ...options,
      },
    );
  const settle = async (ms = 100): Promise<void> => {
    for (let passedMs = 0; passedMs < ms; passedMs += 25) {
      for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
      clock.advance(25);
    }
    for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
  };
  const endpoints = (name: string) =>
    west.all<Endpoints & AnyObject>(ENDPOINTS).find(({ metadata }) => metadata.name === name);
  const subset = (name: string) => endpoints(name)?.subsets?.[0];
  const condition = (type: string) => west.all<Link>(LINKS)[0]?.status?.conditions?.find((each) => each.type === type);
  const events = (client: FakeKubeClient) => client.all<AnyObject>(EVENTS).map((event) => event['reason']);
  return { west, east, log, metrics, names, probes, state, start, settle, endpoints, subset, condition, events };
}

const ips = (addresses: { ip: string }[] | undefined): string[] | undefined => addresses?.map(({ ip }) => ip);

test('a mirror and the probe have all addresses of the gateway; nothing is written while nothing changes', async () => {
  const { west, start, settle, subset, endpoints, condition, probes, metrics } = setUp();
  west.seed(LINKS, link());
  const running = start();
  await settle();
  assert.deepEqual(ips(subset('bb-east')?.addresses), ['192.0.2.1', '192.0.2.9']);
  assert.deepEqual(ips(subset('probe-east')?.addresses), ['192.0.2.1', '192.0.2.9']);
  assert.equal(subset('probe-east')?.ports?.[0]?.port, 4191);
  assert.deepEqual([condition('GatewayAlive')?.status, condition('GatewayAlive')?.reason], ['Unknown', 'Probing']);
  await settle(3_200);
  assert.deepEqual(probes, [`http://probe-east.${MC}.svc:4191/ready`]);
  assert.deepEqual([condition('GatewayAlive')?.status, condition('RemoteReachable')?.status], ['True', 'True']);
  const writes = west.actions.length;
  await settle(60_000);
  assert.equal(west.actions.length, writes);
  const text = metrics.render();
  for (const line of [
    'gateway_enabled{target_cluster_name="east"} 1',
    'gateway_alive{target_cluster_name="east"} 1',
    'service_mirror_endpoint_repairs{target_cluster_name="east"} 2',
    'gateway_probes{target_cluster_name="east",probe_successful="true"}',
    'gateway_probe_latency_ms_bucket{target_cluster_name="east",le="50000"}',
  ])
    assert.ok(text.includes(line), `${line}\n${text}`);
  await west.delete(ENDPOINTS, { name: 'bb-east', namespace: 'mc-demo' });
  await west.delete(ENDPOINTS, { name: 'probe-east', namespace: MC });
  await settle();
  assert.ok(endpoints('bb-east') && endpoints('probe-east'), 'Endpoints that somebody deleted are made again');
  running.stop();
  assert.ok(metrics.render().includes('gateway_enabled{target_cluster_name="east"} 0'));
});

test('a gateway that is dead from the start, or dies, is not used until a probe succeeds again', async () => {
  const { west, start, settle, subset, condition, state, events, metrics } = setUp();
  west.seed(LINKS, link());
  state.dead = true;
  const running = start();
  await settle();
  assert.equal(subset('bb-east')?.addresses?.length, 2, 'it is believed in at first');
  await settle(6_200);
  assert.deepEqual(ips(subset('bb-east')?.notReadyAddresses), ['192.0.2.1', '192.0.2.9']);
  assert.equal(subset('bb-east')?.addresses, undefined);
  assert.equal(subset('probe-east')?.addresses?.length, 2, 'or it could not come back');
  assert.deepEqual(
    [condition('GatewayAlive')?.status, condition('GatewayAlive')?.reason, condition('GatewayAlive')?.message],
    ['False', 'ProbesFailed', '2 probes in a row failed: refused'],
  );
  assert.ok(metrics.render().includes('gateway_alive{target_cluster_name="east"} 0'));
  state.dead = false;
  await settle(3_200);
  assert.equal(subset('bb-east')?.addresses?.length, 2);
  assert.deepEqual(events(west), ['GatewayNotAlive', 'GatewayAlive']);
  running.stop();
});

test('an entry that cannot be resolved only warns, and addresses that change are followed', async () => {
  const { west, start, settle, subset, names, log, condition } = setUp();
  names.clear();
  west.seed(LINKS, link());
  const running = start();
  await settle();
  assert.deepEqual(ips(subset('bb-east')?.addresses), ['192.0.2.1']);
  assert.ok(log.lines.some((line) => line.includes('gw.east.example')));
  names.set('gw.east.example', ['192.0.2.7']);
  await settle(60_100);
  assert.deepEqual(ips(subset('bb-east')?.addresses), ['192.0.2.1', '192.0.2.7']);
  running.stop();
  await west.patch(
    LINKS,
    { name: 'east', namespace: MC },
    {
      type: 'merge',
      body: { spec: { gatewayAddress: 'nowhere.example' } },
    },
  );
  const again = start();
  await settle();
  assert.deepEqual(ips(subset('bb-east')?.addresses), ['192.0.2.1', '192.0.2.7'], 'what stands stays');
  assert.equal(condition('GatewayAlive')?.reason, 'AddressUnknown');
  const [mirror] = west.all<Link>(LINKS)[0]?.status?.mirrorServices ?? [];
  assert.match(mirror?.conditions[0]?.message ?? '', /Failed to get gateway address: nowhere.example: not found/);
  again.stop();
});

test('endpoints over there come and go here', async () => {
  const { west, east, start, settle, endpoints, subset } = setUp();
  west.seed(LINKS, link());
  const running = start();
  await settle();
  const ref = { name: 'bb-1', namespace: 'mc-demo' };
  await east.patch(ENDPOINT_SLICES, ref, { type: 'merge', body: { endpoints: [] } });
  await settle();
  assert.deepEqual(endpoints('bb-east')?.subsets, []);
  await east.patch(ENDPOINT_SLICES, ref, { type: 'merge', body: { endpoints: slice['endpoints'] } });
  await settle();
  assert.equal(subset('bb-east')?.addresses?.length, 2);
  running.stop();
});

test('what a Link says wrongly is in its condition, and the default is used', async () => {
  const { west, start, settle, condition, probes } = setUp();
  west.seed(LINKS, link({ probeSpec: { path: 'ready', port: '4191', period: 'often', failureThreshold: '0' } }));
  const running = start();
  await settle(3_200);
  assert.equal(probes.length, 1, 'every 3 s');
  assert.equal(
    condition('GatewayAlive')?.message,
    'spec.probeSpec.period: expected a duration of at least 100ms such as 3s, got "often"; 3s is used; spec.probeSpec.failureThreshold: expected a whole number from 1 on, got "0"; 3 is used',
  );
  await west.patch(LINKS, { name: 'east', namespace: MC }, { type: 'merge', body: { spec: { gatewayPort: '0' } } });
  await settle();
  assert.deepEqual([condition('GatewayAlive')?.status, condition('GatewayAlive')?.reason], ['False', 'InvalidSpec']);
  running.stop();
});

test('a service that is left out is told in both clusters, once', async () => {
  const { west, east, start, settle, events } = setUp();
  west.seed(LINKS, link()).seed(SERVICES, { metadata: { name: 'bb-east', namespace: 'mc-demo' } });
  const running = start();
  await settle();
  await settle(60_100);
  assert.deepEqual(events(west), ['ServiceMirroringSkipped']);
  assert.deepEqual(
    east.all<AnyObject>(EVENTS).map((event) => [event['involvedObject'], event['message']]),
    [
      [
        { apiVersion: 'v1', kind: 'Service', name: 'bb', namespace: 'mc-demo' },
        'Skipped mirroring service mc-demo/bb: service mc-demo/bb-east exists and is not ours to change',
      ],
    ],
  );
  running.stop();
});

test('when the Link goes, its mirrors, their Endpoints and those of the probe go', async () => {
  const { west, start, settle } = setUp();
  west.seed(LINKS, link());
  const running = start();
  await settle();
  assert.equal(west.all(ENDPOINTS).length, 2);
  await west.delete(LINKS, { name: 'east', namespace: MC });
  await settle();
  assert.deepEqual(west.all(ENDPOINTS), []);
  assert.deepEqual(
    west.all<AnyObject>(SERVICES).map(({ metadata }) => metadata.name),
    ['probe-east'],
  );
  running.stop();
});

test('a Link without gateway is neither probed nor repaired', async () => {
  const { west, start, settle, probes, metrics, condition } = setUp();
  west.seed(LINKS, link({ gatewayAddress: '' }));
  const running = start();
  await settle(10_000);
  assert.deepEqual([probes, west.all(ENDPOINTS), condition('GatewayAlive')], [[], [], undefined]);
  assert.ok(!metrics.render().includes('gateway_enabled'));
  running.stop();
});

test('of two Links to one cluster the older one counts, and the other neither works nor clears away', async () => {
  const { west, start, settle, endpoints } = setUp();
  const old: Link = { ...link(), metadata: { ...link().metadata, creationTimestamp: '2026-01-01T00:00:00Z' } };
  const young = { name: 'twin', namespace: MC, creationTimestamp: '2026-01-02T00:00:00Z' };
  west.seed(LINKS, old, { ...link({ selector: { matchLabels: { none: 'such' } } }), metadata: young } as Link);
  const running = [start(), start({ link: 'twin', probeService: 'probe-twin' })];
  await settle(200);
  assert.ok(endpoints('bb-east'));
  const twin = () => west.all<Link>(LINKS).find(({ metadata }) => metadata.name === 'twin');
  const [condition] = twin()?.status?.conditions ?? [];
  assert.equal(condition?.reason, 'DuplicateLink');
  assert.match(
    condition?.message ?? '',
    /saw: Link east, which is older and has the same target cluster, east\. Delete one of them/,
  );
  const writes = west.actions.length;
  await settle(1_000);
  assert.equal(west.actions.length, writes, 'they do not fight');
  await west.delete(LINKS, { name: 'twin', namespace: MC });
  await settle(200);
  assert.ok(endpoints('bb-east'));
  for (const each of running) each.stop();
});
