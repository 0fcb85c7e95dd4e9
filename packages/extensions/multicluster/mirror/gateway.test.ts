import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice } from '#api/kube';
import type { Link } from '../link/index.ts';
import { type GatewayScene, MIRROR, type ObservedService, reconcileLink, reconcileProbe, SliceIndex } from './index.ts';
import { remote, service, times, World } from './world.fake.ts';

const EXPORTED = { 'mirror.linkerd.io/exported': 'true' };
const FLAT = { 'mirror.linkerd.io/exported': 'remote-discovery' };
const IDENTITY = 'linkerd-gateway.linkerd-multicluster.serviceaccount.identity.linkerd.cluster.local';

const east: Link = {
  metadata: { name: 'east', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {
    targetClusterName: 'east',
    targetClusterDomain: 'east.local',
    gatewayAddress: '192.0.2.1',
    selector: { matchLabels: EXPORTED },
    remoteDiscoverySelector: { matchLabels: FLAT },
  },
};

interface SceneChange {
  addresses?: string[];
  problem?: string;
  alive?: boolean | undefined;
  headless?: boolean;
  slices?: EndpointSlice[] | undefined;
}
function scene(change: SceneChange = {}): GatewayScene {
  const { addresses = ['192.0.2.1', '192.0.2.2'], problem, headless = false } = change;
  const endpoints = new SliceIndex();
  endpoints.reset(('slices' in change ? change.slices : [slice('web', [{ ready: true }])]) ?? []);
  return {
    gateway: {
      addresses,
      ...(problem && { problem }),
      port: 4143,
      identity: IDENTITY,
      alive: 'alive' in change ? change.alive : true,
    },
    endpoints: 'slices' in change && change.slices === undefined ? undefined : endpoints,
    headless,
  };
}

function slice(of: string, endpoints: { ready?: boolean; hostname?: string }[], name = `${of}-1`): EndpointSlice {
  return {
    metadata: { name, namespace: 'shop', labels: { 'kubernetes.io/service-name': of } },
    addressType: 'IPv4',
    endpoints: endpoints.map(({ ready, hostname }) => ({
      addresses: ['10.0.0.1'],
      ...(ready !== undefined && { conditions: { ready } }),
      ...(hostname && { hostname }),
    })),
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  };
}

/** Reconciles until nothing is left to do, at most a few times. */
function settle(world: World, services: ObservedService[], through: GatewayScene, link = east) {
  for (let round = 0; round < 5; round += 1) {
    const result = reconcileLink(link, remote(...services), world, times(link), through);
    if (result.changes.length === 0 && result.endpoints.length === 0) return result;
    world.playAll(result);
  }
  throw new Error('reconciliation does not settle');
}

const subsets = (world: World, name: string) => world.endpoints.get(`shop/${name}`)?.subsets;
const READY = [
  {
    addresses: [{ ip: '192.0.2.1' }, { ip: '192.0.2.2' }],
    ports: [{ name: 'http', port: 4143, protocol: 'TCP' }],
  },
];

test('an exported service becomes a Service and Endpoints with every address of the gateway', () => {
  const world = new World();
  const web = service('web', { ...EXPORTED, app: 'web' }, { ports: [{ name: 'http', port: 80, appProtocol: 'h2c' }] });
  const { mirrors } = settle(world, [web], scene());
  assert.deepEqual(mirrors, [
    { namespace: 'shop', name: 'web', reason: 'Mirrored', message: '', localName: 'web-east' },
  ]);
  const labels = { app: 'web', [MIRROR.mirroredService]: 'true', [MIRROR.clusterName]: 'east' };
  const mirror = world.get('web-east');
  assert.deepEqual(mirror.labels, labels);
  assert.deepEqual(mirror.ports, [{ name: 'http', port: 80, appProtocol: 'h2c' }]);
  assert.deepEqual(mirror.annotations, {
    [MIRROR.fqName]: 'web.shop.svc.east.local',
    [MIRROR.resourceVersion]: web.resourceVersion,
  });
  const endpoints = world.endpoints.get('shop/web-east');
  assert.deepEqual(endpoints?.labels, labels);
  assert.deepEqual(endpoints?.annotations, {
    [MIRROR.fqName]: 'web.shop.svc.east.local',
    [MIRROR.gatewayIdentity]: IDENTITY,
  });
  assert.deepEqual(subsets(world, 'web-east'), READY);
});

test('ports and versions of the original are followed; what somebody changed or deleted here is repaired', () => {
  const world = new World();
  settle(world, [service('web', EXPORTED)], scene());
  const changed = service('web', EXPORTED, { ports: [{ name: 'grpc', port: 90 }] });
  settle(world, [changed], scene());
  assert.deepEqual(world.get('web-east').ports, changed.ports);
  assert.equal(world.get('web-east').annotations[MIRROR.resourceVersion], changed.resourceVersion);
  assert.deepEqual(subsets(world, 'web-east')?.[0]?.ports, [{ name: 'grpc', port: 4143, protocol: 'TCP' }]);
  world.endpoints.delete('shop/web-east');
  settle(world, [changed], scene());
  assert.equal(subsets(world, 'web-east')?.length, 1);
  world.services.delete('shop/web-east');
  settle(world, [changed], scene());
  assert.ok(world.get('web-east'));
});

test('without a ready endpoint there the mirror has none here', () => {
  const world = new World();
  const web = service('web', EXPORTED);
  for (const slices of [[], [slice('web', [])], [slice('web', [{ ready: false }])]]) {
    settle(world, [web], scene({ slices }));
    assert.deepEqual(subsets(world, 'web-east'), []);
  }
  settle(world, [web], scene({ slices: [slice('web', [{ ready: false }]), slice('web', [{}], 'web-2')] }));
  assert.deepEqual(subsets(world, 'web-east'), READY);
});

test('addresses of a gateway that is not alive are not ready, and come back with it', () => {
  const world = new World();
  const web = service('web', EXPORTED);
  settle(world, [web], scene());
  settle(world, [web], scene({ alive: false }));
  const dead = [{ notReadyAddresses: READY[0]?.addresses, ports: READY[0]?.ports }];
  assert.deepEqual(subsets(world, 'web-east'), dead);
  settle(world, [web], scene({ alive: undefined }));
  assert.deepEqual(subsets(world, 'web-east'), dead, 'before the first probe what stood stays');
  settle(world, [web], scene());
  assert.deepEqual(subsets(world, 'web-east'), READY);
  assert.deepEqual(subsets(settled(scene({ alive: undefined })), 'web-east'), READY, 'a new mirror is believed in');
});

function settled(through: GatewayScene): World {
  const world = new World();
  settle(world, [service('web', EXPORTED)], through);
  return world;
}

test('a label switched to remote-discovery takes the Endpoints away, and back', () => {
  const world = new World();
  settle(world, [service('web', EXPORTED)], scene());
  settle(world, [service('web', FLAT)], scene());
  assert.equal(world.get('web-east').labels[MIRROR.remoteDiscovery], 'east');
  assert.equal(world.endpoints.size, 0);
  settle(world, [service('web', EXPORTED)], scene());
  assert.equal(world.get('web-east').labels[MIRROR.remoteDiscovery], undefined);
  assert.deepEqual(subsets(world, 'web-east'), READY);
});

test('a service that both selectors take is flat', () => {
  const world = new World();
  const both: Link = { ...east, spec: { ...east.spec, selector: { matchLabels: FLAT } } };
  settle(world, [service('web', FLAT)], scene(), both);
  assert.equal(world.endpoints.size, 0);
});

test('what is no longer exported goes, with its Endpoints; those of others stay', () => {
  const world = new World(service('mine', { app: 'mine' }));
  settle(world, [service('web', EXPORTED)], scene());
  world.endpoints.set('shop/mine', { ...world.endpoints.get('shop/web-east')!, name: 'mine', labels: {} });
  world.endpoints.set('shop/gone-east', { ...world.endpoints.get('shop/web-east')!, name: 'gone-east' });
  settle(world, [service('web')], scene());
  assert.deepEqual(world.names(), ['mine']);
  assert.deepEqual([...world.endpoints.keys()], ['shop/mine']);
});

test('without a gateway only flat mirrors are made, and those that went through it go', () => {
  const world = new World();
  const services = [service('web', EXPORTED), service('api', FLAT)];
  settle(world, services, scene());
  assert.deepEqual(world.names(), ['api-east', 'web-east']);
  const { changes, endpoints, mirrors } = reconcileLink(east, remote(...services), world, times(east));
  world.playAll({ changes, endpoints });
  assert.deepEqual(world.names(), ['api-east']);
  assert.deepEqual(
    mirrors.map(({ name }) => name),
    ['api'],
  );
});

test('names over 63 characters, names that are taken, missing namespaces and ExternalNames are said', () => {
  const long = 'w'.repeat(60);
  const world = new World(service('web-east', { app: 'mine' }));
  const services = [
    service(long, EXPORTED),
    service('web', EXPORTED),
    service('far', EXPORTED, { namespace: 'nowhere' }),
    service('outside', EXPORTED, { external: true }),
  ];
  const { mirrors, changes, endpoints } = reconcileLink(east, remote(...services), world, times(east), scene());
  assert.deepEqual([changes, endpoints], [[], []]);
  assert.deepEqual(
    mirrors.map(({ reason, message }) => `${reason}: ${message}`),
    [
      `Error: Failed to create mirror service: the name ${long}-east would have 65 characters, and 63 is the most`,
      'Error: Failed to create mirror service: Service shop/web-east exists and is not ours to change',
      'MissingNamespace: Namespace does not exist',
      'InvalidService: ExternalName service cannot be mirrored',
    ],
  );
});

test('a gateway without known addresses leaves Endpoints as they are, and the status says why', () => {
  const world = new World();
  const web = service('web', EXPORTED);
  settle(world, [web], scene());
  const { mirrors } = settle(world, [web], scene({ addresses: [], problem: 'gw.example: not found' }));
  assert.equal(mirrors[0]?.message, 'Failed to get gateway address: gw.example: not found');
  assert.deepEqual(subsets(world, 'web-east'), READY);
  const unknown = settle(world, [web], scene({ slices: undefined }));
  assert.match(unknown.mirrors[0]?.message ?? '', /Failed to update mirror endpoints/);
  assert.deepEqual(subsets(world, 'web-east'), READY);
});

test('mirrors are never mirrored on through a gateway', () => {
  const mirror = service('web-west', { ...EXPORTED, [MIRROR.mirroredService]: 'true' });
  assert.deepEqual(reconcileLink(east, remote(mirror), new World(), times(east), scene()).changes, []);
});

const headless = (name = 'db') => service(name, EXPORTED, { headless: true });

test('hosts of a headless service become services of their own, found under their names', () => {
  const world = new World();
  const hosts = (...names: string[]) =>
    scene({
      headless: true,
      slices: [
        slice(
          'db',
          names.map((hostname) => ({ hostname, ready: hostname !== 'db-1' })),
        ),
      ],
    });
  settle(world, [headless()], hosts('db-0', 'db-1'));
  assert.deepEqual(world.names(), ['db-0-east', 'db-1-east', 'db-east']);
  assert.ok(world.get('db-east').headless);
  const host = world.get('db-0-east');
  assert.equal(host.labels[MIRROR.headlessMirror], 'db-east');
  assert.equal(host.annotations[MIRROR.fqName], 'db-0.db.shop.svc.east.local');
  assert.deepEqual(subsets(world, 'db-0-east'), READY);
  assert.deepEqual(subsets(world, 'db-east'), [
    {
      addresses: [{ hostname: 'db-0', ip: host.clusterIP }],
      notReadyAddresses: [{ hostname: 'db-1', ip: world.get('db-1-east').clusterIP }],
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    },
  ]);
  settle(world, [headless()], hosts('db-0', 'db-1', 'db-2'));
  assert.deepEqual(world.names(), ['db-0-east', 'db-1-east', 'db-2-east', 'db-east']);
  settle(world, [headless()], hosts('db-0'));
  assert.deepEqual(world.names(), ['db-0-east', 'db-east']);
  settle(world, [headless()], scene({ headless: true, slices: [] }));
  assert.deepEqual(world.names(), ['db-east']);
  assert.ok(world.get('db-east').headless, 'scaled to nothing it stays what it is');
  settle(world, [], hosts());
  assert.deepEqual([world.names(), world.endpoints.size], [[], 0]);
});

test('a headless service without named endpoints, or with the feature off, becomes an ordinary mirror', () => {
  const plain = [slice('db', [{ ready: true }])];
  for (const on of [true, false]) {
    const world = new World();
    settle(world, [headless()], scene({ headless: on, slices: plain }));
    assert.equal(world.get('db-east').headless, false);
    assert.deepEqual(subsets(world, 'db-east'), READY);
  }
});

test('a headless service waits for its first endpoints, and needs ports', () => {
  const through = scene({ headless: true, slices: [] });
  const { mirrors, changes } = reconcileLink(
    east,
    remote(headless(), service('bare', EXPORTED, { headless: true, ports: [] })),
    new World(),
    times(east),
    through,
  );
  assert.deepEqual(changes, []);
  assert.deepEqual(
    mirrors.map(({ reason, message }) => `${reason}: ${message}`),
    ['Pending: Headless service has no endpoints yet', 'InvalidService: Headless service has no exposed ports'],
  );
});

test('a headless service that becomes an ordinary one is made anew', () => {
  const world = new World();
  settle(world, [headless()], scene({ headless: true, slices: [slice('db', [{ hostname: 'db-0' }])] }));
  settle(world, [service('db', EXPORTED)], scene({ headless: true, slices: [slice('db', [{}])] }));
  assert.deepEqual(world.names(), ['db-east']);
  assert.equal(world.get('db-east').headless, false);
  assert.deepEqual(subsets(world, 'db-east'), READY);
});

test('a host and a service that want one name: whoever has it keeps it, the other is told', () => {
  const world = new World();
  const through = scene({ headless: true, slices: [slice('db', [{ hostname: 'db-0' }]), slice('db-0', [{}])] });
  settle(world, [service('db-0', EXPORTED)], through);
  const services = [headless(), service('db-0', EXPORTED)];
  const { mirrors } = settle(world, services, through);
  assert.match(mirrors[0]?.message ?? '', /db-0-east exists and mirrors something else/);
  assert.equal(mirrors[1]?.reason, 'Mirrored');
  settle(world, [headless()], through);
  assert.equal(world.get('db-0-east').labels[MIRROR.headlessMirror], 'db-east');
});

test('the probe has the gateway behind it, whatever its state, once its Service is there', () => {
  const probe = { service: 'probe-east', namespace: 'linkerd-multicluster', port: 30191 };
  const world = new World();
  const { gateway } = scene({ alive: false });
  assert.equal(reconcileProbe(probe, 'east', gateway, world), undefined);
  world.services.set('linkerd-multicluster/probe-east', service('probe-east'));
  const change = reconcileProbe(probe, 'east', gateway, world);
  assert.ok(change && change.do === 'create');
  world.playAll({ changes: [], endpoints: [change] });
  assert.equal(reconcileProbe(probe, 'east', gateway, world), undefined);
  assert.deepEqual(change.endpoints, {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name: 'probe-east',
      namespace: 'linkerd-multicluster',
      labels: { [MIRROR.clusterName]: 'east' },
      annotations: { [MIRROR.gatewayIdentity]: IDENTITY },
    },
    subsets: [{ addresses: READY[0]?.addresses, ports: [{ name: 'mc-probe', port: 30191, protocol: 'TCP' }] }],
  });
});

test('a gateway that is probed at the port of its traffic is probed behind it', () => {
  const world = new World();
  world.services.set('linkerd-multicluster/probe-east', service('probe-east'));
  const { gateway } = scene();
  const probe = { service: 'probe-east', namespace: 'linkerd-multicluster', port: gateway.port };
  const change = reconcileProbe(probe, 'east', gateway, world);
  assert.ok(change?.do === 'create');
  assert.equal(change.endpoints.metadata.annotations?.[MIRROR.behindPort], '4191');
  assert.equal(change.endpoints.subsets?.[0]?.ports?.[0]?.port, gateway.port);
});
