import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice } from '#api/kube';
import type { ObservedService } from '../mirror/service.ts';
import { remote, service } from '../mirror/world.fake.ts';
import { orphanSlices, reconcileSlices, type SliceChange, servicesWithPodNames } from './index.ts';

const EXPORTED = { 'export.multicluster.weft.dev/east': '{}' };
const federated = (more: Partial<ObservedService> = {}) =>
  service('web-federated', {}, { ports: [{ name: 'http', port: 80 }], annotations: EXPORTED, ...more });
const web = (more: Partial<ObservedService> = {}) =>
  service('web', {}, { ports: [{ name: 'http', port: 80 }], ...more });
const slice = (more: Partial<EndpointSlice> = {}, name = 'web-1'): EndpointSlice => ({
  metadata: { name, namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' }, resourceVersion: '3' },
  addressType: 'IPv4',
  endpoints: [
    { addresses: ['10.1.0.1'], conditions: { ready: true }, nodeName: 'n', targetRef: { kind: 'Pod', name: 'p' } },
  ],
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  ...more,
});
const run = (
  slices: EndpointSlice[],
  existing: EndpointSlice[] = [],
  member = web(),
  seen = federated(),
): SliceChange[] =>
  reconcileSlices({
    cluster: 'east',
    clusterName: 'east',
    members: remote(member),
    slices,
    services: remote(seen),
    existing,
    unnamed: (service, hostname) => unnamed.push(`${service} ${hostname}`),
  });
/** Told of names that are too long. */
const unnamed: string[] = [];
const made = (changes: SliceChange[]): EndpointSlice => {
  assert.equal(changes.length, 1);
  const [change] = changes;
  assert.ok(change && change.do !== 'delete');
  return change.slice;
};

test('the pods of an exported service are in a slice of the federated one, with the labels of the API', () => {
  const copy = made(run([slice()]));
  assert.deepEqual(copy.metadata, {
    name: 'web-1.east',
    namespace: 'shop',
    labels: {
      'kubernetes.io/service-name': 'web-federated',
      'multicluster.kubernetes.io/service-name': 'web',
      'multicluster.kubernetes.io/source-cluster': 'east',
      'endpointslice.kubernetes.io/managed-by': 'service-mirror.weft.dev',
    },
  });
  assert.deepEqual(copy.endpoints, [{ addresses: ['10.1.0.1'], conditions: { ready: true } }]);
  assert.deepEqual(run([slice()], [copy]), []);
});

test('what changes over there changes here, and what goes there goes here', () => {
  const copy = made(run([slice()]));
  const standing = { ...copy, metadata: { ...copy.metadata, resourceVersion: '9' } };
  const [update] = run([slice({ endpoints: [{ addresses: ['10.1.0.2'] }] })], [standing]);
  assert.equal(update?.do, 'update');
  const gone = [{ do: 'delete', name: 'web-1.east', namespace: 'shop', resourceVersion: '9' }];
  assert.deepEqual(run([], [standing]), gone);
  assert.deepEqual(run([slice()], [standing], web(), federated({ annotations: {} })), gone);
});

test('ports have the names that clients see; a port whose place another has is left out', () => {
  const ports = [
    { name: 'a', port: 80 },
    { name: 'b', port: 81 },
  ];
  const member = web({ ports });
  const both = slice({
    ports: [
      { name: 'a', port: 1 },
      { name: 'b', port: 2 },
    ],
  });
  const seen = federated({
    ports: [
      { name: 'http', port: 80 },
      { name: 'b', port: 82 },
    ],
  });
  assert.deepEqual(made(run([both], [], member, seen)).ports, [{ name: 'http', port: 1 }]);
  assert.deepEqual(run([slice({ ports: [{ name: 'b', port: 2 }] })], [], member, seen), []);
});

test('a headless service keeps its host names and says that it is headless', () => {
  const endpoints = [{ addresses: ['10.1.0.1'], hostname: 'web-0' }];
  const copy = made(run([slice({ endpoints })], [], web({ headless: true }), federated({ headless: true })));
  assert.equal(copy.metadata.labels?.['service.kubernetes.io/headless'], '');
  assert.equal(copy.endpoints[0]?.hostname, 'web-0');
});

test('one service takes no more than its number of slices', () => {
  const many = Array.from({ length: 150 }, (_, at) => slice({}, `web-${at}`));
  assert.equal(run(many).length, 100);
});

test('slices of clusters without a Link go', () => {
  const copy = made(run([slice()]));
  assert.equal(orphanSlices([copy], new Set(['east'])).length, 0);
  assert.equal(orphanSlices([copy], new Set(['north'])).length, 1);
});

const NAMED = { 'multicluster.weft.dev/pod-names': 'enabled' };
const HOSTS = [
  { addresses: ['10.1.0.1'], hostname: 'web-0', targetRef: { kind: 'Pod', name: 'web-0' } },
  { addresses: ['10.1.0.2'], hostname: 'web-1', conditions: { ready: false } },
];
const headless = { headless: true, annotations: NAMED };
const placed = (members: Record<string, string>, more: Partial<ObservedService> = {}) =>
  service(
    'web-federated',
    { 'mirror.linkerd.io/mirrored-service': 'true' },
    { ports: [{ name: 'http', port: 80 }], headless: true, annotations: members, ...more },
  );
const ofEast = { 'multicluster.linkerd.io/remote-discovery': 'web@east' };

test('pods of a member of a headless federated service are called by their hosts and clusters', () => {
  const copy = made(run([slice({ endpoints: HOSTS })], [], web(headless), placed(ofEast)));
  assert.deepEqual(copy.metadata, {
    name: 'web-1.east',
    namespace: 'shop',
    labels: {
      'kubernetes.io/service-name': 'web-federated',
      'multicluster.kubernetes.io/source-cluster': 'east',
      'endpointslice.kubernetes.io/managed-by': 'service-mirror.weft.dev',
      'service.kubernetes.io/headless': '',
    },
  });
  assert.deepEqual(copy.endpoints, [
    { addresses: ['10.1.0.1'], hostname: 'web-0-east' },
    { addresses: ['10.1.0.2'], hostname: 'web-1-east', conditions: { ready: false } },
  ]);
  const before = { ...copy, metadata: { ...copy.metadata, resourceVersion: '9' } };
  assert.deepEqual(run([slice({ endpoints: HOSTS })], [before], web(headless), placed(ofEast)), []);
  const left = run([slice({ endpoints: HOSTS })], [before], web(headless), placed({}));
  assert.deepEqual(
    left.map((change) => change.do),
    ['delete'],
  );
});

test('a member that has an address is in the headless federated service, too, and an exported one by its own rules', () => {
  const copy = made(run([slice()], [], web(), placed(ofEast)));
  assert.equal(copy.endpoints[0]?.hostname, undefined);
  const exported = made(run([slice({ endpoints: HOSTS })], [], web(headless), placed({ ...ofEast, ...EXPORTED })));
  assert.equal(exported.endpoints[0]?.hostname, 'web-0');
  assert.equal(exported.metadata.labels?.['multicluster.kubernetes.io/service-name'], 'web');
  assert.deepEqual(run([slice()], [], web(), placed(ofEast, { headless: false })), []);
});

test('a headless flat mirror has the pods by their own names, beside the federated service', () => {
  const mirror = service(
    'web-east',
    {
      'mirror.linkerd.io/mirrored-service': 'true',
      'mirror.linkerd.io/cluster-name': 'east',
      'multicluster.linkerd.io/remote-discovery': 'east',
      'multicluster.linkerd.io/remote-service': 'web',
    },
    { ports: [{ name: 'http', port: 80 }], headless: true },
  );
  const scene = {
    cluster: 'east',
    clusterName: 'east',
    members: remote(web(headless)),
    existing: [],
    unnamed: assert.fail,
  };
  const slices = [slice({ endpoints: HOSTS })];
  const changes = reconcileSlices({ ...scene, slices, services: remote(mirror, placed(ofEast)) });
  assert.deepEqual(
    changes.map(
      (change) => change.do !== 'delete' && [change.slice.metadata.name, change.slice.endpoints[0]?.hostname],
    ),
    [
      ['web-1.east', 'web-0-east'],
      ['web-1.east.mirror', 'web-0'],
    ],
  );
  assert.deepEqual(servicesWithPodNames([mirror, placed(ofEast), web()], 'east'), [{ name: 'web' }, { name: 'web' }]);
  assert.deepEqual(servicesWithPodNames([mirror, placed(ofEast)], 'north'), []);
  const local = { 'multicluster.linkerd.io/local-discovery': 'web' };
  assert.deepEqual(servicesWithPodNames([placed(local)], ''), [{ name: 'web' }]);
});

test('a name that would be longer than names may be is left out', () => {
  const endpoints = [
    { addresses: ['10.1.0.1'], hostname: 'w'.repeat(59) },
    { addresses: ['10.1.0.2'], hostname: 'w'.repeat(58) },
  ];
  const copy = made(run([slice({ endpoints })], [], web(headless), placed(ofEast)));
  assert.deepEqual(
    copy.endpoints.map(({ hostname }) => hostname?.length),
    [undefined, 63],
  );
  assert.deepEqual(unnamed, [`shop/web-federated ${'w'.repeat(59)}-east`]);
});
