import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { destination, encodeTcpAddress, inbound, outbound } from '#api/mesh';
import { DEFAULT_ROUTE, LOCALHOST } from '../default-policy.ts';
import { decodeUpdate } from './destination.ts';
import { decodeServer } from './inbound.ts';
import { decodeOutbound } from './outbound.ts';

const server = (init: MessageInitShape<typeof inbound.ServerSchema>) =>
  decodeServer(create(inbound.ServerSchema, init));
const seconds = (count: number) => ({ seconds: BigInt(count), nanos: 500_000_000 });

const everywhere = { net: { ip: { ip: { case: 'ipv4', value: 0 } }, prefixLen: 0 } } as const;
const detect = { kind: { case: 'detect', value: { timeout: seconds(10) } } } as const;
const labels = { group: 'policy.linkerd.io', kind: 'server', name: 'web' };

test('a port policy from the wire, with localhost always let in', () => {
  const policy = server({
    protocol: detect,
    labels,
    authorizations: [
      {
        networks: [everywhere],
        authentication: {
          permit: {
            case: 'meshTLS',
            value: {
              clients: {
                case: 'identities',
                value: { identities: [{ name: 'a.b' }], suffixes: [{ parts: ['x', 'y'] }, { parts: [] }] },
              },
            },
          },
        },
        labels: { name: 'default:all-authenticated' },
      },
    ],
  });
  assert.equal(policy.invalid, undefined);
  assert.equal(policy.protocol, 'detect');
  assert.equal(policy.detectTimeoutMs, 10_500);
  assert.deepEqual([policy.meta.group, policy.meta.kind, policy.meta.name], ['policy.linkerd.io', 'server', 'web']);
  assert.equal(policy.authorizations.length, 2);
  assert.equal(policy.authorizations[1], LOCALHOST);
  const [first] = policy.authorizations;
  assert.deepEqual([first?.meta.kind, first?.meta.name], ['default', 'all-authenticated']);
  assert.deepEqual(first?.clients, { identities: new Set(['a.b']), suffixes: ['x.y', ''] });
  assert.deepEqual(policy.routes, [DEFAULT_ROUTE]);
});

const UNUSABLE: Record<string, [MessageInitShape<typeof inbound.ServerSchema>, RegExp]> = {
  'no protocol': [{ labels }, /the protocol is missing/],
  'no kind of protocol': [{ labels, protocol: {} }, /kind of protocol/],
  'no timeout of detection': [{ labels, protocol: { kind: { case: 'detect', value: {} } } }, /timeout of detection/],
  'no name': [{ protocol: detect, labels: { kind: 'server' } }, /label "name"/],
  'no networks': [
    {
      labels,
      protocol: detect,
      authorizations: [{ authentication: { permit: { case: 'unauthenticated', value: {} } }, labels }],
    },
    /without networks/,
  ],
  'no authentication': [
    { labels, protocol: detect, authorizations: [{ networks: [everywhere], labels }] },
    /authentication/,
  ],
};
for (const [name, [message, reason]] of Object.entries(UNUSABLE))
  test(`a port policy with ${name} lets nothing in`, () => {
    const policy = server(message);
    assert.match(policy.invalid ?? '', reason);
    assert.deepEqual(policy.authorizations, []);
  });

const service = {
  kind: { case: 'resource', value: { group: 'core', kind: 'Service', name: 'web', namespace: 'a', port: 80 } },
} as const;
const backend = (kind: MessageInitShape<typeof outbound.BackendSchema>['kind']) =>
  ({ metadata: service, queue: { capacity: 100, failfastTimeout: seconds(3) }, kind }) as const;
const balancer = backend({
  case: 'balancer',
  value: {
    discovery: { kind: { case: 'dst', value: { path: 'web.a.svc.cluster.local:80' } } },
    load: { case: 'peakEwma', value: { defaultRtt: { seconds: 0n, nanos: 30_000_000 }, decay: seconds(10) } },
  },
});
const httpRoute = {
  metadata: { kind: { case: 'default', value: 'http' } },
  rules: [{ backends: { kind: { case: 'firstAvailable', value: { backends: [{ backend: balancer }] } } } }],
} as const;
const opaqueRoute = {
  metadata: { kind: { case: 'default', value: 'opaq' } },
  rules: [{ backends: { kind: { case: 'firstAvailable', value: { backends: [{ backend: balancer }] } } } }],
} as const;

const policy = (init: MessageInitShape<typeof outbound.OutboundPolicySchema>) =>
  decodeOutbound(create(outbound.OutboundPolicySchema, init));
const detected = (changes: object = {}) =>
  policy({
    metadata: service,
    protocol: {
      kind: {
        case: 'detect',
        value: {
          timeout: seconds(10),
          http1: { routes: [httpRoute] },
          http2: { routes: [httpRoute] },
          opaque: { routes: [opaqueRoute] },
          ...changes,
        } as unknown as MessageInitShape<typeof outbound.ProxyProtocol_DetectSchema>,
      },
    },
  });

test('an outbound policy from the wire', () => {
  const decoded = detected();
  assert.equal(decoded.invalid, undefined);
  assert.deepEqual([decoded.parent.kind, decoded.parent.port], ['Service', 80]);
  assert.deepEqual(decoded.http1.routes[0]?.rules[0]?.distribution.backends[0]?.backend.target, {
    kind: 'balancer',
    path: 'web.a.svc.cluster.local:80',
    ewma: { defaultRttMs: 30, decayMs: 10_500 },
  });
  assert.equal(decoded.opaqueRoute?.meta.name, 'opaq');
});

test('a balancer may be asked to keep requests in the zone, within a band that rises', () => {
  const zoned = (zonePreference: { low: number; high: number }) => {
    const kind = { case: 'balancer' as const, value: { ...balancer.kind!.value, zonePreference } };
    const backends = {
      kind: { case: 'firstAvailable' as const, value: { backends: [{ backend: { ...balancer, kind } }] } },
    };
    return detected({ http1: { routes: [{ ...httpRoute, rules: [{ backends }] }] } });
  };
  const decoded = zoned({ low: 0.5, high: 1.5 }).http1.routes[0]?.rules[0]?.distribution.backends[0]?.backend.target;
  assert.deepEqual(decoded?.kind === 'balancer' && decoded.zones, { low: 0.5, high: 1.5 });
  assert.match(zoned({ low: 2, high: 1 }).invalid ?? '', /must rise, got 2 to 1/);
});

test('a forbidden opaque route refuses, and a backend of no kind leads nowhere', () => {
  const refused = policy({
    metadata: service,
    protocol: {
      kind: {
        case: 'opaque',
        value: {
          routes: [
            {
              metadata: { kind: { case: 'default', value: 'undefined-port' } },
              rules: [
                {
                  backends: { kind: { case: 'empty', value: {} } },
                  filters: [{ kind: { case: 'forbidden', value: {} } }],
                },
              ],
            },
          ],
        },
      },
    },
  });
  assert.equal(refused.opaqueRoute?.refuse, 'forbidden');
  const nowhere = {
    ...httpRoute,
    rules: [
      {
        backends: {
          kind: { case: 'firstAvailable', value: { backends: [{ backend: backend({ case: undefined }) }] } },
        },
      },
    ],
  };
  assert.equal(
    detected({ http1: { routes: [nowhere] } }).http1.routes[0]?.rules[0]?.distribution.backends[0]?.backend.target.kind,
    'none',
  );
});

test('half-made outbound policies are refused whole', () => {
  assert.match(detected({ timeout: undefined }).invalid ?? '', /timeout/);
  assert.match(detected({ http2: undefined }).invalid ?? '', /HTTP\/2/);
  assert.match(
    detected({ opaque: { routes: [opaqueRoute, opaqueRoute] } }).invalid ?? '',
    /more than one opaque route/,
  );
  assert.match(policy({ protocol: { kind: { case: 'opaque', value: {} } } }).invalid ?? '', /metadata/);
  const bad = { case: 'resource', value: { group: 'core', kind: 'Service', name: 'web' } } as const;
  assert.match(
    policy({ metadata: { kind: bad }, protocol: { kind: { case: 'opaque', value: {} } } }).invalid ?? '',
    /namespace/,
  );
  const noBackends = { ...httpRoute, rules: [{}] };
  assert.match(detected({ http1: { routes: [noBackends] } }).invalid ?? '', /backends of a rule/);
});

const update = (init: MessageInitShape<typeof destination.UpdateSchema>) =>
  decodeUpdate(create(destination.UpdateSchema, init));
const addr = encodeTcpAddress('10.42.0.7', 8080);

test('endpoints from the wire: labels joined, identity, hints', () => {
  const decoded = update({
    update: {
      case: 'add',
      value: {
        metricLabels: { service: 'web', namespace: 'a' },
        addrs: [
          {
            ...(addr && { addr }),
            metricLabels: { pod: 'web-1' },
            tlsIdentity: {
              strategy: { case: 'dnsLikeIdentity', value: { name: 'web.a' } },
              serverName: { name: 'sni.web' },
            },
            protocolHint: { protocol: { case: 'h2', value: {} }, opaqueTransport: { inboundPort: 4143 } },
          },
        ],
      },
    },
  });
  assert.deepEqual(decoded, {
    kind: 'add',
    endpoints: [
      {
        ip: '10.42.0.7',
        port: 8080,
        tls: { identity: 'web.a', serverName: 'sni.web' },
        h2: true,
        opaque: false,
        inboundPort: 4143,
        authorityOverride: undefined,
        labels: { service: 'web', namespace: 'a', pod: 'web-1' },
        weight: 1,
        zone: '',
        locality: 'unknown',
        priority: 0,
        http2: undefined,
        resource: undefined,
      },
    ],
  });
});

test('an identity that cannot be used means plain text, and an update without a usable address is ignored', () => {
  const withTls = (tlsIdentity: object) => {
    const decoded = update({ update: { case: 'add', value: { addrs: [{ ...(addr && { addr }), tlsIdentity }] } } });
    return decoded?.kind === 'add' ? decoded.endpoints[0]?.tls : 'ignored';
  };
  assert.equal(withTls({ strategy: { case: 'dnsLikeIdentity', value: { name: 'ends.with.dot.' } } }), undefined);
  assert.equal(withTls({ strategy: { case: 'uriLikeIdentity', value: { uri: 'spiffe://a/b' } } }), undefined);
  assert.deepEqual(
    withTls({ strategy: { case: 'uriLikeIdentity', value: { uri: 'spiffe://a/b' } }, serverName: { name: 'x' } }),
    {
      identity: 'spiffe://a/b',
      serverName: 'x',
    },
  );
  assert.equal(update({ update: { case: 'add', value: { addrs: [{}] } } }), undefined);
  assert.equal(update({}), undefined);
});
