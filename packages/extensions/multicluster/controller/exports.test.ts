import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnyObject, ENDPOINT_SLICES, type EndpointSlice, NAMESPACES, SECRETS, SERVICES } from '#api/kube';
import { ApiError, FakeKubeClient } from '#kube/client';
import { FakeClock } from '#runtime/clock';
import { FakeLog } from '#runtime/log';
import { LINKS, type Link } from '../link/index.ts';
import { SERVICE_EXPORTS, SERVICE_IMPORTS, type ServiceExport, type ServiceImport } from '../mcs/index.ts';
import { LinkController, LocalController } from './index.ts';

const MC = 'linkerd-multicluster';
const web = (ip: string, ports = [{ name: 'http', port: 80 }]): AnyObject => ({
  metadata: { name: 'web', namespace: 'shop' },
  spec: { clusterIP: ip, ports },
});
const exportOf = (created: string): ServiceExport => ({
  metadata: { name: 'web', namespace: 'shop', uid: created, creationTimestamp: created },
});
const slice = (ip: string): EndpointSlice => ({
  metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  endpoints: [{ addresses: [ip], conditions: { ready: true } }],
  ports: [{ name: 'http', port: 8080 }],
});
const REF = { name: 'web', namespace: 'shop' };

/** West, with a link to east and both controllers running. */
function setUp() {
  const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'));
  const { log } = new FakeLog();
  const east = new FakeKubeClient().seed(SERVICES, web('10.2.0.1'));
  const link: Link = {
    metadata: { name: 'east', namespace: MC },
    spec: { targetClusterName: 'east', federatedServiceSelector: { matchLabels: { federated: 'member' } } },
  };
  const secret = { metadata: { name: 'cluster-credentials-east', namespace: MC }, data: { kubeconfig: btoa('east') } };
  const west = new FakeKubeClient()
    .seed(NAMESPACES, { metadata: { name: 'shop' } })
    .seed(LINKS, link)
    .seed(SECRETS, secret);
  const start = () => {
    const remote = new LinkController(
      {
        client: west,
        clock,
        log,
        connect: () => east,
        random: () => 0,
        lookup: () => Promise.resolve([]),
        probe: () => Promise.resolve(),
      },
      {
        link: 'east',
        namespace: MC,
        enableNamespaceCreation: false,
        enableHeadlessServices: false,
        endpointRefreshMs: 60_000,
        probeService: undefined,
        requeueLimit: 3,
        controlNamespace: 'linkerd',
        renewTokenAt: 0.7,
      },
    );
    const local = new LocalController(
      { client: west, clock, log },
      {
        namespace: MC,
        federatedServiceSelector: { matchLabels: { federated: 'member' } },
        excludedLabels: [],
        excludedAnnotations: [],
        clusterName: 'west',
      },
    );
    return () => {
      remote.stop();
      local.stop();
    };
  };
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 8; round += 1) {
      for (let turn = 0; turn < 80; turn += 1) await Promise.resolve();
      clock.advance(25);
    }
    for (let turn = 0; turn < 80; turn += 1) await Promise.resolve();
  };
  const imported = () => west.all<ServiceImport>(SERVICE_IMPORTS)[0];
  const federated = () => west.all<AnyObject>(SERVICES).find(({ metadata }) => metadata.name === 'web-federated');
  const ourSlices = () =>
    west
      .all<EndpointSlice>(ENDPOINT_SLICES)
      .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'web-federated');
  return { east, west, start, settle, imported, federated, ourSlices };
}

test('a service exported elsewhere has an import and its pods here, and both go with the export', async () => {
  const { east, west, start, settle, imported, federated, ourSlices } = setUp();
  east.seed(ENDPOINT_SLICES, slice('10.2.1.1')).seed(SERVICE_EXPORTS, exportOf('2026-01-01T00:00:01Z'));
  const stop = start();
  await settle();
  assert.equal(imported()?.spec?.type, 'ClusterSetIP');
  assert.deepEqual(imported()?.status?.clusters, [{ cluster: 'east' }]);
  assert.deepEqual(
    ourSlices().map(({ metadata, endpoints }) => [metadata.name, endpoints[0]?.addresses]),
    [['web-1.east', ['10.2.1.1']]],
  );
  const writes = west.actions.length;
  await settle();
  assert.equal(west.actions.length, writes, 'nothing is written while nothing changes');
  await east.patch(ENDPOINT_SLICES, { name: 'web-1', namespace: 'shop' }, { type: 'merge', body: { endpoints: [] } });
  await settle();
  assert.deepEqual(ourSlices()[0]?.endpoints, []);
  await east.delete(SERVICE_EXPORTS, REF);
  await settle();
  assert.deepEqual([imported(), federated(), ourSlices()], [undefined, undefined, []]);
  stop();
});

test('the own export is joined with those of others, and says what it conflicts with', async () => {
  const { east, west, start, settle, imported, ourSlices } = setUp();
  east.seed(ENDPOINT_SLICES, slice('10.2.1.1')).seed(SERVICE_EXPORTS, exportOf('2026-01-01T00:00:01Z'));
  west
    .seed(SERVICES, web('10.1.0.1', [{ name: 'http', port: 81 }]))
    .seed(ENDPOINT_SLICES, slice('10.1.1.1'))
    .seed(SERVICE_EXPORTS, exportOf('2026-01-01T00:00:02Z'));
  const stop = start();
  await settle();
  assert.deepEqual(imported()?.spec?.ports, [{ name: 'http', port: 80 }]);
  assert.deepEqual(imported()?.status?.clusters, [{ cluster: 'east' }, { cluster: 'west' }]);
  // Clients dial the port of the oldest export, which the other does not have.
  assert.deepEqual(
    ourSlices().map(({ metadata }) => metadata.name),
    ['web-1.east'],
  );
  const conditions = () => west.all<ServiceExport>(SERVICE_EXPORTS)[0]?.status?.conditions ?? [];
  assert.deepEqual(
    conditions().map(({ type, status, reason }) => [type, status, reason]),
    [
      ['Valid', 'True', 'Valid'],
      ['Ready', 'True', 'Ready'],
      ['Conflict', 'True', 'PortConflict'],
    ],
  );
  await east.delete(SERVICE_EXPORTS, REF);
  await settle();
  assert.deepEqual(imported()?.status?.clusters, [{ cluster: 'west' }]);
  assert.deepEqual(
    ourSlices().map(({ metadata }) => metadata.name),
    ['web-1.west'],
  );
  assert.equal(conditions().find(({ type }) => type === 'Conflict')?.status, 'False');
  await west.delete(SERVICES, REF);
  await settle();
  assert.equal(conditions()[0]?.reason, 'NoService');
  assert.equal(imported(), undefined);
  stop();
});

test('a cluster that does not have the kinds, or shows them to nobody, works as before', async () => {
  const { east, west, start, settle, federated } = setUp();
  const refuse = (code: 403 | 404) => (_verb: string, gvr: { group: string }) =>
    gvr.group === 'multicluster.x-k8s.io' ? ApiError.of(code, 'NotFound', 'no such kind') : undefined;
  east.refuse = refuse(404);
  west.refuse = refuse(403);
  west.seed(SERVICES, { ...web('10.1.0.1'), metadata: { ...REF, labels: { federated: 'member' } } });
  const stop = start();
  await settle();
  assert.equal(federated()?.metadata.annotations?.['multicluster.linkerd.io/local-discovery'], 'web');
  stop();
});

test('when the Link goes, what it exported here goes, too', async () => {
  const { east, west, start, settle, imported, ourSlices } = setUp();
  east.seed(ENDPOINT_SLICES, slice('10.2.1.1')).seed(SERVICE_EXPORTS, exportOf('2026-01-01T00:00:01Z'));
  const stop = start();
  await settle();
  assert.equal(ourSlices().length, 1);
  await west.delete(LINKS, { name: 'east', namespace: MC });
  await settle();
  assert.deepEqual([imported(), ourSlices()], [undefined, []]);
  stop();
});

test('pods of a headless member have names here, its own cluster’s too, until a member that leads has an address', async () => {
  const { east, west, start, settle, federated, ourSlices } = setUp();
  const metadata = {
    ...REF,
    labels: { federated: 'member' },
    annotations: { 'multicluster.weft.dev/pod-names': 'enabled' },
  };
  const headless = { metadata, spec: { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] } };
  const named = (ip: string): EndpointSlice => ({
    ...slice(ip),
    endpoints: [{ addresses: [ip], hostname: 'web-0', conditions: { ready: true } }],
  });
  east.seed(SERVICES, headless).seed(ENDPOINT_SLICES, named('10.2.1.1'));
  west.seed(SERVICES, headless).seed(ENDPOINT_SLICES, named('10.1.1.1'));
  const stop = start();
  await settle();
  const addressOf = () => (federated() as { spec?: { clusterIP?: string } } | undefined)?.spec?.clusterIP;
  assert.equal(addressOf(), 'None');
  const names = () => ourSlices().flatMap(({ endpoints }) => endpoints.map(({ hostname }) => hostname));
  assert.deepEqual(names().sort(), ['web-0-east', 'web-0-west']);
  const writes = west.actions.length;
  await settle();
  assert.equal(west.actions.length, writes, 'nothing is written while nothing changes');
  await west.delete(SERVICES, REF);
  west.seed(SERVICES, { ...web('10.1.0.1'), metadata: { ...REF, labels: { federated: 'member' } } });
  await settle();
  await settle();
  assert.notEqual(addressOf(), 'None');
  assert.deepEqual(ourSlices(), []);
  stop();
});
