import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Link } from '../link/index.ts';
import { concernsLink, MIRROR, type ObservedService, reconcileLink, reconcileLocal } from './index.ts';
import { remote, service, times, World } from './world.fake.ts';

const MEMBER = { 'mirror.linkerd.io/federated': 'member' };
const EXPORTED = { 'mirror.linkerd.io/exported': 'remote-discovery' };

function link(name: string, more: Link['spec'] = {}, createdAt = '2026-01-01T00:00:00Z'): Link {
  return {
    metadata: { name, creationTimestamp: createdAt },
    spec: {
      targetClusterName: name,
      targetClusterDomain: 'cluster.local',
      remoteDiscoverySelector: { matchLabels: EXPORTED },
      federatedServiceSelector: { matchLabels: MEMBER },
      ...more,
    },
  };
}

const members = (each: ObservedService): string | undefined => each.annotations[MIRROR.remoteDiscovery];

test('a member of two clusters becomes one federated service without cluster name that names both', () => {
  const [east, north] = [link('east'), link('north', {}, '2026-01-02T00:00:00Z')];
  const world = new World();
  for (const each of [east, north]) {
    const result = reconcileLink(each, remote(service('bb', MEMBER)), world, times(east, north));
    const ports = { total: 1, covered: 1 };
    assert.deepEqual(result.federated, [
      { namespace: 'shop', name: 'bb', reason: 'Mirrored', message: '', localName: 'bb-federated', ports },
    ]);
    world.play(result.changes);
  }
  const federated = world.get('bb-federated');
  assert.equal(members(federated), 'bb@east,bb@north');
  assert.deepEqual(federated.labels, { [MIRROR.mirroredService]: 'true' });
  assert.deepEqual(federated.ports, [{ name: 'http', port: 8080, targetPort: 8080 }]);
});

test('of a federated service a Link heeds how it looks to clients and its own membership, not that of others', () => {
  const [east, north] = [link('east'), link('north', {}, '2026-01-02T00:00:00Z')];
  const [linkedAt, seen] = [times(east, north), remote(service('bb', { ...MEMBER, from: 'here' }))];
  const world = new World();
  const reconcile = (each: Link, there = seen) => {
    const before = world.services.get('shop/bb-federated');
    const { changes, joins } = reconcileLink(each, there, world, linkedAt);
    world.play(changes);
    return { before, joins, now: world.get('bb-federated') };
  };
  const first = reconcile(east);
  const concerns = (now: ObservedService, before: ObservedService | undefined, joins = first.joins): boolean =>
    concernsLink('east', joins, now, before);
  const joined = reconcile(north);
  assert.ok(members(joined.now)?.includes('bb@north'));
  assert.equal(concerns(joined.now, joined.before), false);
  assert.equal(concerns(joined.now, undefined), true, 'it is new');
  assert.equal(concerns({ ...joined.now, ports: [{ port: 9 }] }, joined.now), true, 'clients see other ports');
  const rid = { ...joined.now, annotations: { [MIRROR.remoteDiscovery]: 'bb@north' } };
  world.services.set('shop/bb-federated', rid);
  assert.equal(concerns(rid, joined.now), true, 'somebody took our member out');
  assert.equal(concerns(rid, joined.now, new Map()), false, 'and now it is none of ours');
  assert.equal(concerns(joined.now, rid, new Map()), true, 'our member is there and should not be');
  const plain = service('web');
  assert.equal(concerns(plain, plain), true);
});

test('reconciling again what is already so changes nothing', () => {
  const east = link('east');
  const seen = remote(service('bb', { ...MEMBER, ...EXPORTED, app: 'bb' }));
  const world = new World().play(reconcileLink(east, seen, new World(), times(east)).changes);
  assert.deepEqual(world.names(), ['bb-east', 'bb-federated']);
  assert.deepEqual(reconcileLink(east, seen, world, times(east)).changes, []);
});

test('the local member leads: its labels, annotations and ports win over those of others', () => {
  const east = link('east');
  const world = new World();
  world.play(reconcileLink(east, remote(service('bb', { ...MEMBER, from: 'east' })), world, times(east)).changes);
  const local = service('bb', { ...MEMBER, from: 'west' }, { ports: [{ port: 9090 }] });
  world.services.set('shop/bb', local);
  const settings = { federatedServiceSelector: { matchLabels: MEMBER }, excludedLabels: [], excludedAnnotations: [] };
  world.play(reconcileLocal(settings, world, new Set(['east'])));
  const federated = world.get('bb-federated');
  assert.equal(federated.annotations[MIRROR.localDiscovery], 'bb');
  assert.equal(members(federated), 'bb@east');
  assert.equal(federated.labels['from'], 'west');
  assert.deepEqual(federated.ports, [{ port: 9090 }]);
});

test('the ports of all members are there, those of one that leaves are not, and nobody contradicts anybody', () => {
  const east = link('east');
  const world = new World();
  const settings = { federatedServiceSelector: { matchLabels: MEMBER }, excludedLabels: [], excludedAnnotations: [] };
  world.services.set('shop/bb', service('bb', MEMBER, { ports: [{ name: 'web', port: 80 }] }));
  const ports = [
    { name: 'http', port: 80 },
    { name: 'admin', port: 9090 },
  ];
  const there = remote(service('bb', MEMBER, { ports }));
  const round = (seen = there) => {
    const { changes, federated } = reconcileLink(east, seen, world, times(east));
    const mine = reconcileLocal(settings, world.play(changes), new Set(['east']));
    world.play(mine);
    return { writes: changes.length + mine.length, conflict: federated[0]?.conflict?.message };
  };
  round();
  round();
  round();
  assert.deepEqual(world.get('bb-federated').ports, [
    { name: 'web', port: 80 },
    { name: 'admin', port: 9090 },
  ]);
  assert.deepEqual(round(), {
    writes: 0,
    conflict: 'Ports differ from those of the federated service: port 80 has name "http" here, "web" there',
  });
  round(remote(service('bb')));
  assert.equal(round(remote(service('bb'))).writes, 0);
  assert.deepEqual(world.get('bb-federated').ports, [{ name: 'web', port: 80 }]);
});

test('among remote members the one with the oldest Link leads, whatever the order of joining', () => {
  const [old, young] = [link('north', {}, '2026-01-01T00:00:00Z'), link('east', {}, '2026-01-02T00:00:00Z')];
  const world = new World();
  for (const each of [young, old, young]) {
    const label = { ...MEMBER, from: each.metadata.name ?? '' };
    world.play(reconcileLink(each, remote(service('bb', label)), world, times(old, young)).changes);
  }
  assert.equal(world.get('bb-federated').labels['from'], 'north');
});

test('a member that loses its label leaves; the last one takes the service along', () => {
  const [east, north] = [link('east'), link('north')];
  const world = new World();
  for (const each of [east, north])
    world.play(reconcileLink(each, remote(service('bb', MEMBER)), world, times(east, north)).changes);
  const left = reconcileLink(east, remote(service('bb')), world, times(east, north));
  assert.deepEqual(left.federated, []);
  assert.equal(members(world.play(left.changes).get('bb-federated')), 'bb@north');
  world.play(reconcileLink(north, remote(), world, times(east, north)).changes);
  assert.deepEqual(world.names(), []);
});

test('a headless member is refused, and leaves if it was in; others are unaffected', () => {
  const east = link('east');
  const world = new World();
  world.play(reconcileLink(east, remote(service('bb', MEMBER), service('aa', MEMBER)), world, times(east)).changes);
  const headless = service('bb', MEMBER, { headless: true });
  const result = reconcileLink(east, remote(headless, service('aa', MEMBER)), world, times(east));
  assert.deepEqual(
    result.federated.map(({ name, reason, message }) => [name, reason, message]),
    [
      ['bb', 'InvalidService', 'Headless service cannot join federated service'],
      ['aa', 'Mirrored', ''],
    ],
  );
  assert.deepEqual(world.play(result.changes).names(), ['aa-federated']);
});

test('a service of the same name that is not ours is left alone and reported', () => {
  const east = link('east');
  const world = new World(service('bb-federated', { app: 'mine' }), service('bb-east', { app: 'mine' }));
  const result = reconcileLink(east, remote(service('bb', { ...MEMBER, ...EXPORTED })), world, times(east));
  assert.deepEqual(result.changes, []);
  for (const { reason, message } of [...result.mirrors, ...result.federated]) {
    assert.equal(reason, 'Error');
    assert.match(message, /exists and is not ours to change/);
  }
  assert.deepEqual(reconcileLink(east, remote(), world, times(east)).changes, []);
});

test('without its namespace nothing is made, and the status says why', () => {
  const east = link('east');
  const elsewhere = service('bb', { ...MEMBER, ...EXPORTED }, { namespace: 'other' });
  const result = reconcileLink(east, remote(elsewhere), new World(), times(east));
  assert.deepEqual(result.changes, []);
  assert.deepEqual(
    [...result.mirrors, ...result.federated].map(({ reason }) => reason),
    ['MissingNamespace', 'MissingNamespace'],
  );
});

test('a flat mirror names cluster and service in labels and follows ports and versions of its original', () => {
  const east = link('east', { excludedLabels: ['team', 'x.io/*'], excludedAnnotations: ['note'] });
  const world = new World();
  const labels = { ...EXPORTED, app: 'web', team: 'a', 'x.io/y': '1', 'x.iobar': '1' };
  const annotations = {
    note: '1',
    'config.linkerd.io/opaque-ports': '80',
    'service.kubernetes.io/topology-mode': 'auto',
  };
  const web = service('web', labels, { annotations });
  world.play(reconcileLink(east, remote(web), world, times(east)).changes);
  const mirror = world.get('web-east');
  assert.deepEqual(mirror.labels, {
    app: 'web',
    'x.iobar': '1',
    'mirror.linkerd.io/mirrored-service': 'true',
    'mirror.linkerd.io/cluster-name': 'east',
    'multicluster.linkerd.io/remote-discovery': 'east',
    'multicluster.linkerd.io/remote-service': 'web',
  });
  assert.deepEqual(mirror.annotations, {
    'config.linkerd.io/opaque-ports': '80',
    'mirror.linkerd.io/remote-resource-version': web.resourceVersion,
    'mirror.linkerd.io/remote-svc-fq-name': 'web.shop.svc.cluster.local',
  });
  const changed = service('web', labels, { annotations, ports: [{ port: 81 }] });
  world.play(reconcileLink(east, remote(changed), world, times(east)).changes);
  assert.deepEqual(world.get('web-east').ports, [{ port: 81 }]);
  world.play(reconcileLink(east, remote(service('web')), world, times(east)).changes);
  assert.deepEqual(world.names(), []);
});

test('mirrors and federated services are never mirrored on, whatever the selectors', () => {
  const east = link('east', { remoteDiscoverySelector: { matchLabels: { app: 'web' } } });
  const mirror = service('web-west', { app: 'web', ...MEMBER, [MIRROR.mirroredService]: 'true' });
  assert.deepEqual(reconcileLink(east, remote(mirror), new World(), times(east)).changes, []);
});

test('an absent or empty selector takes nothing', () => {
  const bare: Link = { metadata: { name: 'east' }, spec: { federatedServiceSelector: {} } };
  assert.deepEqual(reconcileLink(bare, remote(service('bb', MEMBER)), new World(), new Map()), {
    changes: [],
    joins: new Map(),
    endpoints: [],
    mirrors: [],
    federated: [],
    originals: new Map(),
    direct: new Set(),
  });
});

test('when a Link is gone, its mirrors and members go and those of others stay', () => {
  const [east, north] = [link('east'), link('north')];
  const world = new World(service('mine', { app: 'mine' }));
  for (const each of [east, north])
    world.play(
      reconcileLink(each, remote(service('bb', { ...MEMBER, ...EXPORTED })), world, times(east, north)).changes,
    );
  const settings = { federatedServiceSelector: { matchLabels: MEMBER }, excludedLabels: [], excludedAnnotations: [] };
  assert.deepEqual(reconcileLocal(settings, world, undefined), []);
  for (const clear of [
    () => reconcileLink(east, remote(), world, times(north)).changes,
    () => reconcileLocal(settings, world, new Set(['north'])),
  ]) {
    const after = new World(...world.services.values()).play(clear());
    assert.deepEqual(after.names(), ['bb-federated', 'bb-north', 'mine']);
    assert.equal(members(after.get('bb-federated')), 'bb@north');
  }
});

test('whatever joins and leaves in whatever order, the members are those that want to be', () => {
  const clusters = ['a', 'b', 'c'];
  const links = clusters.map((name, at) => link(name, {}, `2026-01-0${at + 1}T00:00:00Z`));
  const step = fc.record({ cluster: fc.nat(2), member: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const world = new World();
      const wants = new Set<string>();
      for (const { cluster, member } of steps) {
        const each = links[cluster]!;
        const name = clusters[cluster]!;
        if (member) wants.add(name);
        else wants.delete(name);
        world.play(reconcileLink(each, remote(service('bb', member ? MEMBER : {})), world, times(...links)).changes);
      }
      const federated = world.services.get('shop/bb-federated');
      const now = (federated && members(federated)?.split(',')) ?? [];
      assert.deepEqual([...now].sort(), [...wants].map((name) => `bb@${name}`).sort());
    }),
  );
});

const NAMED = { 'multicluster.weft.dev/pod-names': 'enabled' };

test('a headless member joins when its pods are to have names, and makes a headless federated service', () => {
  const east = link('east');
  const named = (annotations: Record<string, string>) =>
    remote(service('db', { ...MEMBER, ...EXPORTED }, { headless: true, annotations }));
  const there = named(NAMED);
  const world = new World().play(reconcileLink(east, there, new World(), times(east)).changes);
  for (const name of ['db-federated', 'db-east']) assert.equal(world.get(name).headless, true, name);
  assert.equal(members(world.get('db-federated')), 'db@east');
  assert.deepEqual(reconcileLink(east, there, world, times(east)).changes, []);
  // Said no longer: the member leaves, and the mirror is made anew with an address.
  world.play(reconcileLink(east, named({}), world, times(east)).changes);
  world.play(reconcileLink(east, named({}), world, times(east)).changes);
  assert.deepEqual(world.names(), ['db-east']);
  assert.equal(world.get('db-east').headless, false);
});

test('what cannot be read of a headless service is said, and it is as if nothing was said', () => {
  const east = link('east');
  const annotations = { 'multicluster.weft.dev/pod-names': 'yes' };
  const seen = remote(service('db', { ...MEMBER, ...EXPORTED }, { headless: true, annotations }));
  const { federated, mirrors, changes } = reconcileLink(east, seen, new World(), times(east));
  const said = 'multicluster.weft.dev/pod-names: expected enabled or disabled, got "yes"';
  assert.equal(federated[0]?.message, `Headless service cannot join federated service: ${said}`);
  assert.deepEqual([mirrors[0]?.reason, mirrors[0]?.message], ['Mirrored', said]);
  assert.deepEqual(
    changes.map((change) => change.do !== 'delete' && change.service.metadata.name),
    ['db-east'],
  );
});

test('members of which some are headless are joined, as the one that leads has it, and the difference is said', () => {
  const east = link('east');
  const settings = { federatedServiceSelector: { matchLabels: MEMBER }, excludedLabels: [], excludedAnnotations: [] };
  const world = new World(service('db', MEMBER));
  const there = remote(service('db', MEMBER, { headless: true, annotations: NAMED }));
  const round = () => {
    const { changes, federated } = reconcileLink(east, there, world, times(east));
    world.play(changes);
    world.play(reconcileLocal(settings, world, new Set(['east'])));
    return federated[0]?.conflict;
  };
  round();
  // The one that came first made it headless; the local member leads, and makes it anew with all that was said.
  assert.equal(world.get('db-federated').headless, false);
  assert.equal(members(world.get('db-federated')), 'db@east');
  assert.equal(world.get('db-federated').annotations[MIRROR.localDiscovery], 'db');
  assert.deepEqual(round(), {
    reason: 'TypeConflict',
    message: 'The service is headless, the federated service is not: pods have no names there',
  });
});

test('a join is worked out anew for what others did to the federated service meanwhile', () => {
  const [east, north] = [link('east'), link('north', {}, '2026-01-02T00:00:00Z')];
  const there = remote(service('bb', MEMBER));
  const world = new World();
  const [first, second] = [east, north].map((each) => reconcileLink(each, there, world, times(east, north)));
  assert.deepEqual([first?.changes[0]?.do, second?.changes[0]?.do], ['create', 'create']);
  world.play(first?.changes ?? []);
  const now = second?.joins.get('shop/bb-federated')?.();
  assert.equal(now?.do, 'update');
  world.play(now ? [now] : []);
  assert.equal(members(world.get('bb-federated')), 'bb@east,bb@north');
  assert.equal(second?.joins.get('shop/bb-federated')?.(), undefined, 'there is nothing left to do');
});
