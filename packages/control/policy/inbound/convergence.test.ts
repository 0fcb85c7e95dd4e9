import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toJson } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { inbound } from '#api/mesh';
import type { WorkloadToken } from '#model/names';
import { parseNetworks } from '../networks.ts';
import { feed, turn } from './feed.fake.ts';
import { policyOn, ref, server } from './listen.fake.ts';
import { type InboundConfig, InboundPolicies } from './server.ts';

const networks = (text: string) => (parseNetworks(text) ?? []).map((network) => ({ network, except: [] }));
const CONFIG: InboundConfig = {
  controlPlaneNamespace: 'linkerd',
  trustDomain: 'cluster.local',
  clusterNetworks: networks('10.0.0.0/8'),
  probeNetworks: networks('0.0.0.0/0'),
  defaultPolicy: 'all-unauthenticated',
};

type Fed = ReturnType<typeof feed>;
/** An object that is put in place; without a body it goes. */
interface Step {
  resource: string;
  key: string;
  body: object | undefined;
}

const onServers = (names: string[]) => ({
  parentRefs: names.map((name) => ({ group: 'policy.linkerd.io', kind: 'Server', name })),
  rules: [{}],
});

const some = fc.constantFrom;
const named = <T extends object>(resource: string, names: string[], body: fc.Arbitrary<T>): fc.Arbitrary<Step> =>
  fc.record({
    resource: fc.constant(resource),
    key: some(...names),
    body: fc.option(body, { nil: undefined, freq: 3 }) as fc.Arbitrary<object | undefined>,
  });
const age = some('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z');
const metadata = (labels: fc.Arbitrary<object>) =>
  fc.record({ metadata: fc.record({ labels, creationTimestamp: age }) });
const withSpec = (spec: fc.Arbitrary<object>, labels: fc.Arbitrary<object> = fc.constant({})) =>
  fc.tuple(metadata(labels), spec).map(([meta, body]) => ({ ...meta, spec: body }));
const app = some({ app: 'a' }, { app: 'b' });
const tier = some({}, { tier: 'x' });

const PORTS = [80, 81];
const pods = named(
  '/pods',
  ['shop/p', 'shop/q'],
  withSpec(
    some(
      [{ name: 'http', containerPort: 80 }],
      [80, 81].map((containerPort) => ({ name: 'http', containerPort })),
    ).map((ports) => ({ containers: [{ name: 'c', ports, livenessProbe: { httpGet: { port: 'http' } } }] })),
    app,
  ),
);
const servers = named(
  'servers',
  ['shop/s', 'shop/t'],
  withSpec(
    fc.record({
      podSelector: some({}, { matchLabels: { app: 'a' } }, { matchExpressions: [{ key: 'app', operator: 'Exists' }] }),
      port: some<(string | number)[]>('http', 80, 'none'),
      proxyProtocol: some('unknown', 'HTTP/2', 'gRPC', 'bad'),
      accessPolicy: some('deny', 'audit'),
    }),
    tier,
  ),
);
const authorizations = named(
  'serverauthorizations',
  ['shop/z', 'shop/y'],
  withSpec(
    fc.record({
      server: some<object[]>({ name: 's' }, { name: 't' }, { selector: { matchLabels: { tier: 'x' } } }),
      client: some<object[]>({ unauthenticated: true }, { meshTLS: { identities: ['i'] } }, {}),
    }),
  ),
);
const required = fc.subarray([
  ref('MeshTLSAuthentication', 'm', { namespace: 'auth' }),
  ref('NetworkAuthentication', 'n'),
]);
const policies = named(
  'authorizationpolicies',
  ['shop/p', 'shop/o'],
  fc
    .tuple(some('Server s', 'Server t', 'HTTPRoute r', 'GRPCRoute g', 'Namespace shop'), required)
    .map(([target, refs]) => {
      const [kind = '', name = ''] = target.split(' ');
      const group = { GRPCRoute: 'gateway.networking.k8s.io', Namespace: '' }[kind];
      return policyOn(kind, name, refs, group);
    }),
);
const meshTls = named(
  'meshtlsauthentications',
  ['auth/m'],
  withSpec(some({ identities: ['*'] }, { identities: ['j'] })),
);
const network = named(
  'networkauthentications',
  ['shop/n'],
  withSpec(fc.constant({ networks: [{ cidr: '10.1.0.0/16' }] })),
);
const parents = fc.subarray(['s', 't']).map(onServers);
const routes = fc.oneof(
  named('httproutes', ['shop/r'], withSpec(parents)),
  named('gateway.networking.k8s.io/httproutes', ['shop/r'], withSpec(parents)),
  named('gateway.networking.k8s.io/grpcroutes', ['shop/g'], withSpec(parents)),
);
const limits = named(
  'httplocalratelimitpolicies',
  ['shop/l', 'shop/k'],
  withSpec(
    some('s', 't').map((name) => ({
      targetRef: { group: 'policy.linkerd.io', kind: 'Server', name },
      total: { requestsPerSecond: 5 },
    })),
  ),
);
const steps = fc.array(fc.oneof(pods, servers, authorizations, policies, meshTls, network, routes, limits), {
  minLength: 1,
  maxLength: 40,
});

/** A world in which everything has a part, so that each step is likely to matter. */
const BEGINNING: readonly Step[] = [
  {
    resource: '/pods',
    key: 'shop/p',
    body: {
      metadata: { labels: { app: 'a' } },
      spec: { containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 80 }] }] },
    },
  },
  { resource: 'servers', key: 'shop/s', body: { metadata: { labels: { tier: 'x' } }, ...server() } },
  { resource: 'httproutes', key: 'shop/r', body: { spec: onServers(['s', 't']) } },
  {
    resource: 'authorizationpolicies',
    key: 'shop/p',
    body: policyOn('HTTPRoute', 'r', [ref('MeshTLSAuthentication', 'm', { namespace: 'auth' })]),
  },
  {
    resource: 'authorizationpolicies',
    key: 'shop/o',
    body: policyOn('Namespace', 'shop', [ref('NetworkAuthentication', 'n')], ''),
  },
  { resource: 'meshtlsauthentications', key: 'auth/m', body: { spec: { identities: ['i'] } } },
  { resource: 'networkauthentications', key: 'shop/n', body: { spec: { networks: [{ cidr: '10.2.0.0/16' }] } } },
];

function apply(fed: Fed, { resource, key, body }: Step): void {
  if (body) fed.put(resource, key, body);
  else fed.remove(resource, key);
}

type Asked = { token: WorkloadToken; port: number };

function answer({ view }: Fed, policies: InboundPolicies, { token, port }: Asked): unknown {
  const subject = view.subject(token);
  return subject && toJson(inbound.ServerSchema, policies.of(subject, port));
}
const anew = (fed: Fed, asked: Asked): unknown => answer(fed, new InboundPolicies(fed.view, CONFIG), asked);

test('whatever comes and goes in whatever order, who listens knows what one who asks anew is told', async () => {
  const asked = ['p', 'q'].flatMap((name) =>
    PORTS.map((port) => ({ token: { kind: 'pod', namespace: 'shop', name } as const, port })),
  );
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const fed = feed();
      const policies = new InboundPolicies(fed.view, CONFIG);
      const known = new Map<object, unknown>();
      for (const each of asked)
        fed.view.onPort(each.token, each.port, () => known.set(each, answer(fed, policies, each)));
      const stored = new Map<string, Step>();
      for (const step of [...BEGINNING, ...list]) {
        apply(fed, step);
        const id = `${step.resource} ${step.key}`;
        // What cannot be read leaves what was there, so the last that could be read counts.
        if (!step.body || fed.skipped.length === 0) stored.delete(id);
        if (step.body && fed.skipped.length === 0) stored.set(id, step);
        fed.skipped.length = 0;
        await turn();
        for (const each of asked) assert.deepEqual(known.get(each), anew(fed, each), JSON.stringify(step));
      }
      const fresh = feed();
      for (const step of stored.values()) apply(fresh, step);
      for (const each of asked) assert.deepEqual(answer(fed, policies, each), anew(fresh, each));
    }),
    { numRuns: 100 },
  );
});
