import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { create, toJson } from '@bufbuild/protobuf';
import { encodeIp, net } from '#api/mesh';
import { ALPHA_ID, IDLE, identityOf, MINUTE_MS, object, ref, type Scene } from './scene.ts';
import { type Heard, names, type PortPolicy } from './watch.ts';

/** A pod with a port `http` 80, where nobody listens: what is told of it is all that matters. */
const pod = (name: string, annotations: Record<string, string> = {}) =>
  object(
    'Pod',
    name,
    {
      terminationGracePeriodSeconds: 2,
      containers: [{ name: 'app', ...IDLE, ports: [{ name: 'http', containerPort: 80 }] }],
    },
    { labels: { app: name }, annotations },
  );
const DEFAULT_POLICY = 'config.linkerd.io/default-inbound-policy';
const PODS = [
  pod('bare'),
  pod('authenticated', { [DEFAULT_POLICY]: 'all-authenticated' }),
  pod('misspelt', { [DEFAULT_POLICY]: 'everyone' }),
  pod('identified', { 'config.linkerd.io/proxy-require-identity-inbound-ports': '80' }),
  pod('opaque', { 'config.linkerd.io/opaque-ports': '80' }),
];
const token = (name: string) => ({ ns: 'shop', pod: name });

/** The Server of the pod `bare`. */
const server = (more: object = {}) =>
  object('Server', 'bare', {
    podSelector: { matchLabels: { app: 'bare' } },
    port: 'http',
    accessPolicy: 'deny',
    ...more,
  });
const SERVER = ref('Server', 'bare');
const policy = (name: string, ...refs: object[]) =>
  object('AuthorizationPolicy', name, { targetRef: SERVER, requiredAuthenticationRefs: refs });

/** `10.0.0.0/8` on the wire. */
function network(cidr: string) {
  const [address = '', prefix] = cidr.split('/');
  const ip = encodeIp(address) ?? assert.fail(`no network: ${cidr}`);
  return toJson(net.IPNetworkSchema, create(net.IPNetworkSchema, { ip, prefixLen: Number(prefix) }));
}
const EVERYWHERE = ['0.0.0.0/0', '::/0'].map((cidr) => ({ net: network(cidr) }));
const UNAUTHENTICATED = { unauthenticated: {} };
const ANY_IDENTITY = { meshTLS: { identities: { suffixes: [{}] } } };
const byDefault = (name: string, authentication: object = UNAUTHENTICATED) => ({
  networks: EVERYWHERE,
  authentication,
  labels: { group: '', kind: 'default', name },
  metadata: { default: name },
});
const resource = (kind: string, name: string) => ({ group: 'policy.linkerd.io', kind, name });
const byObject = (kind: string, name: string, more: object) => ({
  labels: resource(kind, name),
  metadata: { resource: resource(kind, name) },
  ...more,
});
const DEFAULT_ROUTE = { metadata: { default: 'default' }, rules: [{ matches: [{ path: { prefix: '/' } }] }] };
const DETECT = { detect: { timeout: '10s', httpRoutes: [DEFAULT_ROUTE] } };
/** What is told of a port without a Server. */
const defaultPort = (
  name: string,
  { authentication = UNAUTHENTICATED as object, protocol = DETECT as object } = {},
) => ({
  protocol,
  authorizations: [byDefault(name, authentication)],
  labels: { group: '', kind: 'default', name },
});

/** Waits until a port falls under the Server, and is opened by these alone. */
const admitted = (heard: Heard<PortPolicy>, ...wanted: string[]) =>
  heard.becomes(`admitted by ${wanted.join() || 'nothing'}`, ({ labels, authorizations = [] }) =>
    assert.deepEqual([labels['name'], ...names(authorizations)], ['bare', ...wanted]),
  );

/** What the policy controller tells the proxies of workloads about their ports, as they hear it. */
export function inboundApi(scene: () => Scene): void {
  /** Waits until a port of a pod is told exactly this. */
  const told = (name: string, port: number, wanted: object) =>
    scene().watchPort(token(name), port, (heard) =>
      heard.becomes(`port ${port} of ${name}`, (last) => assert.deepEqual(last, wanted)),
    );
  const bare = (body: (heard: Heard<PortPolicy>) => Promise<void>) => scene().watchPort(token('bare'), 80, body);

  describe('what proxies are told of their ports', () => {
    before(
      async () => {
        await scene().apply(PODS);
        await scene().kubectl(`-n shop wait --for=condition=Ready --timeout=50s ${PODS.map(podName).join(' ')}`);
      },
      { timeout: 2 * MINUTE_MS },
    );
    after(() => scene().remove(PODS), { timeout: MINUTE_MS });

    test('a pod without a Server is open to all under the default of the cluster', { timeout: MINUTE_MS }, () =>
      told('bare', 80, defaultPort('all-unauthenticated')),
    );

    test('the proxy’s own port has two routes: the default one, and one of its probes', { timeout: MINUTE_MS }, () =>
      scene().watchPort(token('bare'), 4191, (heard) =>
        heard.becomes('two routes', ({ protocol, authorizations }) => {
          const routes = protocol['detect']?.httpRoutes ?? [];
          assert.deepEqual(names(routes), ['default/default', 'default/probe']);
          assert.deepEqual(routes[0], DEFAULT_ROUTE);
          const get = (path: string) => ({ path: { exact: path }, method: { registered: 'GET' } });
          assert.deepEqual(routes[1], {
            metadata: { default: 'probe' },
            authorizations: [byDefault('probe')],
            rules: [{ matches: [get('/live'), get('/ready')] }],
          });
          assert.deepEqual(authorizations, [byDefault('all-unauthenticated')]);
        }),
      ),
    );

    test('a pod may ask for identities by its annotation', { timeout: MINUTE_MS }, () =>
      told('authenticated', 80, defaultPort('all-authenticated', { authentication: ANY_IDENTITY })),
    );

    test('a default that does not exist is admitted, and leaves that of the cluster', {
      timeout: MINUTE_MS,
    }, async () => {
      const annotations = await scene().kubectl("-n shop get pod misspelt -o jsonpath='{.metadata.annotations}'");
      assert.equal(JSON.parse(annotations)[DEFAULT_POLICY], 'everyone');
      await told('misspelt', 80, defaultPort('all-unauthenticated'));
    });

    test('a port that requires identity asks for it, the others stay open', { timeout: MINUTE_MS }, async () => {
      await told('identified', 80, defaultPort('all-authenticated', { authentication: ANY_IDENTITY }));
      await told('identified', 81, defaultPort('all-unauthenticated'));
    });

    test('an opaque port of the pod is opaque, without a Server', { timeout: MINUTE_MS }, async () => {
      await told('opaque', 80, defaultPort('all-unauthenticated', { protocol: { opaque: {} } }));
      await told('opaque', 81, defaultPort('all-unauthenticated'));
    });

    test('a Server that denies is opened by a ServerAuthorization, to the cluster’s networks', {
      timeout: MINUTE_MS,
    }, async () => {
      const s = scene();
      const flags = await s.kubectl(
        `-n linkerd get deploy linkerd-destination -o jsonpath='{.spec.template.spec.containers[?(@.name=="policy")].args}'`,
      );
      const clusterNetworks = /"--cluster-networks=([^"]+)"/.exec(flags)?.[1]?.split(',') ?? assert.fail(flags);
      const saz = object('ServerAuthorization', 'saz', { server: { name: 'bare' }, client: { unauthenticated: true } });
      await bare((heard) =>
        s.with([server()], async () => {
          await admitted(heard);
          await s.with([saz], async () => {
            await admitted(heard, 'saz');
            const networks = clusterNetworks.map((cidr) => ({ net: network(cidr) }));
            assert.deepEqual(heard.last.authorizations, [
              byObject('serverauthorization', 'saz', { networks, authentication: UNAUTHENTICATED }),
            ]);
          });
          await admitted(heard);
        }),
      );
    });

    test('a policy that requires a network and an identity is one authorization with both', {
      timeout: MINUTE_MS,
    }, async () => {
      const where = object('NetworkAuthentication', 'where', {
        networks: [{ cidr: '10.1.0.0/16', except: ['10.1.2.0/24'] }],
      });
      const who = object('MeshTLSAuthentication', 'who', { identities: [ALPHA_ID, '*.other'] });
      const both = policy('both', ref('NetworkAuthentication', 'where'), ref('MeshTLSAuthentication', 'who'));
      await bare((heard) =>
        scene().with([server(), where, who, both], async () => {
          await admitted(heard, 'both');
          const identities = { identities: [{ name: ALPHA_ID }], suffixes: [{ parts: ['other'] }] };
          assert.deepEqual(heard.last.authorizations, [
            byObject('authorizationpolicy', 'both', {
              networks: [{ net: network('10.1.0.0/16'), except: [network('10.1.2.0/24')] }],
              authentication: { meshTLS: { identities } },
            }),
          ]);
        }),
      );
    });

    test('a policy counts from when what it refers to is there', { timeout: MINUTE_MS }, async () => {
      const s = scene();
      const who = object('MeshTLSAuthentication', 'who', { identities: [ALPHA_ID] });
      // One that is made later and heard of tells that the first was seen before.
      const later = policy('later');
      await bare((heard) =>
        s.with([server(), policy('waits', ref('MeshTLSAuthentication', 'who'))], async () => {
          await s.with([later], () => admitted(heard, 'later'));
          await admitted(heard);
          assert.ok(!JSON.stringify(heard.all).includes('"waits"'));
          await s.with([who], async () => {
            await admitted(heard, 'waits');
            assert.deepEqual(heard.last.authorizations?.[0]?.['authentication'], {
              meshTLS: { identities: { identities: [{ name: ALPHA_ID }] } },
            });
          });
          await admitted(heard);
        }),
      );
    });

    test('routes of a Server are told by age, and what is left when the older one goes', {
      timeout: MINUTE_MS,
    }, async () => {
      const s = scene();
      const route = (name: string) => object('HTTPRoute', name, { parentRefs: [SERVER], rules: [{}] });
      const routes = (heard: Heard<PortPolicy>, ...wanted: string[]) =>
        heard.becomes(`routes ${wanted.join()}`, ({ labels, protocol }) =>
          assert.deepEqual([labels['name'], ...names(protocol['detect']?.httpRoutes)], ['bare', ...wanted]),
        );
      const older = route('z-older');
      await bare((heard) =>
        s.with([server(), older], async () => {
          await routes(heard, 'z-older');
          // Times of creation are seconds: the names of two of the same second would decide.
          await new Promise((resolve) => setTimeout(resolve, 1_100));
          await s.with([route('a-newer')], async () => {
            await routes(heard, 'z-older', 'a-newer');
            const count = heard.all.length;
            await s.remove([older]);
            await routes(heard, 'a-newer');
            assert.equal(heard.all.length, count + 1, 'told once');
          });
          await routes(heard, 'default/default');
        }),
      );
    });

    test('a rate limit is told with its name, its limits and the full names of those of its override', {
      timeout: MINUTE_MS,
    }, async () => {
      const clientRefs = [
        { kind: 'ServiceAccount', name: 'gamma' },
        { kind: 'ServiceAccount', name: 'beta', namespace: 'other' },
      ];
      const limit = object('HTTPLocalRateLimitPolicy', 'limit', {
        targetRef: SERVER,
        total: { requestsPerSecond: 1000 },
        identity: { requestsPerSecond: 100 },
        overrides: [{ requestsPerSecond: 200, clientRefs }],
      });
      const identities = [identityOf('gamma', 'shop'), identityOf('beta', 'other')].map((name) => ({ name }));
      await bare((heard) =>
        scene().with([server({ proxyProtocol: 'HTTP/1' }), limit], () =>
          heard.becomes('the limit', ({ protocol }) =>
            assert.deepEqual(protocol['http1']?.localRateLimit, {
              metadata: { resource: resource('HTTPLocalRateLimitPolicy', 'limit') },
              total: { requestsPerSecond: 1000 },
              identity: { requestsPerSecond: 100 },
              overrides: [{ limit: { requestsPerSecond: 200 }, clients: { identities } }],
            }),
          ),
        ),
      );
    });

    test('an external workload falls under its Server, then under the default; with it the watch ends', {
      timeout: MINUTE_MS,
    }, async () => {
      const s = scene();
      const workload = object(
        'ExternalWorkload',
        'w',
        {
          meshTLS: { identity: 'spiffe://root.test/w', serverName: 'w.test' },
          workloadIPs: [{ ip: '192.0.2.9' }],
          ports: [{ name: 'http', port: 80 }],
        },
        { labels: { app: 'w' } },
      );
      const selected = object('Server', 'of-w', {
        externalWorkloadSelector: { matchLabels: { app: 'w' } },
        port: 'http',
        accessPolicy: 'all-authenticated',
      });
      const byDefaultNow = (last: PortPolicy) => assert.deepEqual(last, defaultPort('all-unauthenticated'));
      await s.with([workload], () =>
        s.watchPort({ ns: 'shop', external_workload: 'w' }, 80, async (heard) => {
          await heard.becomes('the default', byDefaultNow);
          await s.with([selected], () =>
            heard.becomes('the Server', (last) =>
              assert.deepEqual(last, {
                protocol: DETECT,
                authorizations: [byDefault('all-authenticated', ANY_IDENTITY)],
                labels: resource('server', 'of-w'),
              }),
            ),
          );
          await heard.becomes('the default again', byDefaultNow);
          await s.remove([workload]);
          await heard.completes();
        }),
      );
    });
  });
}

const podName = ({ metadata }: { metadata: { name: string } }): string => `pod/${metadata.name}`;
