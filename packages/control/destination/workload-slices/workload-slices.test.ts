import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, KubeObject } from '#api/kube';
import { ApiError } from '#kube/client';
import { FakeClock } from '#runtime/clock';
import { FakeLog } from '#runtime/log';
import { seededRandom } from '#runtime/random';
import { WatchHealth } from '../../fold/index.ts';
import { createControlMetrics } from '../../process/index.ts';
import { FakeCluster, GVRS, until } from '../scene.fake.ts';
import { desiredGroups, sliceLabels } from './desired.ts';
import { WorkloadSlices, WRITE_LEASE } from './index.ts';
import { planWrites, SLICE_ENDPOINTS_MAX } from './plan.ts';
import { readOwnSlice, readSelectedWorkload, readSelectingService } from './records.ts';
import { WorkQueue } from './work-queue.ts';

const read = (body: object) =>
  readSelectingService({
    metadata: { namespace: 'shop', name: 'web', uid: 'u1', labels: { team: 'a', 'kubernetes.io/service-name': 'x' } },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }] },
    ...body,
  } as unknown as KubeObject);
const service = (spec: object = {}) =>
  read({ spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }], ...spec } }) ??
  assert.fail('not read');
const vm = (name: string, ip: string, spec: object = {}, ready = true) =>
  readSelectedWorkload({
    metadata: { namespace: 'shop', name, uid: `uid-${name}`, labels: { app: 'web' } },
    spec: { workloadIPs: [{ ip }], ports: [{ name: 'web', port: 8080 }], ...spec },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  } as KubeObject);

test('only Services that select, are no mere names and live outside kube-system have slices', () => {
  assert.equal(read({ spec: { ports: [] } }), undefined);
  assert.equal(read({ spec: { selector: {} } }), undefined);
  assert.equal(read({ spec: { selector: { a: 'b' }, type: 'ExternalName' } }), undefined);
  assert.equal(read({ metadata: { namespace: 'kube-system', name: 'dns' } }), undefined);
});

test('ports are found by name or number with the same protocol, and workloads that share them share slices', () => {
  const both = service({
    ports: [
      { name: 'http', port: 80, targetPort: 'web' },
      { name: 'raw', port: 9000 },
      { name: 'udp', port: 8080, protocol: 'UDP' },
    ],
  });
  const named = vm('a', '192.0.2.1');
  const other = vm('b', '192.0.2.2', { ports: [{ name: 'web', port: 8081 }, { port: 9000 }] });
  const nothing = vm('c', '192.0.2.3', { ports: [{ port: 1 }] });
  const ports = desiredGroups(both, [other, nothing, named]).map((group) => [
    group.endpoints.map(({ addresses }) => addresses[0]).join(),
    group.ports.map(({ name, port, protocol }) => `${name} ${port}/${protocol}`).join(),
  ]);
  assert.deepEqual(ports, [
    ['192.0.2.1', 'http 8080/TCP'],
    ['192.0.2.2', 'http 8081/TCP,raw 9000/TCP'],
  ]);
});

test('an endpoint says what it points to, whether it is ready, its zone, and its name under a headless Service', () => {
  const workload = readSelectedWorkload({
    metadata: {
      namespace: 'shop',
      name: 'vm',
      uid: 'u',
      labels: { 'topology.kubernetes.io/zone': 'z1' },
    },
    spec: { workloadIPs: [{ ip: '192.0.2.1' }], ports: [{ name: 'web', port: 8080 }] },
  } as KubeObject);
  const headless = service({ clusterIP: 'None' });
  assert.deepEqual(desiredGroups(headless, [workload])[0]?.endpoints, [
    {
      addresses: ['192.0.2.1'],
      conditions: { ready: false, serving: false, terminating: false },
      hostname: 'vm',
      targetRef: { kind: 'ExternalWorkload', namespace: 'shop', name: 'vm', uid: 'u' },
      zone: 'z1',
    },
  ]);
  assert.deepEqual(sliceLabels(headless), {
    team: 'a',
    'kubernetes.io/service-name': 'web',
    'endpointslice.kubernetes.io/managed-by': 'linkerd-external-workloads-controller',
    'service.kubernetes.io/headless': '',
  });
  assert.equal(desiredGroups(service(), [workload])[0]?.endpoints[0]?.hostname, undefined);
});

test('each family of addresses has slices of its own, and only those that the Service has', () => {
  const dual = vm('a', '192.0.2.1', { workloadIPs: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }] });
  const types = (spec: object) => desiredGroups(service(spec), [dual]).map(({ addressType }) => addressType);
  assert.deepEqual(types({}), ['IPv4', 'IPv6']);
  assert.deepEqual(types({ ipFamilies: ['IPv6'] }), ['IPv6']);
});

/** Carries a plan out in memory. */
class Slices {
  all = new Map<string, EndpointSlice>();
  #count = 0;

  apply(owner: ReturnType<typeof service>, workloads: ReturnType<typeof vm>[]): { writes: number } {
    const existing = [...this.all.values()].flatMap((slice) => readOwnSlice(slice as KubeObject) ?? []);
    const labels = sliceLabels(owner);
    const plan = planWrites(desiredGroups(owner, workloads), existing, { labels, ownerUid: owner.uid });
    for (const { name } of plan.delete) this.all.delete(name);
    for (const { slice, endpoints } of plan.update) this.#put(slice.name, { ...slice, endpoints }, owner);
    for (const group of plan.create) {
      this.#count += 1;
      this.#put(`s${this.#count}`, group, owner);
    }
    return { writes: plan.delete.length + plan.update.length + plan.create.length };
  }
  #put(name: string, body: Parameters<typeof planWrites>[0][number], owner: ReturnType<typeof service>): void {
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Service', name: 'web', uid: owner.uid, controller: true }];
    const metadata = { namespace: 'shop', name, labels: sliceLabels(owner), ownerReferences };
    this.all.set(name, { metadata, ...body, ports: [...body.ports], endpoints: [...body.endpoints] });
  }
  get sizes(): number[] {
    return [...this.all.values()].map(({ endpoints }) => endpoints.length);
  }
  get addresses(): string[] {
    return [...this.all.values()]
      .flatMap(({ endpoints }) => endpoints.map(({ addresses }) => addresses[0] ?? ''))
      .sort();
  }
}

test('slices hold 100 endpoints, and a change costs one write', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => vm(`vm-${i}`, `192.0.${i >> 8}.${i & 255}`));
  const slices = new Slices();
  assert.deepEqual(slices.apply(service(), many(250)), { writes: 3 });
  assert.deepEqual(slices.sizes, [SLICE_ENDPOINTS_MAX, SLICE_ENDPOINTS_MAX, 50]);
  assert.deepEqual(slices.apply(service(), many(250)), { writes: 0 });
  assert.deepEqual(slices.apply(service(), many(251)), { writes: 1 });
  assert.deepEqual(slices.apply(service(), many(250)), { writes: 1 });
  const [first, ...others] = many(250);
  assert.deepEqual(slices.apply(service(), [vm('vm-0', '192.0.0.0', {}, false), ...others]), { writes: 1 });
  assert.ok(first);
  assert.deepEqual(slices.apply(service(), []), { writes: 3 });
  assert.deepEqual(slices.sizes, []);
});

test('whatever came before, the slices hold each wanted endpoint once, and nothing else', () => {
  const slices = new Slices();
  const chance = seededRandom(7);
  const random = (max: number) => Math.floor(chance() * max);
  for (let round = 0; round < 60; round += 1) {
    const workloads = Array.from({ length: 300 }, (_, i) => i)
      .filter(() => random(3) > 0)
      .map((i) => vm(`vm-${i}`, `192.0.${random(2)}.${i & 255}`, { ports: [{ name: 'web', port: 8080 + (i % 2) }] }));
    slices.apply(service(), workloads);
    assert.deepEqual(slices.addresses, workloads.map(({ ips }) => ips[0] ?? '').sort());
    assert.ok(slices.sizes.every((size) => size > 0 && size <= SLICE_ENDPOINTS_MAX));
    assert.equal(slices.apply(service(), workloads).writes, 0, 'a second look writes nothing');
  }
});

test('new labels of the Service and a new Service of the same name reach the slices', () => {
  const slices = new Slices();
  const workloads = [vm('a', '192.0.2.1')];
  slices.apply(service(), workloads);
  const relabelled = { ...service(), labels: { team: 'b' } };
  assert.deepEqual(slices.apply(relabelled, workloads), { writes: 1 });
  assert.deepEqual(slices.apply({ ...relabelled, uid: 'u2' }, workloads), { writes: 1 });
});

const WORKLOAD = (ip: string, app = 'web') => ({
  metadata: { labels: { app } },
  spec: { workloadIPs: [{ ip }], ports: [{ name: 'web', port: 8080 }] },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
});
const SERVICE = { spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }] } };

async function lead(cluster: FakeCluster, identity = 'pod-1') {
  const clock = new FakeClock();
  const log = new FakeLog();
  const metrics = createControlMetrics(() => clock.nowMs());
  const controller = new WorkloadSlices(
    { kube: cluster.kube, clock, log: log.log, metrics, health: new WatchHealth(metrics, clock) },
    { controlPlaneNamespace: 'linkerd', identity },
  );
  controller.start();
  const slices = async () => {
    const { items } = await cluster.kube.list<EndpointSlice & KubeObject>(GVRS.EndpointSlice, { namespace: 'shop' });
    return items
      .map(
        ({ metadata, endpoints }) =>
          `${metadata.name?.replace(/-[^-]*$/, '')}: ${endpoints.map((e) => e.addresses[0])}`,
      )
      .sort();
  };
  const holds = async (...want: string[]) => {
    let seen: string[] = [];
    for (let i = 0; i < 200; i += 1) {
      seen = await slices();
      if (seen.join() === want.join()) return;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    assert.deepEqual(seen, want);
  };
  return { controller, clock, log, metrics, holds };
}

test('the holder of the lease keeps the slices of a Service, and leaves those of others alone', async () => {
  const cluster = new FakeCluster()
    .put('Service', 'shop/web', SERVICE)
    .put('ExternalWorkload', 'shop/vm-1', WORKLOAD('192.0.2.1'))
    .slice('shop/web', [{ ip: '10.42.0.1' }], { suffix: 'pods-1' });
  const { controller, holds, metrics } = await lead(cluster);
  const foreign = 'web-pods: 10.42.0.1';
  await holds('linkerd-external-web: 192.0.2.1', foreign);
  cluster.put('ExternalWorkload', 'shop/vm-2', WORKLOAD('192.0.2.2'));
  await holds('linkerd-external-web: 192.0.2.1,192.0.2.2', foreign);
  cluster.put('ExternalWorkload', 'shop/vm-1', WORKLOAD('192.0.2.1', 'other'));
  await holds('linkerd-external-web: 192.0.2.2', foreign);
  const { items } = await cluster.kube.list(GVRS.EndpointSlice, {
    labelSelector: 'endpointslice.kubernetes.io/managed-by',
  });
  await cluster.remove('EndpointSlice', `shop/${items[0]?.metadata.name}`);
  await holds('linkerd-external-web: 192.0.2.2', foreign);
  await cluster.remove('Service', 'shop/web');
  await holds(foreign);
  assert.match(metrics.render(), /endpoints_controller_workqueue_depth 0/);
  await controller.stop();
});

test('a write that fails is tried again, later each time', async () => {
  const cluster = new FakeCluster().put('Service', 'shop/web', SERVICE);
  let failures = 2;
  cluster.kube.refuse = (verb, { resource }) =>
    resource === 'endpointslices' && verb === 'create' && failures-- > 0
      ? ApiError.of(500, 'InternalError', 'no')
      : undefined;
  const { controller, clock, holds, metrics } = await lead(cluster);
  cluster.put('ExternalWorkload', 'shop/vm', WORKLOAD('192.0.2.1'));
  const retried = (count: number) =>
    until(() => metrics.render().includes(`endpoints_controller_workqueue_retries_total ${count}`));
  await retried(1);
  clock.advance(50);
  await retried(2);
  clock.advance(99);
  await holds();
  clock.advance(1);
  await holds('linkerd-external-web: 192.0.2.1');
  await controller.stop();
});

test('one replica writes; another takes over when it stops', async () => {
  const cluster = new FakeCluster().put('Service', 'shop/web', SERVICE);
  const [one, two] = [await lead(cluster, 'pod-1'), await lead(cluster, 'pod-2')];
  await until(() => [one, two].some(({ log }) => log.lines.some((line) => /writing EndpointSlices/.test(line))));
  const lease = await cluster.kube.get<KubeObject & { spec?: { holderIdentity?: string } }>(
    { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' },
    WRITE_LEASE,
    'linkerd',
  );
  assert.equal(lease.spec?.holderIdentity, 'pod-1');
  await one.controller.stop();
  cluster.put('ExternalWorkload', 'shop/vm', WORKLOAD('192.0.2.1'));
  for (let i = 0; i < 3; i += 1) {
    two.clock.advance(2_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await two.holds('linkerd-external-web: 192.0.2.1');
  await two.controller.stop();
});

test('a key that goes on failing is given up after 15 retries', async () => {
  const clock = new FakeClock();
  const dropped: string[] = [];
  let tries = 0;
  const queue = new WorkQueue(
    clock,
    async () => {
      tries += 1;
      throw new Error('no');
    },
    {
      depth() {},
      added() {},
      retried() {},
      worked() {},
      dropped: (key, error) => dropped.push(`${key}: ${error.message}`),
    },
  );
  queue.add('a');
  for (let i = 0; i < 20; i += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(30_000);
  }
  assert.equal(tries, 16);
  assert.deepEqual(dropped, ['a: no']);
  await queue.stop();
});
