import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Link } from '../link/index.ts';
import { reconcileLink, reconcileLocal } from '../mirror/index.ts';
import type { ObservedService } from '../mirror/service.ts';
import { remote, service, times, World } from '../mirror/world.fake.ts';
import {
  exportConditions,
  exportedServices,
  type ImportChange,
  type ObservedExport,
  observeExport,
  reconcileImports,
  type ServiceImport,
} from './index.ts';

const NOW = '2026-01-01T00:00:00Z';
const link = (cluster: string): Link => ({
  metadata: { name: cluster, creationTimestamp: NOW },
  spec: { targetClusterName: cluster, federatedServiceSelector: { matchLabels: { federated: 'member' } } },
});
const LOCAL = {
  federatedServiceSelector: { matchLabels: { federated: 'member' } },
  excludedLabels: [],
  excludedAnnotations: [],
};

/** Exports of `web`, made at the given second. */
const exporting = (second: number, more: Partial<ObservedExport> = {}): Map<string, ObservedExport> => {
  const created = `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`;
  const standard = { namespace: 'shop', name: 'web', uid: `uid-${second}`, created, labels: {}, annotations: {} };
  return new Map([['shop/web', { ...standard, ...more }]]);
};

interface Member {
  service: ObservedService;
  exports?: Map<string, ObservedExport>;
}

/** Lets every cluster's controller, and the local one, have its turn until nobody wants a change. */
function converge(world: World, members: Record<string, Member>, own?: Member): World {
  const links = Object.keys(members).map(link);
  if (own) world.services.set(`shop/${own.service.name}`, own.service);
  for (let round = 0; round < 10; round += 1) {
    let changed = false;
    for (const each of links) {
      const { service: found, exports } = members[each.metadata.name ?? ''] ?? {};
      const seen = found ? remote(found) : new Map<string, ObservedService>();
      const { changes } = reconcileLink(each, seen, world, times(...links), undefined, exports);
      changed ||= changes.length > 0;
      world.play(changes);
    }
    const changes = reconcileLocal(LOCAL, world, new Set(Object.keys(members)), own?.exports);
    changed ||= changes.length > 0;
    world.play(changes);
    if (!changed) return world;
  }
  throw new Error('the controllers never agree');
}

const web = (more: Partial<ObservedService> = {}) => service('web', {}, more);
const resolved = (world: World) => exportedServices(world.services.values()).get('shop/web')?.resolved;
const imports = (world: World, existing: ServiceImport[] = []): ImportChange[] =>
  reconcileImports(
    exportedServices(world.services.values()),
    new Map(existing.map((each) => [`${each.metadata.namespace}/${each.metadata.name}`, each])),
    { clusterName: 'west', nowIso: NOW },
  );
const made = (world: World): ServiceImport => {
  const [change] = imports(world);
  assert.equal(change?.do, 'create');
  return (change as { object: ServiceImport }).object;
};

test('an export makes a member of a service without label, and an import of all who export it', () => {
  const world = converge(
    new World(),
    { east: { service: web(), exports: exporting(1) } },
    { service: web(), exports: exporting(2) },
  );
  assert.equal(world.get('web-federated').annotations['multicluster.linkerd.io/remote-discovery'], 'web@east');
  assert.equal(world.get('web-federated').annotations['multicluster.linkerd.io/local-discovery'], 'web');
  const created = made(world);
  assert.deepEqual(created.spec, {
    type: 'ClusterSetIP',
    ports: [{ name: 'http', port: 8080 }],
    ips: world.get('web-federated').clusterIPs,
    ipFamilies: ['IPv4'],
    sessionAffinity: 'None',
    internalTrafficPolicy: 'Cluster',
  });
  const [status] = imports(world, [created]);
  assert.deepEqual(status?.do === 'status' && status.status.clusters, [{ cluster: 'east' }, { cluster: 'west' }]);
  const said = (status as { status: NonNullable<ServiceImport['status']> }).status;
  const { endpointSliceObjects, ...older } = said;
  assert.equal(endpointSliceObjects, 'Present');
  assert.deepEqual(imports(world, [{ ...created, status: said }]), []);
  assert.deepEqual(imports(world, [{ ...created, status: older }]), [], 'an older definition does not have the field');
});

test('a service that is exported nowhere has no import, whatever label it has', () => {
  const world = converge(new World(), { east: { service: service('web', { federated: 'member' }) } });
  assert.ok(world.get('web-federated'));
  assert.deepEqual(imports(world), []);
});

test('when the last export goes, the federated service and the import go, and nobody else’s import', () => {
  const world = converge(new World(), { east: { service: web(), exports: exporting(1) } });
  const created = made(world);
  converge(world, { east: { service: web() } });
  assert.deepEqual(world.names(), []);
  const theirs = { metadata: { name: 'api', namespace: 'shop', resourceVersion: '1' } };
  const mine = { ...created, metadata: { ...created.metadata, resourceVersion: '7' } };
  assert.deepEqual(imports(world, [mine, theirs]), [
    { do: 'delete', name: 'web', namespace: 'shop', resourceVersion: '7' },
  ]);
});

test('a member by label and by export stays a member when the export goes, and the import goes', () => {
  const member = service('web', { federated: 'member' });
  const world = converge(new World(), { east: { service: member, exports: exporting(1) } });
  assert.equal(resolved(world)?.clusters.length, 1);
  converge(world, { east: { service: member } });
  assert.equal(resolved(world), undefined);
  assert.ok(world.get('web-federated'));
});

test('ports are united, and that they were is said', () => {
  const udp = { name: 'dns', protocol: 'UDP', port: 53 };
  const world = converge(
    new World(),
    { east: { service: web({ ports: [{ name: 'http', port: 8080 }, udp] }), exports: exporting(1) } },
    { service: web(), exports: exporting(2) },
  );
  assert.deepEqual(resolved(world)?.ports, [{ name: 'http', port: 8080 }, udp]);
  assert.deepEqual(world.get('web-federated').ports, [{ name: 'http', port: 8080 }, udp]);
  assert.equal(resolved(world)?.conflict?.reason, 'PortConflict');
});

test('the oldest export has its port where numbers and names clash, whoever leads the federated service', () => {
  const world = converge(
    new World(),
    { east: { service: web({ ports: [{ name: 'http', port: 80 }] }), exports: exporting(1) } },
    { service: web({ ports: [{ name: 'http', port: 81 }] }), exports: exporting(2) },
  );
  assert.deepEqual(world.get('web-federated').ports, [{ name: 'http', port: 80 }]);
  assert.deepEqual(resolved(world)?.ports, [{ name: 'http', port: 80 }]);
});

test('the oldest export decides on type and traffic, and every difference has its reason', () => {
  const affinity = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } } };
  const local = { internalTrafficPolicy: 'Local', trafficDistribution: 'PreferClose' };
  const world = converge(
    new World(),
    {
      east: {
        service: web({ traffic: { ...affinity, ...local } }),
        exports: exporting(1, { labels: { tier: 'front' }, annotations: { note: 'a' } }),
      },
    },
    { service: web({ headless: true }), exports: exporting(2) },
  );
  assert.equal(
    resolved(world)?.conflict?.reason,
    'TypeConflict,SessionAffinityConflict,SessionAffinityConfigConflict,InternalTrafficPolicyConflict,TrafficDistributionConflict,LabelsConflict,AnnotationsConflict',
  );
  const { spec, metadata } = made(world);
  assert.deepEqual(
    { ...spec, ips: undefined },
    { ...spec, ips: undefined, type: 'ClusterSetIP', ...affinity, ...local },
  );
  assert.deepEqual([metadata.labels?.['tier'], metadata.annotations], ['front', { note: 'a' }]);
  assert.deepEqual(world.get('web-federated').traffic, { ...affinity, ...local });
});

test('a headless service that is the oldest export makes a headless federated service and import', () => {
  const headless = web({ headless: true, ipFamilies: ['IPv4'] });
  const world = converge(new World(), { east: { service: headless, exports: exporting(1) } });
  assert.equal(world.get('web-federated').headless, true);
  assert.deepEqual([made(world).spec?.type, made(world).spec?.ips], ['Headless', undefined]);
  // An older export of another type comes: the federated service becomes what that says.
  converge(world, { east: { service: headless, exports: exporting(2) } }, { service: web(), exports: exporting(1) });
  assert.equal(world.get('web-federated').headless, false);
  assert.deepEqual(resolved(world)?.clusters, ['east', 'local']);
});

test('a headless service with the label alone stays refused', () => {
  const member = service('web', { federated: 'member' }, { headless: true });
  assert.deepEqual(converge(new World(), { east: { service: member } }).names(), []);
});

test('exports of the same second are ordered alike everywhere', () => {
  const first = exporting(1, { uid: 'a', labels: { from: 'a' } });
  const second = exporting(1, { uid: 'b', labels: { from: 'b' } });
  const here = converge(new World(), { east: { service: web(), exports: first } }, { service: web(), exports: second });
  const there = converge(
    new World(),
    { west: { service: web(), exports: second } },
    { service: web(), exports: first },
  );
  assert.deepEqual([resolved(here)?.labels, resolved(there)?.labels], [{ from: 'a' }, { from: 'a' }]);
});

test('what somebody else wrote about an export is left out, and an original cannot make exports up', () => {
  const said = { 'export.multicluster.weft.dev/north': '{"created":"x","uid":"y"}' };
  const world = converge(new World(), { east: { service: web({ annotations: said }), exports: exporting(1) } });
  assert.deepEqual(resolved(world)?.clusters, ['east']);
  world.get('web-federated').annotations['export.multicluster.weft.dev/east'] = '{"created":';
  assert.equal(resolved(world), undefined);
});

test('labels and annotations that would crowd out other exports are left out', () => {
  const annotations = { note: 'x'.repeat(20_000) };
  const world = converge(new World(), { east: { service: web(), exports: exporting(1, { annotations }) } });
  assert.deepEqual([resolved(world)?.annotations, resolved(world)?.clusters], [{}, ['east']]);
});

test('the conditions of an export say whether it is valid, ready and in conflict', () => {
  const scene = { exported: undefined, heard: false, failure: undefined, generation: 1, nowIso: NOW };
  const say = (more: object) =>
    Object.fromEntries(
      (exportConditions([], { ...scene, service: undefined, ...more }) ?? []).map(({ type, status, reason }) => [
        type,
        `${status} ${reason}`,
      ]),
    );
  const nothing = { Ready: 'False Pending', Conflict: 'False NoConflicts' };
  assert.deepEqual(say({}), { Valid: 'False NoService', ...nothing });
  assert.deepEqual(say({ service: web({ external: true }) }), { Valid: 'False InvalidServiceType', ...nothing });
  assert.deepEqual(say({ service: service('web', { 'mirror.linkerd.io/mirrored-service': 'true' }) }), {
    Valid: 'False InvalidServiceType',
    ...nothing,
  });
  assert.deepEqual(say({ service: web() }), { Valid: 'True Valid', ...nothing });
  assert.equal(say({ service: web(), failure: 'quota' })['Ready'], 'False Failed');
  const world = converge(
    new World(),
    { east: { service: web({ headless: true }), exports: exporting(2) } },
    { service: web(), exports: exporting(1) },
  );
  const exported = exportedServices(world.services.values()).get('shop/web');
  assert.deepEqual(say({ service: web(), exported, heard: true }), {
    Valid: 'True Valid',
    Ready: 'True Ready',
    Conflict: 'True TypeConflict',
  });
});

test('conditions that stand are not written again, and those of others stay', () => {
  const scene = { exported: undefined, heard: true, failure: undefined, generation: 1, nowIso: NOW, service: web() };
  const theirs = { type: 'Seen', status: 'True' as const, reason: 'Yes', message: '', lastTransitionTime: NOW };
  const stand = exportConditions([theirs], scene) ?? [];
  assert.deepEqual(stand[0], theirs);
  assert.equal(exportConditions(stand, { ...scene, nowIso: '2026-01-02T00:00:00Z' }), undefined);
});

test('an export without spec says nothing but that it is there', () => {
  const metadata = { name: 'web', namespace: 'shop', uid: 'u', creationTimestamp: NOW };
  assert.deepEqual(observeExport({ metadata }), {
    name: 'web',
    namespace: 'shop',
    uid: 'u',
    created: NOW,
    labels: {},
    annotations: {},
  });
});
