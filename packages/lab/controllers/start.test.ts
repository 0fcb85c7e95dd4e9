import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { CLUSTER_ROLES, DEPLOYMENTS, ENDPOINT_SLICES, NAMESPACES, NODES, PODS, SERVICES } from '#api/kube';
import { FakeLog } from '#runtime/log';
import { FakeCluster } from '../contract/cluster-client.fake.ts';
import { conditionOf, type EndpointSlice, formatTime, type Node, type Pod, type Service } from '../kinds/index.ts';
import { FakeClock } from '../reconcile/clock.fake.ts';
import { type RunningControllers, startControllers } from './index.ts';
import { deployment } from './lab.fake.ts';

let clock: FakeClock;
let cluster: FakeCluster;
let running: RunningControllers;
let log: FakeLog;

beforeEach(async () => {
  clock = new FakeClock();
  cluster = new FakeCluster({ nowMs: () => clock.wallMs() });
  log = new FakeLog();
  await cluster.create(NAMESPACES, { metadata: { name: 'default' } });
  running = startControllers(
    { client: cluster, clock, log: log.log },
    {
      caPem: 'PEM',
      loadBalancerCidr: '172.31.7.0/29',
      apiServer: { ip: '172.30.0.1', port: 6443, serviceIp: '10.96.0.1' },
    },
  );
  await clock.advance(100);
});
afterEach(() => {
  running.stop();
  assert.deepEqual(log.lines, []);
});

const ready = () => ({
  type: 'Ready',
  status: 'True' as const,
  lastHeartbeatTime: formatTime(clock.wallMs()),
  lastTransitionTime: formatTime(clock.wallMs()),
});
const addNode = (name: string) =>
  cluster.create<Node>(NODES, { metadata: { name }, status: { conditions: [ready()] } });
const node = (name: string) => cluster.get<Node>(NODES, name);
const pods = async () => (await cluster.list<Pod>(PODS)).items;
const service = (name: string, spec: object = {}) =>
  cluster.create<Service>(SERVICES, {
    metadata: { name, namespace: 'default' },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
  });
const ingress = async (name: string) =>
  (await cluster.get<Service>(SERVICES, name, 'default')).status?.loadBalancer?.ingress?.map((each) => each.ip);
const taints = async (name: string) =>
  (await node(name)).spec?.taints?.map(({ key, effect }) => `${key.split('/')[1]}:${effect}`);

test('all together: a Deployment becomes bound pods on ready nodes', async () => {
  await addNode('n1');
  await addNode('n2');
  await cluster.create(DEPLOYMENTS, deployment('web', 4));
  await clock.advance(500);
  const nodes = (await pods()).map((pod) => pod.spec.nodeName).sort();
  assert.deepEqual(nodes, ['n1', 'n1', 'n2', 'n2']);
  assert.ok(running.idle);
});

test('Service kubernetes and its endpoints are there, and come back', async () => {
  const api = await cluster.get<Service>(SERVICES, 'kubernetes', 'default');
  assert.deepEqual([api.spec.clusterIP, api.spec.ports?.[0]?.port], ['10.96.0.1', 443]);
  await cluster.delete(ENDPOINT_SLICES, { name: 'kubernetes', namespace: 'default' });
  await clock.advance(100);
  const { items } = await cluster.list<EndpointSlice>(ENDPOINT_SLICES);
  assert.deepEqual(
    items.map((slice) => [slice.metadata.name, slice.endpoints[0]?.addresses, slice.ports?.[0]?.port]),
    [['kubernetes', ['172.30.0.1'], 6443]],
  );
});

test('load balancers get distinct addresses, keep them, and give them back', async () => {
  await service('a');
  await service('b', { loadBalancerIP: '172.31.7.1' });
  await clock.advance(100);
  assert.deepEqual(await ingress('a'), ['172.31.7.1']);
  assert.equal(await ingress('b'), undefined);
  await cluster.patch(
    SERVICES,
    { name: 'a', namespace: 'default' },
    { type: 'merge', body: { spec: { type: 'ClusterIP' } } },
  );
  await clock.advance(100);
  assert.equal(await ingress('a'), undefined);
  await service('c');
  await clock.advance(100);
  const given = [await ingress('b'), await ingress('c')].map((each) => each?.[0]).sort();
  assert.deepEqual(given, ['172.31.7.1', '172.31.7.2']);
});

test('a node that falls silent is tainted, its pods unready and in time evicted; heard again it recovers', async () => {
  await addNode('n1');
  await cluster.create<Pod>(PODS, { metadata: { name: 'a', namespace: 'default' }, spec: { containers: [] } });
  await clock.advance(100);
  await cluster.patch(
    PODS,
    { name: 'a', namespace: 'default' },
    { type: 'merge', subresource: 'status', body: { status: { conditions: [ready()] } } },
  );
  await clock.advance(41_000);
  assert.equal(conditionOf((await node('n1')).status?.conditions, 'Ready')?.status, 'Unknown');
  assert.deepEqual(await taints('n1'), ['unreachable:NoSchedule', 'unreachable:NoExecute']);
  assert.equal(conditionOf((await pods())[0]?.status?.conditions, 'Ready')?.status, 'False');
  await cluster.patch(
    NODES,
    { name: 'n1' },
    { type: 'merge', subresource: 'status', body: { status: { conditions: [ready()] } } },
  );
  await clock.advance(100);
  assert.equal(await taints('n1'), undefined);
  await clock.advance(41_000);
  assert.equal((await pods())[0]?.metadata.deletionTimestamp, undefined);
  await clock.advance(301_000);
  assert.ok((await pods())[0]?.metadata.deletionTimestamp);
});

test('cordoning taints a node; uncordoning takes the taint away', async () => {
  await addNode('n1');
  const cordon = (unschedulable: boolean | null) =>
    cluster.patch(NODES, { name: 'n1' }, { type: 'merge', body: { spec: { unschedulable } } });
  await cordon(true);
  await clock.advance(100);
  assert.deepEqual(await taints('n1'), ['unschedulable:NoSchedule']);
  await cordon(null);
  await clock.advance(100);
  assert.equal(await taints('n1'), undefined);
});

test('pods of a node that is gone go at once', async () => {
  await addNode('n1');
  await cluster.create<Pod>(PODS, { metadata: { name: 'a', namespace: 'default' }, spec: { containers: [] } });
  await clock.advance(100);
  await cluster.delete(NODES, { name: 'n1' });
  await clock.advance(100);
  assert.deepEqual(await pods(), []);
});

test('aggregated ClusterRoles gather the rules of those they select', async () => {
  const rule = (resource: string) => ({ apiGroups: [''], resources: [resource], verbs: ['get'] });
  const role = (name: string, more: object) => cluster.create(CLUSTER_ROLES, { metadata: { name }, ...more });
  await role('view', {
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'to-view': 'true' } }] },
    rules: null,
  });
  await cluster.create(CLUSTER_ROLES, {
    metadata: { name: 'a', labels: { 'to-view': 'true' } },
    rules: [rule('pods')],
  } as never);
  await cluster.create(CLUSTER_ROLES, {
    metadata: { name: 'b', labels: { 'to-view': 'true' } },
    rules: [rule('pods'), rule('nodes')],
  } as never);
  await clock.advance(100);
  const view = await cluster.get<{ metadata: object; rules: object[] }>(CLUSTER_ROLES, 'view');
  assert.deepEqual(view.rules, [rule('pods'), rule('nodes')]);
});
