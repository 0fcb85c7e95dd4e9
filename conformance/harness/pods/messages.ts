/** Messages of the mesh's API as a control plane sends them, made from the few words that scenarios vary. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type destination, encodeIp, encodeTcpAddress, type inbound, type meta, type outbound } from '#api/mesh';

type Metadata = MessageInitShape<typeof meta.MetadataSchema>;
type HttpRule = MessageInitShape<typeof outbound.HttpRoute_RuleSchema>;
type GrpcRule = MessageInitShape<typeof outbound.GrpcRoute_RuleSchema>;
type Authz = MessageInitShape<typeof inbound.AuthzSchema>;

/** One address of a destination. */
export interface Endpoint {
  readonly ip: string;
  readonly port: number;
  /** Identity of its proxy, a DNS name or a SPIFFE URI; absent: not meshed. */
  readonly identity?: string;
  /** What is asked for in the handshake; absent: the identity. */
  readonly serverName?: string;
  /** The name behind it, where it is a gateway. */
  readonly authority?: string;
  /** Of its proxy; absent: dialled at its own port. */
  readonly inboundPort?: number;
  readonly hint?: 'h2' | 'opaque';
  readonly weight?: number;
  readonly priority?: number;
  readonly labels?: Record<string, string>;
}

/** `Duration` from milliseconds. */
export const ms = (value: number) => ({ seconds: BigInt(Math.floor(value / 1000)), nanos: (value % 1000) * 1_000_000 });

export const named = (value: string): Metadata => ({ kind: { case: 'default', value } });

export const resource = (kind: string, name: string, group = 'policy.linkerd.io', port = 0): Metadata => ({
  kind: { case: 'resource', value: { group, kind, name, namespace: 'a', port } },
});

export function weightedAddr(endpoint: Endpoint): MessageInitShape<typeof destination.WeightedAddrSchema> {
  const {
    ip,
    port,
    identity: name,
    inboundPort,
    authority,
    hint,
    weight = 10_000,
    priority = 0,
    labels = {},
  } = endpoint;
  return {
    addr: encodeTcpAddress(ip, port)!,
    weight,
    priority,
    metricLabels: labels,
    ...(name !== undefined && {
      tlsIdentity: {
        strategy: name.includes('://')
          ? { case: 'uriLikeIdentity' as const, value: { uri: name } }
          : { case: 'dnsLikeIdentity' as const, value: { name } },
        serverName: { name: endpoint.serverName ?? name },
      },
    }),
    ...(authority !== undefined && { authorityOverride: { authorityOverride: authority } }),
    protocolHint: {
      ...(hint && { protocol: { case: hint, value: {} } as const }),
      ...(inboundPort !== undefined && { opaqueTransport: { inboundPort } }),
    },
  };
}

export interface BalancerOptions {
  readonly load?: 'peakEwma' | 'penaltyPeakEwma';
  /** Requests awaiting their response per endpoint, between which no zone is added or dropped. */
  readonly zones?: { readonly low: number; readonly high: number };
}

/** A backend that balances over the endpoints of `path`. */
export function balancer(
  path: string,
  { load = 'peakEwma', zones }: BalancerOptions = {},
): MessageInitShape<typeof outbound.BackendSchema> {
  const durations = { defaultRtt: ms(30), decay: ms(10_000) };
  return {
    metadata: resource('Service', path.split('.')[0] ?? path, 'core', Number(path.split(':')[1])),
    queue: { capacity: 100, failfastTimeout: ms(3_000) },
    kind: {
      case: 'balancer',
      value: {
        discovery: { kind: { case: 'dst', value: { path } } },
        ...(zones && { zonePreference: zones }),
        load:
          load === 'peakEwma'
            ? { case: load, value: durations }
            : { case: load, value: { ...durations, penalty: ms(5_000), maxRetryAfter: ms(300_000) } },
      },
    },
  };
}

/** All requests to one destination. */
export const to = (path: string, options: BalancerOptions = {}) => ({
  kind: { case: 'firstAvailable' as const, value: { backends: [{ backend: balancer(path, options) }] } },
});

/** Requests split by weight. */
export const split = (weights: Readonly<Record<string, number>>) => ({
  kind: {
    case: 'randomAvailable' as const,
    value: {
      backends: Object.entries(weights).map(([path, weight]) => ({ backend: { backend: balancer(path) }, weight })),
    },
  },
});

export interface PolicyOptions extends BalancerOptions {
  readonly protocol?: 'detect' | 'http1' | 'http2' | 'grpc' | 'opaque' | 'tls';
  /** Rules of the only HTTP route; default: everything to `path`. */
  readonly rules?: readonly HttpRule[];
  /** Likewise of the only gRPC route. */
  readonly grpcRules?: readonly GrpcRule[];
  /** Destinations of TLS connections, by server name. */
  readonly servers?: Readonly<Record<string, string>>;
  readonly failureAccrual?: MessageInitShape<typeof outbound.FailureAccrualSchema>;
}

/** How a Service's port is reached: what the policy controller says of one, with the given rules. */
export function servicePolicy(
  path: string,
  options: PolicyOptions = {},
): MessageInitShape<typeof outbound.OutboundPolicySchema> {
  const { protocol = 'detect', failureAccrual, servers = {} } = options;
  const backends = to(path, options);
  const explicit = resource('HTTPRoute', 'route', 'gateway.networking.k8s.io');
  const metadata = options.rules || options.grpcRules ? explicit : named('http');
  const breaker = failureAccrual && { failureAccrual };
  const http = { routes: [{ metadata, rules: [...(options.rules ?? [{ backends }])] }], ...breaker };
  const whole = (kind: MessageInitShape<typeof outbound.ProxyProtocolSchema>['kind']) => ({
    metadata: balancer(path).metadata!,
    protocol: { kind: kind! },
  });
  const opaque = { routes: [{ metadata: named('opaq'), rules: [{ backends }] }] };
  switch (protocol) {
    case 'detect':
      return whole({ case: protocol, value: { timeout: ms(10_000), http1: http, http2: http, opaque } });
    case 'grpc': {
      const routes = [{ metadata, rules: [...(options.grpcRules ?? [{ backends }])] }];
      return whole({ case: protocol, value: { routes, ...breaker } });
    }
    case 'opaque':
      return whole({ case: protocol, value: opaque });
    case 'tls':
      return whole({
        case: protocol,
        value: {
          routes: Object.entries(servers).map(([name, backend]) => ({
            metadata: resource('TLSRoute', name, 'gateway.networking.k8s.io'),
            snis: [{ match: { case: 'exact' as const, value: name } }],
            rules: [{ backends: to(backend) }],
          })),
        },
      });
    default:
      return whole({ case: protocol, value: http });
  }
}

const EVERYWHERE = ['0.0.0.0', '::'].map((ip) => ({ net: { ip: encodeIp(ip)!, prefixLen: 0 } }));

const unauthenticated = { permit: { case: 'unauthenticated' as const, value: {} } };

/** Anybody from anywhere. */
export const anybody: Authz = {
  networks: EVERYWHERE,
  authentication: unauthenticated,
  metadata: named('all-unauthenticated'),
};

/** Anybody but who comes from an IPv4 address. */
export const anybodyBut = (ip: string): Authz => ({
  networks: EVERYWHERE.map((network) => ({ ...network, except: [{ ip: encodeIp(ip)!, prefixLen: 32 }] })),
  authentication: unauthenticated,
  metadata: named('all-but-one'),
});

/** Anybody, and it is written down. */
export const audited: Authz = { networks: EVERYWHERE, authentication: unauthenticated, metadata: named('audit') };

type Clients = MessageInitShape<typeof inbound.Authn_PermitMeshTLS_PermitClientIdentitiesSchema>;

const identified = (value: Clients) => ({
  permit: { case: 'meshTLS' as const, value: { clients: { case: 'identities' as const, value } } },
});

/** Anybody with an identity. */
export const authenticated: Authz = {
  networks: EVERYWHERE,
  // A suffix of no parts is every identity's.
  authentication: identified({ suffixes: [{ parts: [] }] }),
  metadata: named('all-authenticated'),
};

/** Only clients with these identities. */
export const only = (...identities: string[]): Authz => ({
  networks: EVERYWHERE,
  authentication: identified({ identities: identities.map((name) => ({ name })) }),
  metadata: resource('authorizationpolicy', 'only'),
});

/** A port open to everyone whose protocol is found by looking; what is given replaces parts of it. */
export function everyone(changes: Partial<PortPolicy> = {}): PortPolicy {
  const routes = [{ metadata: named('default'), rules: [{}] }];
  return {
    protocol: { kind: { case: 'detect', value: { timeout: ms(1_000), httpRoutes: routes } } },
    labels: { group: '', kind: 'default', name: 'all-unauthenticated' },
    authorizations: [anybody],
    ...changes,
  };
}

/** What the policy controller says of a port. */
export interface PortPolicy {
  readonly protocol: MessageInitShape<typeof inbound.ProxyProtocolSchema>;
  readonly labels: Record<string, string>;
  readonly authorizations: Authz[];
}
