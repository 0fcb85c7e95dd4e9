import type { MessageInitShape } from '@bufbuild/protobuf';
import type { outbound } from '#api/mesh';
import { ms, named, resource } from './values.ts';

type HttpRule = MessageInitShape<typeof outbound.HttpRoute_RuleSchema>;
type GrpcRule = MessageInitShape<typeof outbound.GrpcRoute_RuleSchema>;

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
