import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeCluster, until } from '../scene.fake.ts';
import { changes, describe, EVERYWHERE, ID, label, listener, server } from './listen.fake.ts';

const { start, ask } = listener();

test('without a Server the default policy of the cluster applies, on any port', async () => {
  const found = await ask(new FakeCluster().pod('shop/web'), 1234);
  assert.equal(label(found), 'default/all-unauthenticated');
  assert.deepEqual(describe(found), [`default/all-unauthenticated: unauthenticated from ${EVERYWHERE}`]);
  const kind = found.protocol?.kind;
  assert.equal(kind?.case === 'detect' && kind.value.timeout?.seconds, 10n);
  assert.equal(kind?.case === 'detect' && kind.value.httpRoutes.length, 1);
});

test('each default policy admits whom its name says', async () => {
  const expected: Record<string, string[]> = {
    'all-unauthenticated': [`unauthenticated from ${EVERYWHERE}`],
    'all-authenticated': [`* from ${EVERYWHERE}`],
    'cluster-unauthenticated': ['unauthenticated from 10.0.0.0/8'],
    'cluster-authenticated': ['* from 10.0.0.0/8'],
    audit: [`unauthenticated from ${EVERYWHERE}`],
    deny: [],
  };
  for (const [policy, admits] of Object.entries(expected)) {
    const found = await ask(
      new FakeCluster().pod('shop/web', { 'config.linkerd.io/default-inbound-policy': policy }),
      80,
    );
    assert.equal(label(found), `default/${policy}`);
    assert.deepEqual(
      describe(found),
      admits.map((each) => `default/${policy}: ${each}`),
    );
  }
});

test('a policy that cannot be read is not one, and a port may require identity', async () => {
  const cluster = new FakeCluster().pod('shop/web', {
    'config.linkerd.io/default-inbound-policy': 'nonsense',
    'config.linkerd.io/proxy-require-identity-inbound-ports': 'http,9000-9010',
  });
  assert.equal(label(await ask(cluster, 80)), 'default/all-authenticated');
  assert.equal(label(await ask(cluster, 9005)), 'default/all-authenticated');
  assert.equal(label(await ask(cluster, 81)), 'default/all-unauthenticated');
});

test("a port is opaque by the pod's annotation", async () => {
  const cluster = new FakeCluster().pod('shop/web', { 'config.linkerd.io/opaque-ports': 'http' });
  assert.equal((await ask(cluster, 80)).protocol?.kind.case, 'opaque');
  assert.equal((await ask(cluster, 3306)).protocol?.kind.case, 'detect');
});

test('probes of the kubelet pass under any policy', async () => {
  const probe = (path: string | undefined, port: number | string) => ({ httpGet: { ...(path && { path }), port } });
  const container = {
    livenessProbe: probe('/live?x=1', 'http'),
    readinessProbe: probe('/ready', 80),
    startupProbe: probe(undefined, 81),
  };
  const cluster = new FakeCluster().pod('shop/web', { 'config.linkerd.io/default-inbound-policy': 'deny' }, container);
  const routes = async (port: number) => {
    const { protocol } = await ask(cluster, port);
    assert.ok(protocol?.kind.case === 'detect');
    return protocol.kind.value.httpRoutes;
  };
  const [, probes] = await routes(80);
  assert.deepEqual(
    probes?.rules[0]?.matches.map(({ path }) => path?.kind.value),
    ['/live', '/ready'],
  );
  assert.equal(probes?.rules[0]?.matches[0]?.method?.type.value, 0);
  assert.equal(probes?.authorizations[0]?.labels['name'], 'probe');
  assert.deepEqual((await routes(81))[1]?.rules[0]?.matches[0]?.path?.kind.value, '/');
  assert.equal((await routes(82)).length, 1);
  const found = await ask(cluster, 80, { probeNetworks: [] });
  assert.equal(found.protocol?.kind.case === 'detect' && found.protocol.kind.value.httpRoutes.length, 1);
});

test('a Server sets the protocol, and without authorization admits nobody', async () => {
  const cases = { unknown: 'detect', 'HTTP/1': 'http1', 'HTTP/2': 'http2', gRPC: 'grpc', opaque: 'opaque', TLS: 'tls' };
  for (const [proxyProtocol, kind] of Object.entries(cases)) {
    const found = await ask(new FakeCluster().pod('shop/web').put('Server', 'shop/s', server({ proxyProtocol })), 80);
    assert.equal(found.protocol?.kind.case, kind);
    assert.equal(label(found), 'server/s');
    assert.deepEqual(describe(found), []);
  }
});

test('of several Servers the oldest has the port, and the next when it goes', async () => {
  const at = (creationTimestamp: string) => ({ metadata: { creationTimestamp }, ...server() });
  const cluster = new FakeCluster()
    .pod('shop/web')
    .put('Server', 'shop/b', at('2026-01-01T00:00:00Z'))
    .put('Server', 'shop/a', at('2026-01-02T00:00:00Z'))
    .put('Server', 'shop/other', { spec: { podSelector: { matchLabels: { app: 'db' } }, port: 80 } })
    .put('Server', 'elsewhere/c', at('2025-01-01T00:00:00Z'));
  const heard = (await start(cluster)).port(80);
  await changes(heard, (found) => label(found) === 'server/b');
  await cluster.remove('Server', 'shop/b');
  await changes(heard, (found) => label(found) === 'server/a');
  await cluster.remove('Server', 'shop/a');
  await changes(heard, (found) => label(found) === 'default/all-unauthenticated');
});

test('ServerAuthorizations admit by name or selector, from the cluster networks unless they name some', async () => {
  const cluster = new FakeCluster()
    .pod('shop/web')
    .put('Server', 'shop/s', { metadata: { labels: { tier: 'web' } }, ...server() })
    .put('ServerAuthorization', 'shop/1-anyone', {
      spec: { server: { name: 's' }, client: { unauthenticated: true, meshTLS: { identities: ['x'] } } },
    })
    .put('ServerAuthorization', 'shop/2-tls', {
      spec: {
        server: { selector: { matchLabels: { tier: 'web' } } },
        client: { meshTLS: { unauthenticatedTLS: true } },
      },
    })
    .put('ServerAuthorization', 'shop/3-ids', {
      spec: {
        server: { name: 's' },
        client: {
          networks: [{ cidr: '10.1.0.0/16', except: ['10.1.2.3'] }],
          meshTLS: { identities: ['*.ns.test'], serviceAccounts: [{ name: 'a' }, { name: 'b', namespace: 'other' }] },
        },
      },
    })
    .put('ServerAuthorization', 'shop/4-nobody', { spec: { server: { name: 's' }, client: {} } })
    .put('ServerAuthorization', 'shop/5-other', { spec: { server: { name: 'x' }, client: { unauthenticated: true } } });
  const scene = await start(cluster);
  assert.deepEqual(describe(await scene.get(80)), [
    'serverauthorization/1-anyone: unauthenticated from 10.0.0.0/8',
    'serverauthorization/2-tls: tls from 10.0.0.0/8',
    `serverauthorization/3-ids: a.shop.${ID},b.other.${ID},*.ns.test from 10.1.0.0/16!10.1.2.3/32`,
  ]);
  assert.ok(scene.log.lines.some((line) => line.includes('shop/4-nobody')));
});

test('AuthorizationPolicies join an identity and a network, and admit everyone when they require nothing', async () => {
  const target = { targetRef: { group: 'policy.linkerd.io', kind: 'Server', name: 's' } };
  const ref = (kind: string, name: string, more: object = {}) => ({ group: 'policy.linkerd.io', kind, name, ...more });
  const cluster = new FakeCluster()
    .pod('shop/web')
    .put('Server', 'shop/s', server({ accessPolicy: 'audit' }))
    .put('MeshTLSAuthentication', 'shop/ids', {
      spec: {
        identities: ['*'],
        identityRefs: [
          { kind: 'ServiceAccount', name: 'a' },
          { kind: 'Namespace', name: 'ns1' },
        ],
      },
    })
    .put('NetworkAuthentication', 'auth/net', { spec: { networks: [{ cidr: '192.168.0.0/16' }, { cidr: 'fd00::1' }] } })
    .put('AuthorizationPolicy', 'shop/1-both', {
      spec: {
        ...target,
        requiredAuthenticationRefs: [
          ref('MeshTLSAuthentication', 'ids'),
          ref('NetworkAuthentication', 'net', { namespace: 'auth' }),
        ],
      },
    })
    .put('AuthorizationPolicy', 'shop/2-account', {
      spec: { ...target, requiredAuthenticationRefs: [{ kind: 'ServiceAccount', name: 'b', namespace: 'other' }] },
    })
    .put('AuthorizationPolicy', 'shop/3-all', {
      spec: { targetRef: { kind: 'Namespace', name: 'shop' }, requiredAuthenticationRefs: [] },
    })
    .put('AuthorizationPolicy', 'shop/4-route', {
      spec: { targetRef: { group: 'policy.linkerd.io', kind: 'HTTPRoute', name: 's' }, requiredAuthenticationRefs: [] },
    });
  assert.deepEqual(describe(await ask(cluster, 80)), [
    `authorizationpolicy/1-both: a.shop.${ID},*,*.ns1.${ID} from 192.168.0.0/16 fd00::1/128`,
    `authorizationpolicy/2-account: b.other.${ID} from ${EVERYWHERE}`,
    `authorizationpolicy/3-all: unauthenticated from ${EVERYWHERE}`,
    `default/audit: unauthenticated from ${EVERYWHERE}`,
  ]);
});

test('a policy that refers to something missing counts for nothing until it appears', async () => {
  const cluster = new FakeCluster()
    .pod('shop/web')
    .put('Server', 'shop/s', server())
    .put('AuthorizationPolicy', 'shop/p', {
      spec: {
        targetRef: { group: 'policy.linkerd.io', kind: 'Server', name: 's' },
        requiredAuthenticationRefs: [
          { group: 'policy.linkerd.io', kind: 'MeshTLSAuthentication', name: 'late', namespace: 'auth' },
        ],
      },
    });
  const heard = (await start(cluster)).port(80);
  await changes(heard, (found) => found.authorizations.length === 0);
  cluster.put('MeshTLSAuthentication', 'auth/late', { spec: { identities: ['x.test'] } });
  await changes(heard, (found) => describe(found).join() === `authorizationpolicy/p: x.test from ${EVERYWHERE}`);
  await cluster.remove('MeshTLSAuthentication', 'auth/late');
  await changes(heard, (found) => found.authorizations.length === 0);
});

test('annotations that change on a pod are heard; its end completes the watch', async () => {
  const cluster = new FakeCluster().pod('shop/web');
  const heard = (await start(cluster)).port(80);
  await changes(heard, (found) => label(found) === 'default/all-unauthenticated');
  cluster.pod('shop/web', { 'config.linkerd.io/default-inbound-policy': 'deny' });
  await changes(heard, (found) => label(found) === 'default/deny');
  await cluster.remove('Pod', 'shop/web');
  await until(() => heard.ended === 'OK');
  assert.equal(heard.all.length, 2);
});

test('answers with the status that a proxy expects', async () => {
  const scene = await start(new FakeCluster().pod('shop/web').put('Pod', 'shop/plain', { spec: { containers: [] } }));
  const cases: [number, string, string][] = [
    [80, '{"ns":"shop","pod":"gone"}', 'NOT_FOUND'],
    [80, '{"ns":"shop","pod":"plain"}', 'NOT_FOUND'],
    [80, 'nonsense', 'INVALID_ARGUMENT'],
    [0, '{"ns":"shop","pod":"web"}', 'INVALID_ARGUMENT'],
    [65536, '{"ns":"shop","pod":"web"}', 'INVALID_ARGUMENT'],
  ];
  for (const [port, workload, code] of cases) {
    const heard = scene.port(port, workload);
    await until(() => heard.ended !== undefined);
    assert.equal(heard.ended, code, workload);
  }
});
