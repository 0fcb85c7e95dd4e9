import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toJson } from '@bufbuild/protobuf';
import { inbound } from '#api/mesh';
import { FakeCluster, until } from '../scene.fake.ts';
import {
  at,
  changes,
  describe,
  EVERYWHERE,
  ID,
  label,
  limitOf,
  listener,
  policyOn,
  ref,
  routeNames,
  server,
} from './listen.fake.ts';

// Stories that an operator of Linkerd knows, each with the whole of what a proxy hears.
const { start, ask } = listener();

const json = (policy: inbound.Server) => toJson(inbound.ServerSchema, policy);
const DEFAULT_POLICY = 'config.linkerd.io/default-inbound-policy';
const s = { group: 'policy.linkerd.io', kind: 'Server', name: 's' };
/** 0.0.0.0/0 and ::/0. */
const ALL = [{ net: { ip: { ipv4: 0 } } }, { net: { ip: { ipv6: {} } } }];
const DEFAULT_ROUTE = { metadata: { default: 'default' }, rules: [{ matches: [{ path: { prefix: '/' } }] }] };
/** As a default policy admits. */
const byDefault = (name: string, authentication: object = { unauthenticated: {} }) => ({
  networks: ALL,
  authentication,
  labels: { group: '', kind: 'default', name },
  metadata: { default: name },
});
const ANY_IDENTITY = { meshTLS: { identities: { suffixes: [{}] } } };

test('a pod without a Server is open to all under the default of the cluster', async () => {
  assert.deepEqual(json(await ask(new FakeCluster().pod('shop/web'))), {
    protocol: { detect: { timeout: '10s', httpRoutes: [DEFAULT_ROUTE] } },
    authorizations: [byDefault('all-unauthenticated')],
    labels: { group: '', kind: 'default', name: 'all-unauthenticated' },
  });
});

test('the proxy’s own port has the default route and one for its probes', async () => {
  const proxy = {
    name: 'linkerd-proxy',
    ports: [{ name: 'linkerd-admin', containerPort: 4191 }],
    livenessProbe: { httpGet: { path: '/live', port: 4191 } },
    readinessProbe: { httpGet: { path: '/ready', port: 'linkerd-admin' } },
  };
  const get = (path: string) => ({ path: { exact: path }, method: { registered: 'GET' } });
  assert.deepEqual(json(await ask(new FakeCluster().pod('shop/web', {}, proxy), 4191)), {
    protocol: {
      detect: {
        timeout: '10s',
        httpRoutes: [
          DEFAULT_ROUTE,
          {
            metadata: { default: 'probe' },
            authorizations: [byDefault('probe')],
            rules: [{ matches: [get('/live'), get('/ready')] }],
          },
        ],
      },
    },
    authorizations: [byDefault('all-unauthenticated')],
    labels: { group: '', kind: 'default', name: 'all-unauthenticated' },
  });
});

test('a Server that denies is opened by a ServerAuthorization, from the cluster’s networks', async () => {
  const cluster = new FakeCluster().pod('shop/web').put('Server', 'shop/s', server({ accessPolicy: 'deny' }));
  const heard = (await start(cluster)).port(80);
  await changes(heard, (found) => label(found) === 'server/s' && describe(found).length === 0);
  cluster.put('ServerAuthorization', 'shop/saz', {
    spec: { server: { name: 's' }, client: { unauthenticated: true } },
  });
  await changes(
    heard,
    (found) => describe(found).join() === 'serverauthorization/saz: unauthenticated from 10.0.0.0/8',
  );
  assert.deepEqual(json(heard.last), {
    protocol: { detect: { timeout: '10s', httpRoutes: [DEFAULT_ROUTE] } },
    authorizations: [
      {
        networks: [{ net: { ip: { ipv4: 10 * 2 ** 24 }, prefixLen: 8 } }],
        authentication: { unauthenticated: {} },
        labels: { group: 'policy.linkerd.io', kind: 'serverauthorization', name: 'saz' },
        metadata: { resource: { group: 'policy.linkerd.io', kind: 'serverauthorization', name: 'saz' } },
      },
    ],
    labels: { group: 'policy.linkerd.io', kind: 'server', name: 's' },
  });
});

test('a policy that requires networks and identities is one authorization with both', async () => {
  const cluster = new FakeCluster()
    .pod('shop/web')
    .put('Server', 'shop/s', server())
    .put('NetworkAuthentication', 'shop/n', { spec: { networks: [{ cidr: '10.1.0.0/16', except: ['10.1.2.0/24'] }] } })
    .put('MeshTLSAuthentication', 'shop/m', { spec: { identities: ['a.test', '*.b.test'] } })
    .put(
      'AuthorizationPolicy',
      'shop/p',
      policyOn('Server', 's', [ref('NetworkAuthentication', 'n'), ref('MeshTLSAuthentication', 'm')]),
    );
  assert.deepEqual(describe(await ask(cluster)), [
    'authorizationpolicy/p: a.test,*.b.test from 10.1.0.0/16!10.1.2.0/24',
  ]);
});

test('a policy counts for nothing while an authentication is missing; others count', async () => {
  const cluster = new FakeCluster()
    .pod('shop/web')
    .put('Server', 'shop/s', server())
    .put('AuthorizationPolicy', 'shop/open', policyOn('Server', 's', [{ kind: 'ServiceAccount', name: 'x' }]))
    .put(
      'AuthorizationPolicy',
      'shop/p',
      policyOn('Server', 's', [ref('NetworkAuthentication', 'n'), ref('MeshTLSAuthentication', 'm')]),
    )
    .put('NetworkAuthentication', 'shop/n', { spec: { networks: [{ cidr: '10.1.0.0/16' }] } });
  const open = `authorizationpolicy/open: x.shop.${ID} from ${EVERYWHERE}`;
  const heard = (await start(cluster)).port(80);
  await changes(heard, (found) => describe(found).join() === open);
  const identities = (names: string[]) =>
    cluster.put('MeshTLSAuthentication', 'shop/m', { spec: { identities: names } });
  const both = (who: string) => [open, `authorizationpolicy/p: ${who} from 10.1.0.0/16`].join();
  identities(['a.test']);
  await changes(heard, (found) => describe(found).join() === both('a.test'));
  identities(['b.test']);
  await changes(heard, (found) => describe(found).join() === both('b.test'));
  await cluster.remove('NetworkAuthentication', 'shop/n');
  await changes(heard, (found) => describe(found).join() === open);
});

test('a pod may ask for identities by annotation, and an annotation that says nothing leaves the default', async () => {
  assert.deepEqual(json(await ask(new FakeCluster().pod('shop/web', { [DEFAULT_POLICY]: 'all-authenticated' }))), {
    protocol: { detect: { timeout: '10s', httpRoutes: [DEFAULT_ROUTE] } },
    authorizations: [byDefault('all-authenticated', ANY_IDENTITY)],
    labels: { group: '', kind: 'default', name: 'all-authenticated' },
  });
  const invalid = new FakeCluster().pod('shop/web', { [DEFAULT_POLICY]: 'everyone' });
  assert.equal(
    label(await ask(invalid, 80, { defaultPolicy: 'cluster-authenticated' })),
    'default/cluster-authenticated',
  );
});

test('ports that require identity ask for it by number or name; the others stay open', async () => {
  const key = 'config.linkerd.io/proxy-require-identity-inbound-ports';
  for (const ports of ['80', 'http', '79-80,9000']) {
    const scene = await start(new FakeCluster().pod('shop/web', { [key]: ports }));
    assert.deepEqual(describe(await scene.get(80)), [`default/all-authenticated: * from ${EVERYWHERE}`], ports);
    assert.deepEqual(describe(await scene.get(81)), [
      `default/all-unauthenticated: unauthenticated from ${EVERYWHERE}`,
    ]);
  }
  const deny = new FakeCluster().pod('shop/web', { [key]: '80', [DEFAULT_POLICY]: 'deny' });
  assert.equal(label(await ask(deny)), 'default/deny');
});

test('opaque ports of the pod are opaque without a Server, and the Server has the last word', async () => {
  const key = 'config.linkerd.io/opaque-ports';
  const cluster = new FakeCluster().pod('shop/web', { [key]: '80' });
  const heard = (await start(cluster)).port(80);
  await changes(heard, (found) => found.protocol?.kind.case === 'opaque');
  cluster.put('Server', 'shop/s', server({ proxyProtocol: 'HTTP/1' }));
  await changes(heard, (found) => found.protocol?.kind.case === 'http1');
  await cluster.remove('Server', 'shop/s');
  await changes(heard, (found) => found.protocol?.kind.case === 'opaque');
  cluster.pod('shop/web', { [key]: 'a,b' });
  await changes(heard, (found) => found.protocol?.kind.case === 'detect');
});

test('two routes on a Server are listed by age, and when the older goes the other is told alone', async () => {
  const route = (minute: number) => ({ ...at(minute), spec: { parentRefs: [s], rules: [{}] } });
  const cluster = new FakeCluster()
    .pod('shop/web')
    .put('Server', 'shop/s', server())
    .put('PolicyHTTPRoute', 'shop/a-young', route(2))
    .put('PolicyHTTPRoute', 'shop/b-old', route(1));
  const heard = (await start(cluster)).port(80);
  await changes(heard, (found) => routeNames(found).join() === 'HTTPRoute/b-old,HTTPRoute/a-young');
  await cluster.remove('PolicyHTTPRoute', 'shop/b-old');
  await changes(heard, (found) => routeNames(found).join() === 'HTTPRoute/a-young');
  assert.equal(heard.all.length, 2);
});

test('a rate limit with a total, one for each identity and an override for two accounts is carried whole', async () => {
  const account = (name: string) => ({ group: '', kind: 'ServiceAccount', name, namespace: 'shop' });
  const cluster = new FakeCluster()
    .pod('shop/web')
    .put('Server', 'shop/s', server({ proxyProtocol: 'HTTP/1' }))
    .put('HTTPLocalRateLimitPolicy', 'shop/l', {
      spec: {
        targetRef: s,
        total: { requestsPerSecond: 1000 },
        identity: { requestsPerSecond: 100 },
        overrides: [{ requestsPerSecond: 200, clientRefs: [account('a'), account('b')] }],
      },
    });
  const limit = limitOf(await ask(cluster));
  assert.deepEqual(limit && toJson(inbound.HttpLocalRateLimitSchema, limit), {
    metadata: { resource: { group: 'policy.linkerd.io', kind: 'HTTPLocalRateLimitPolicy', name: 'l' } },
    total: { requestsPerSecond: 1000 },
    identity: { requestsPerSecond: 100 },
    overrides: [
      {
        limit: { requestsPerSecond: 200 },
        clients: { identities: [{ name: `a.shop.${ID}` }, { name: `b.shop.${ID}` }] },
      },
    ],
  });
});

test('an external workload falls under its Server, then under the default; its ports may change, its end ends the watch', async () => {
  const workload = (port: number, annotations: object = {}) => ({
    metadata: { labels: { app: 'vm' }, annotations },
    spec: { ports: [{ name: 'http', port }] },
  });
  const cluster = new FakeCluster()
    .put('ExternalWorkload', 'shop/w', workload(80))
    .put('Server', 'shop/s', { spec: { externalWorkloadSelector: { matchLabels: { app: 'vm' } }, port: 'http' } });
  const heard = (await start(cluster)).port(80, '{"ns":"shop","external_workload":"w"}');
  await changes(heard, (found) => label(found) === 'server/s');
  assert.deepEqual(routeNames(heard.last), ['default'], 'nobody probes it');
  cluster.put('ExternalWorkload', 'shop/w', workload(81));
  await changes(heard, (found) => label(found) === 'default/all-unauthenticated');
  cluster.put('ExternalWorkload', 'shop/w', workload(80));
  await changes(heard, (found) => label(found) === 'server/s');
  await cluster.remove('Server', 'shop/s');
  await changes(heard, (found) => label(found) === 'default/all-unauthenticated');
  cluster.put('ExternalWorkload', 'shop/w', workload(80, { [DEFAULT_POLICY]: 'deny' }));
  await changes(heard, (found) => label(found) === 'default/deny');
  await cluster.remove('ExternalWorkload', 'shop/w');
  await until(() => heard.ended === 'OK');
});

test('labels edited on a pod, or on a Server, move what is selected by them', async () => {
  const labelled = (app: string) => cluster.pod('shop/web', {}, {}, { app });
  const labelledServer = (tier: string) =>
    cluster.put('Server', 'shop/s', {
      metadata: { labels: { tier } },
      ...server({ podSelector: { matchLabels: { app: 'a' } } }),
    });
  const cluster: FakeCluster = new FakeCluster();
  labelled('a');
  labelledServer('front');
  cluster.put('ServerAuthorization', 'shop/z', {
    spec: { server: { selector: { matchLabels: { tier: 'front' } } }, client: { unauthenticated: true } },
  });
  const heard = (await start(cluster)).port(80);
  const isOpen = (found: inbound.Server) => label(found) === 'server/s' && describe(found).length === 1;
  await changes(heard, isOpen);
  labelled('b');
  await changes(heard, (found) => label(found) === 'default/all-unauthenticated');
  labelled('a');
  await changes(heard, isOpen);
  labelledServer('back');
  await changes(heard, (found) => label(found) === 'server/s' && describe(found).length === 0);
  labelledServer('front');
  await changes(heard, isOpen);
});

test('what a Server admits by itself comes on top of its policies, and what is only audited last of all', async () => {
  const admitted = async (accessPolicy: string | undefined) => {
    const cluster = new FakeCluster()
      .pod('shop/web')
      .put('Server', 'shop/s', server({ ...(accessPolicy && { accessPolicy }) }))
      .put('ServerAuthorization', 'shop/z', { spec: { server: { name: 's' }, client: { unauthenticated: true } } })
      .put('AuthorizationPolicy', 'shop/p', policyOn('Server', 's', [{ kind: 'ServiceAccount', name: 'x' }]));
    return describe(await ask(cluster));
  };
  const resources = [
    `authorizationpolicy/p: x.shop.${ID} from ${EVERYWHERE}`,
    'serverauthorization/z: unauthenticated from 10.0.0.0/8',
  ];
  const cases: Record<string, string | undefined> = {
    'all-unauthenticated': `unauthenticated from ${EVERYWHERE}`,
    'all-authenticated': `* from ${EVERYWHERE}`,
    'cluster-unauthenticated': 'unauthenticated from 10.0.0.0/8',
    'cluster-authenticated': '* from 10.0.0.0/8',
    audit: `unauthenticated from ${EVERYWHERE}`,
    deny: undefined,
    nonsense: undefined,
  };
  for (const [policy, own] of Object.entries(cases))
    assert.deepEqual(await admitted(policy), own ? [...resources, `default/${policy}: ${own}`] : resources, policy);
  assert.deepEqual(await admitted(undefined), resources);
});

test('a policy of a namespace joins its Servers, and not ports without one', async () => {
  const cluster = new FakeCluster()
    .pod('shop/web', { [DEFAULT_POLICY]: 'deny' })
    .put('AuthorizationPolicy', 'shop/p', policyOn('Namespace', 'shop', [], ''));
  const heard = (await start(cluster)).port(80);
  await changes(heard, (found) => label(found) === 'default/deny' && describe(found).length === 0);
  cluster.put('Server', 'shop/s', server());
  await changes(
    heard,
    (found) => describe(found).join() === `authorizationpolicy/p: unauthenticated from ${EVERYWHERE}`,
  );
});

test('a change that makes no difference is not told', async () => {
  const cluster = new FakeCluster().pod('shop/web').put('Server', 'shop/s', server());
  const scene = await start(cluster);
  const heard = scene.port(80);
  await changes(heard, (found) => label(found) === 'server/s');
  cluster.pod('shop/web', {}, {}, { some: 'label' });
  cluster.put('Server', 'shop/other', server({ podSelector: { matchLabels: { app: 'x' } } }));
  cluster.put('MeshTLSAuthentication', 'shop/m', { spec: { identities: ['x'] } });
  cluster.put('Server', 'shop/s', { metadata: { annotations: { a: 'b' } }, ...server() });
  cluster.put('Server', 'shop/s', server({ accessPolicy: 'audit' }));
  await changes(heard, (found) => describe(found).length === 1);
  assert.equal(heard.all.length, 2);
});

test('without any networks of the cluster, what is for these admits nobody', async () => {
  const cluster = new FakeCluster()
    .pod('shop/web')
    .put('Server', 'shop/s', server({ accessPolicy: 'cluster-unauthenticated' }))
    .put('ServerAuthorization', 'shop/z', { spec: { server: { name: 's' }, client: { unauthenticated: true } } });
  assert.deepEqual(describe(await ask(cluster, 80, { clusterNetworks: [] })), []);
});
