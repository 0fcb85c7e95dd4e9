import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import fc from 'fast-check';
import { ENDPOINT_SLICES, ENDPOINTS, NODES, PODS, SERVICES } from '#api/kube';
import type { EndpointSlice, Endpoints, Pod, SliceEndpoint } from '../../kinds/index.ts';
import type { Controller } from '../../reconcile/index.ts';
import { endpointsController } from '../endpoints/index.ts';
import { FakeLab } from '../lab.fake.ts';
import { arrange } from './arrange.ts';
import { endpointSliceController, mirroringController } from './index.ts';

const controllers = [
  endpointsController,
  endpointSliceController,
  mirroringController,
] as unknown as Controller<never>[];
let lab = new FakeLab({ controllers });
const start = async () => {
  lab = await new FakeLab({ controllers }).start();
};
afterEach(() => {
  lab.stop();
  assert.deepEqual(lab.failures, []);
});

const service = (spec: object = {}, metadata: object = {}) => ({
  metadata: { name: 'web', ...metadata },
  spec: {
    selector: { app: 'web' },
    ports: [{ name: 'http', port: 80, targetPort: 8080 }],
    ipFamilies: ['IPv4'],
    ...spec,
  },
});
async function pod(name: string, ready = true, spec: object = {}): Promise<Pod> {
  const containers = [{ name: 'main', ports: [{ name: 'web', containerPort: 8080 }] }];
  const created = await lab.create<Pod>(PODS, {
    metadata: { name, labels: { app: 'web' } },
    spec: { containers, ...spec },
  });
  await lab.setReady(created, ready);
  return created;
}
const slices = () => lab.list<EndpointSlice>(ENDPOINT_SLICES);
const addresses = async () =>
  (await slices()).flatMap((slice) => slice.endpoints.flatMap((endpoint) => endpoint.addresses));
const endpoints = (name = 'web') => lab.get<Endpoints>(ENDPOINTS, name);

test('a ready pod is an address in Endpoints and a ready, serving endpoint in a slice with its zone', async () => {
  await start();
  await lab.create(NODES, { metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/zone': 'west-a' } } });
  await lab.create(SERVICES, service({}, { labels: { team: 'x' } }));
  const { metadata } = await pod('a');
  await lab.settle();
  const target = { kind: 'Pod', namespace: 'default', name: 'a', uid: metadata.uid };
  const { subsets, metadata: about } = await endpoints();
  assert.deepEqual(subsets, [
    {
      addresses: [{ ip: '10.42.0.1', nodeName: 'node-1', targetRef: target }],
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    },
  ]);
  assert.equal(about.labels?.['team'], 'x');
  assert.match(
    about.annotations?.['endpoints.kubernetes.io/last-change-trigger-time'] ?? '',
    /^2026-01-01T00:00:\d\d\.\d{6}Z$/,
  );
  const [slice] = await slices();
  assert.match(slice?.metadata.name ?? '', /^web-[b-z2-9]{5}$/);
  assert.deepEqual(slice?.metadata.labels, {
    team: 'x',
    'kubernetes.io/service-name': 'web',
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
  });
  assert.equal(slice?.metadata.ownerReferences?.[0]?.kind, 'Service');
  assert.deepEqual(slice?.ports, [{ name: 'http', port: 8080, protocol: 'TCP' }]);
  assert.deepEqual(slice?.endpoints, [
    {
      addresses: ['10.42.0.1'],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: 'node-1',
      zone: 'west-a',
      targetRef: target,
    },
  ]);
});

test('an unready pod is listed as such; published anyway if the Service says so', async () => {
  await start();
  await lab.create(SERVICES, service());
  await pod('a', false);
  await lab.settle();
  assert.equal((await endpoints()).subsets?.[0]?.notReadyAddresses?.length, 1);
  assert.deepEqual((await slices())[0]?.endpoints[0]?.conditions, { ready: false, serving: false, terminating: false });
  await lab.patch(SERVICES, 'web', { spec: { publishNotReadyAddresses: true } });
  await lab.settle();
  assert.equal((await endpoints()).subsets?.[0]?.addresses?.length, 1);
  assert.deepEqual((await slices())[0]?.endpoints[0]?.conditions, { ready: true, serving: false, terminating: false });
});

test('a pod that shuts down keeps serving in its slice but leaves Endpoints; a finished one leaves both', async () => {
  await start();
  await lab.create(SERVICES, service());
  await pod('a');
  await lab.settle();
  await lab.delete(PODS, 'a');
  await lab.settle();
  assert.deepEqual((await endpoints()).subsets, []);
  assert.deepEqual((await slices())[0]?.endpoints[0]?.conditions, { ready: false, serving: true, terminating: true });
  await lab.patch(PODS, 'a', { status: { phase: 'Succeeded' } }, 'status');
  await lab.settle();
  assert.deepEqual(await addresses(), []);
  assert.equal((await slices()).length, 1, 'an empty slice stays as a sign that the Service was seen');
});

test('named target ports are looked up in each pod, sidecars included', async () => {
  await start();
  await lab.create(SERVICES, service({ ports: [{ name: 'http', port: 80, targetPort: 'web' }] }));
  await pod('a');
  const sidecar = { name: 'proxy', restartPolicy: 'Always', ports: [{ name: 'web', containerPort: 9090 }] };
  await pod('b', true, { containers: [{ name: 'main' }], initContainers: [sidecar] });
  await lab.settle();
  const ports = (await slices()).map((slice) => [slice.ports?.[0]?.port, slice.endpoints[0]?.targetRef?.name]);
  assert.deepEqual(ports.sort(), [
    [8080, 'a'],
    [9090, 'b'],
  ]);
  assert.deepEqual((await endpoints()).subsets?.map((subset) => subset.ports?.[0]?.port).sort(), [8080, 9090]);
});

test('hostnames count only under the subdomain named like the Service; headless ones are marked', async () => {
  await start();
  await lab.create(SERVICES, service({ clusterIP: 'None', ports: undefined }));
  await pod('a', true, { hostname: 'a', subdomain: 'web' });
  await pod('b', true, { hostname: 'b', subdomain: 'other' });
  await lab.settle();
  assert.deepEqual(
    (await slices())[0]?.endpoints.map((endpoint) => endpoint.hostname),
    ['a', undefined],
  );
  assert.equal((await slices())[0]?.metadata.labels?.['service.kubernetes.io/headless'], '');
  assert.equal((await endpoints()).subsets?.[0]?.addresses?.length, 2, 'without ports too');
});

test('a zone that a node gets later reaches the endpoints, and hints follow trafficDistribution', async () => {
  await start();
  await lab.create(NODES, { metadata: { name: 'node-1' } });
  await lab.create(SERVICES, service({ trafficDistribution: 'PreferClose' }));
  await pod('a');
  await lab.settle();
  assert.equal((await slices())[0]?.endpoints[0]?.zone, undefined);
  await lab.patch(NODES, 'node-1', { metadata: { labels: { 'topology.kubernetes.io/zone': 'b' } } });
  await lab.settle();
  assert.equal((await slices())[0]?.endpoints[0]?.zone, 'b');
  assert.deepEqual((await slices())[0]?.endpoints[0]?.hints, { forZones: [{ name: 'b' }] });
  await lab.patch(SERVICES, 'web', { spec: { trafficDistribution: 'PreferSameNode' } });
  await lab.settle();
  assert.deepEqual((await slices())[0]?.endpoints[0]?.hints?.forNodes, [{ name: 'node-1' }]);
});

test('topology mode Auto hints by the share of CPUs, from crowded zones to short ones, and drops hints when it cannot', async () => {
  await start();
  const status = { allocatable: { cpu: '4' }, conditions: [{ type: 'Ready', status: 'True' }] };
  for (const zone of ['a', 'b'])
    await lab.create(NODES, {
      metadata: { name: `node-${zone}`, labels: { 'topology.kubernetes.io/zone': zone } },
      status,
    });
  await lab.create(SERVICES, service({}, { annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } }));
  for (const [at, zone] of ['a', 'a', 'a', 'a', 'b', 'b'].entries())
    await pod(`p${at}`, true, { nodeName: `node-${zone}` });
  await lab.settle();
  const hints = async () => {
    const endpoints = (await slices()).flatMap((slice) => slice.endpoints);
    return endpoints
      .map((each) => `${each.zone}>${each.hints?.forZones?.[0]?.name ?? ''}`)
      .sort()
      .join(' ');
  };
  assert.equal(await hints(), 'a>a a>a a>a a>b b>b b>b');
  await lab.patch(NODES, 'node-b', { status: { conditions: [{ type: 'Ready', status: 'False' }] } }, 'status');
  await lab.settle();
  assert.equal(await hints(), 'a> a> a> a> b> b>');
});

test('a deleted Service takes its Endpoints along', async () => {
  await start();
  await lab.create(SERVICES, service());
  await lab.settle();
  await lab.delete(SERVICES, 'web');
  await lab.settle();
  assert.equal(await lab.has(ENDPOINTS, 'web'), false);
});

test('Endpoints of a Service without selector are mirrored, follow changes and go when they do', async () => {
  await start();
  await lab.create(SERVICES, service({ selector: undefined }));
  const subsets = [
    {
      addresses: [{ ip: '192.168.9.1' }],
      notReadyAddresses: [{ ip: '192.168.9.2' }],
      ports: [{ name: 'mc', port: 4143, protocol: 'TCP' }],
    },
  ];
  await lab.create(ENDPOINTS, {
    metadata: { name: 'web', labels: { mirror: 'yes' }, annotations: { remote: 'east' } },
    subsets,
  });
  await lab.settle();
  const [slice] = await slices();
  assert.deepEqual(slice?.metadata.labels, {
    mirror: 'yes',
    'kubernetes.io/service-name': 'web',
    'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
  });
  assert.equal(slice?.metadata.annotations?.['remote'], 'east');
  assert.deepEqual(slice?.ports, [{ name: 'mc', port: 4143, protocol: 'TCP' }]);
  assert.deepEqual(slice?.endpoints, [
    { addresses: ['192.168.9.1'], conditions: { ready: true } },
    { addresses: ['192.168.9.2'], conditions: { ready: false } },
  ]);
  await lab.patch(ENDPOINTS, 'web', { subsets: [] });
  await lab.settle();
  assert.deepEqual(await slices(), []);
});

test('mirrors carry hostnames, nodes and targets, and go with their Endpoints', async () => {
  await start();
  await lab.create(SERVICES, service({ selector: undefined }));
  const targetRef = { kind: 'Pod', namespace: 'default', name: 'db-0', uid: 'u' };
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', kept: 'yes' };
  await lab.create(ENDPOINTS, {
    metadata: { name: 'web', annotations },
    subsets: [
      { addresses: [{ ip: '192.168.9.1', hostname: 'db-0', nodeName: 'n1', targetRef }], ports: [{ port: 1 }] },
    ],
  });
  await lab.settle();
  const [slice] = await slices();
  assert.deepEqual(slice?.endpoints, [
    { addresses: ['192.168.9.1'], conditions: { ready: true }, hostname: 'db-0', nodeName: 'n1', targetRef },
  ]);
  assert.equal(slice?.metadata.annotations?.['kept'], 'yes');
  assert.equal('kubectl.kubernetes.io/last-applied-configuration' in (slice?.metadata.annotations ?? {}), false);
  await lab.delete(ENDPOINTS, 'web');
  await lab.settle();
  assert.deepEqual(await slices(), []);
});

test('of a subset a thousand addresses are mirrored, the ready ones first', async () => {
  await start();
  await lab.create(SERVICES, service({ selector: undefined }));
  const ips = (count: number, byte: number) =>
    Array.from({ length: count }, (_, at) => ({ ip: `10.${byte}.${Math.floor(at / 250)}.${at % 250}` }));
  const subset = { addresses: ips(900, 1), notReadyAddresses: ips(300, 2), ports: [{ name: 'a', port: 1 }] };
  await lab.create(ENDPOINTS, {
    metadata: { name: 'web' },
    subsets: [subset, { addresses: ips(5, 3), ports: [{ name: 'b', port: 2 }] }],
  });
  await lab.settle();
  const sizes = (await slices()).map(({ endpoints, ports }) => {
    const ready = endpoints.filter(({ conditions }) => conditions?.ready).length;
    return [ports?.[0]?.name, endpoints.length, ready];
  });
  assert.deepEqual(sizes.sort(), [
    ['a', 1000, 900],
    ['b', 5, 5],
  ]);
});

test('neither labelled Endpoints nor those of a Service with selector are mirrored', async () => {
  await start();
  await lab.create(SERVICES, service({ selector: undefined }));
  const subsets = [{ addresses: [{ ip: '192.168.9.1' }], ports: [{ port: 1 }] }];
  const labels = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
  await lab.create(ENDPOINTS, { metadata: { name: 'web', labels }, subsets });
  await lab.settle();
  assert.deepEqual(await slices(), []);
});

test('at rest nothing is written', async () => {
  await start();
  await lab.create(SERVICES, service());
  await pod('a');
  await lab.settle();
  const before = lab.cluster.writes.length;
  await lab.patch(PODS, 'a', { metadata: { annotations: { touched: 'yes' } } });
  await lab.settle();
  assert.deepEqual(lab.cluster.writes.slice(before), ['update pods default/a']);
});

const endpoint = (index: number): SliceEndpoint => ({
  addresses: [`10.0.0.${index}`],
  targetRef: { uid: `u${index}` },
});
const asSlices = (
  kept: readonly { slice: EndpointSlice | undefined; endpoints: SliceEndpoint[]; ports: object[] }[],
): EndpointSlice[] =>
  kept.map(({ slice, endpoints: list, ports }, at) => ({
    metadata: { name: slice?.metadata.name ?? `new-${at}` },
    addressType: 'IPv4',
    endpoints: list,
    ports,
  }));

test('whatever came before, slices hold each wanted endpoint once and never too many', () => {
  const someEndpoints = fc.uniqueArray(fc.nat(60), { maxLength: 60 });
  fc.assert(
    fc.property(someEndpoints, someEndpoints, fc.integer({ min: 1, max: 7 }), (before, after, sizeMax) => {
      const group = (indices: number[]) => [{ ports: [{ port: 1 }], endpoints: indices.map(endpoint) }];
      const first = asSlices(arrange([], group(before), sizeMax).kept);
      const { kept, removed } = arrange(first, group(after), sizeMax);
      const found = kept.flatMap((each) => each.endpoints.map((one) => one.addresses[0] ?? ''));
      assert.deepEqual(found.sort(), after.map((index) => `10.0.0.${index}`).sort());
      assert.ok(kept.every((each) => each.endpoints.length <= sizeMax));
      const used = kept.flatMap((each) => (each.slice ? [each.slice] : []));
      assert.equal(used.length + removed.length, first.length, 'each old slice is either kept or removed');
    }),
  );
});

test('an endpoint that stays does not move to another slice', () => {
  const group = (indices: number[]) => [{ ports: [{ port: 1 }], endpoints: indices.map(endpoint) }];
  const first = asSlices(arrange([], group([1, 2, 3, 4]), 2).kept);
  const { kept } = arrange(first, group([2, 3, 4, 5]), 2);
  assert.deepEqual(
    kept.map((each) => each.endpoints.map((one) => one.addresses[0])),
    [
      ['10.0.0.2', '10.0.0.5'],
      ['10.0.0.3', '10.0.0.4'],
    ],
  );
});
