import type { grpcRoute, outbound } from '#api/mesh';
import type { EwmaConfig } from '#model/balance';
import {
  type Backend,
  type Distribution,
  defaultMeta,
  type HttpFilter,
  type HttpMatch,
  type OutboundHttpRoute,
  type OutboundOpaqueRoute,
  type OutboundPolicy,
} from '../types.ts';
import {
  decodeEndpoint,
  decodeFilter,
  decodeHost,
  decodeMatch,
  decodeMeta,
  durationMs,
  Invalid,
  need,
} from './common.ts';

/** How to reach a destination, from the wire. All or nothing: any violation makes a policy whose requests fail. */
export function decodeOutbound(policy: outbound.OutboundPolicy): OutboundPolicy {
  try {
    const parent = decodeMeta(policy.metadata, 'the policy');
    return { parent, ...decodeProtocol(need(policy.protocol, 'the protocol')) };
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    const invalid = `invalid client policy configuration: ${error.message}`;
    return { protocol: 'detect', parent: defaultMeta('invalid'), httpRoutes: [], opaqueRoute: undefined, invalid };
  }
}

function decodeProtocol({ kind }: outbound.ProxyProtocol): Omit<OutboundPolicy, 'parent'> {
  switch (kind.case) {
    case 'detect': {
      need(kind.value.timeout, 'the timeout of detection');
      need(kind.value.http2, 'the HTTP/2 part of detection').routes.map(decodeHttpRoute);
      const { routes } = need(kind.value.http1, 'the HTTP/1 part of detection');
      const opaque = need(kind.value.opaque, 'the opaque part of detection');
      return { protocol: 'detect', httpRoutes: routes.map(decodeHttpRoute), opaqueRoute: decodeOpaque(opaque.routes) };
    }
    case 'http1':
    case 'http2':
      return { protocol: kind.case, httpRoutes: kind.value.routes.map(decodeHttpRoute), opaqueRoute: undefined };
    case 'grpc':
      return { protocol: 'grpc', httpRoutes: kind.value.routes.map(decodeGrpcRoute), opaqueRoute: undefined };
    case 'opaque':
      return { protocol: 'opaque', httpRoutes: [], opaqueRoute: decodeOpaque(kind.value.routes) };
    case 'tls':
      return { protocol: 'tls', httpRoutes: [], opaqueRoute: decodeOpaque(kind.value.routes.slice(0, 1)) };
    default:
      throw new Invalid('the kind of protocol is missing');
  }
}

function decodeHttpRoute(route: outbound.HttpRoute): OutboundHttpRoute {
  return {
    meta: decodeMeta(route.metadata, 'a route'),
    hosts: route.hosts.map(decodeHost),
    rules: route.rules.map((rule) => ({
      matches: rule.matches.map(decodeMatch),
      filters: rule.filters.map(decodeFilter),
      distribution: decodeDistribution(rule.backends, decodeFilter),
    })),
  };
}

function decodeGrpcRoute(route: outbound.GrpcRoute): OutboundHttpRoute {
  return {
    meta: decodeMeta(route.metadata, 'a route'),
    hosts: route.hosts.map(decodeHost),
    rules: route.rules.map((rule) => ({
      matches: rule.matches.map(decodeGrpcMatch),
      filters: rule.filters.filter(({ kind }) => kind.case === 'requestHeaderModifier').map(decodeFilter),
      distribution: decodeDistribution(rule.backends, () => undefined),
    })),
  };
}

/** gRPC calls are POST requests to `/service/method`. */
function decodeGrpcMatch({ rpc, headers }: grpcRoute.GrpcRouteMatch): HttpMatch {
  const { service = '', method = '' } = rpc ?? {};
  const path =
    method === ''
      ? ({ kind: 'prefix', value: `/${service}` } as const)
      : ({ kind: 'exact', value: `/${service}/${method}` } as const);
  const asHttp = decodeMatch({ headers, queryParams: [] } as unknown as Parameters<typeof decodeMatch>[0]);
  return { ...asHttp, path: service === '' && method === '' ? undefined : path, method: 'POST' };
}

/** The four route types have equal distributions under different names; this is what they share. */
interface WireDistribution {
  readonly kind:
    | { case: 'empty' }
    | { case: 'firstAvailable'; value: { backends: WireRouteBackend[] } }
    | { case: 'randomAvailable'; value: { backends: { backend?: WireRouteBackend | undefined; weight: number }[] } }
    | { case: undefined };
}
interface WireRouteBackend {
  backend?: outbound.Backend | undefined;
  filters: { kind: { case: string | undefined; value?: unknown } }[];
}

type FilterDecoder = (filter: WireRouteBackend['filters'][number]) => HttpFilter | undefined;

function decodeDistribution(wire: unknown, filter: FilterDecoder): Distribution {
  const { kind } = need(wire as WireDistribution | undefined, 'the backends of a rule');
  const one = (route: WireRouteBackend | undefined, weight: number) => ({
    backend: decodeBackend(need(route?.backend, 'a backend')),
    weight,
    filters: (route?.filters ?? []).flatMap((wireFilter) => filter(wireFilter) ?? []),
  });
  switch (kind.case) {
    case 'empty':
      return { kind: 'empty', backends: [] };
    case 'firstAvailable':
      if (kind.value.backends.length === 0) throw new Invalid('a rule with an empty list of backends');
      return { kind: 'first', backends: kind.value.backends.map((backend) => one(backend, 1)) };
    case 'randomAvailable':
      if (kind.value.backends.length === 0) throw new Invalid('a rule with an empty list of backends');
      return { kind: 'random', backends: kind.value.backends.map(({ backend, weight }) => one(backend, weight)) };
    default:
      throw new Invalid('a distribution without a kind');
  }
}

function decodeBackend(backend: outbound.Backend): Backend {
  const meta = decodeMeta(backend.metadata, 'a backend');
  need(need(backend.queue, 'the queue of a backend').failfastTimeout, 'the fail-fast timeout of a backend');
  const { kind } = backend;
  if (kind.case === 'forward') {
    const endpoint = need(decodeEndpoint(kind.value), 'the address of a backend');
    return { meta, target: { kind: 'forward', endpoint } };
  }
  if (kind.case !== 'balancer') return { meta, target: { kind: 'none' } };
  const dst = need(kind.value.discovery, 'the discovery of a backend').kind.value;
  const path = need(dst, 'the discovery of a backend').path;
  return { meta, target: { kind: 'balancer', path, ewma: decodeLoad(kind.value.load) } };
}

function decodeLoad(load: outbound.Backend_BalanceP2c['load']): EwmaConfig {
  if (load.case === 'peakEwma') {
    const defaultRttMs = durationMs(need(load.value.defaultRtt, 'the default RTT of a balancer'));
    return { defaultRttMs, decayMs: durationMs(need(load.value.decay, 'the decay of a balancer')) };
  }
  if (load.case !== 'penaltyPeakEwma') throw new Invalid('the load of a balancer is missing');
  const { defaultRtt, decay, penalty, maxRetryAfter } = load.value;
  return {
    defaultRttMs: defaultRtt ? durationMs(defaultRtt) : 30,
    decayMs: decay ? durationMs(decay) : 10_000,
    penaltyMs: penalty ? durationMs(penalty) : 5_000,
    retryAfterMaxMs: maxRetryAfter ? durationMs(maxRetryAfter) : 300_000,
  };
}

/** At most one route with exactly one rule. */
function decodeOpaque(routes: readonly (outbound.OpaqueRoute | outbound.TlsRoute)[]): OutboundOpaqueRoute | undefined {
  const [route, second] = routes;
  if (!route) return undefined;
  if (second) throw new Invalid('more than one opaque route');
  const [rule, other] = route.rules;
  if (!rule || other) throw new Invalid('an opaque route must have exactly one rule');
  const reason = rule.filters.find(({ kind }) => kind.case !== undefined)?.kind.case;
  return {
    meta: decodeMeta(route.metadata, 'an opaque route'),
    distribution: decodeDistribution(rule.backends, () => undefined),
    refuse: reason === 'forbidden' ? 'forbidden' : reason === 'invalid' ? 'invalid_backend' : undefined,
  };
}
