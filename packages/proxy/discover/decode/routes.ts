import type { outbound } from '#api/mesh';
import type { BackoffConfig } from '../backoff.ts';
import type {
  BreakerPolicy,
  HttpPolicy,
  OutboundHttpRoute,
  OutboundOpaqueRoute,
  OutboundTlsRoute,
  RetryPolicy,
  RouteTimeouts,
} from '../types.ts';
import { decodeBackend, decodeDistribution, noFilters } from './backends.ts';
import { filterDecoder } from './filters.ts';
import { decodeGrpcMatches, decodeHost, decodeMatch } from './match.ts';
import { boundMs, decodeMeta, durationMs, Invalid, need, within } from './values.ts';

const httpFilter = filterDecoder('http', decodeBackend);
const grpcFilter = filterDecoder('grpc', decodeBackend);

/** Routes of HTTP and when endpoints are shut out, of either version. */
export function decodeHttpPolicy({
  routes,
  failureAccrual,
}: outbound.ProxyProtocol_Http1 | outbound.ProxyProtocol_Http2) {
  return {
    routes: routes.map(decodeHttpRoute),
    breaker: failureAccrual && decodeBreaker(failureAccrual),
  } as HttpPolicy;
}

export function decodeGrpcPolicy({ routes, failureAccrual }: outbound.ProxyProtocol_Grpc): HttpPolicy {
  return { routes: routes.map(decodeGrpcRoute), breaker: failureAccrual && decodeBreaker(failureAccrual) };
}

function decodeHttpRoute(route: outbound.HttpRoute): OutboundHttpRoute {
  return {
    meta: decodeMeta(route.metadata, 'a route'),
    hosts: route.hosts.map(decodeHost),
    rules: route.rules.map((rule) => ({
      matches: rule.matches.map(decodeMatch),
      filters: rule.filters.map(httpFilter),
      distribution: decodeDistribution(rule.backends, httpFilter),
      ...decodeCare(rule, (conditions: outbound.HttpRoute_Retry_Conditions) => ({
        statuses: conditions.statusRanges.map(decodeStatuses),
        grpcCodes: [],
      })),
    })),
  };
}

function decodeGrpcRoute(route: outbound.GrpcRoute): OutboundHttpRoute {
  return {
    meta: decodeMeta(route.metadata, 'a route'),
    hosts: route.hosts.map(decodeHost),
    rules: route.rules.map((rule) => ({
      matches: decodeGrpcMatches(rule.matches),
      filters: rule.filters.map(grpcFilter),
      distribution: decodeDistribution(rule.backends, grpcFilter),
      ...decodeCare(rule, (conditions: outbound.GrpcRoute_Retry_Conditions) => ({
        statuses: [],
        grpcCodes: decodeCodes(conditions),
      })),
    })),
  };
}

/** What rules of HTTP and of gRPC routes have in common beside matches, filters and backends. */
interface WireCare<C> {
  readonly timeouts?: outbound.HttpRoute_Rule['timeouts'];
  readonly requestTimeout?: outbound.HttpRoute_Rule['requestTimeout'];
  readonly allowL5dRequestHeaders: boolean;
  readonly retry?:
    | (Pick<outbound.HttpRoute_Retry, 'maxRetries' | 'maxRequestBytes' | 'timeout' | 'backoff'> & {
        conditions?: C | undefined;
      })
    | undefined;
}

type Conditions = Pick<RetryPolicy, 'statuses' | 'grpcCodes'>;

function decodeCare<C>(rule: WireCare<C>, conditions: (wire: C) => Conditions) {
  const timeouts = decodeTimeouts(rule);
  return {
    ...(timeouts && { timeouts }),
    ...(rule.retry && { retry: decodeRetry(rule.retry, conditions) }),
    ...(rule.allowL5dRequestHeaders && { allowsRequestHeaders: true }),
  };
}

/** The request's own bound wins over the older field of the rule. */
function decodeTimeouts({ timeouts, requestTimeout }: WireCare<unknown>): RouteTimeouts | undefined {
  const requestMs = boundMs(timeouts?.request ?? requestTimeout, 'the time-out of requests');
  const responseMs = boundMs(timeouts?.response, 'the time-out of responses');
  const idleMs = boundMs(timeouts?.idle, 'the idle time-out');
  if (requestMs === undefined && responseMs === undefined && idleMs === undefined) return undefined;
  return {
    ...(requestMs !== undefined && { requestMs }),
    ...(responseMs !== undefined && { responseMs }),
    ...(idleMs !== undefined && { idleMs }),
  };
}

function decodeRetry<C>(retry: NonNullable<WireCare<C>['retry']>, conditions: (wire: C) => Conditions): RetryPolicy {
  return {
    limit: within(retry.maxRetries, 0, 65_535, 'the number of retries'),
    bytesMax: retry.maxRequestBytes,
    perTryMs: boundMs(retry.timeout, 'the time-out of a try'),
    backoff: retry.backoff && decodeBackoff(retry.backoff),
    ...conditions(need(retry.conditions, 'the conditions of retries')),
  };
}

function decodeStatuses({ start, end }: { start: number; end: number }) {
  const from = within(start, 1, 599, 'a status to retry');
  return { from, to: within(end, from, 599, 'a status to retry') };
}

/** Fields of the wire's conditions are named and numbered by status. */
function decodeCodes(conditions: outbound.GrpcRoute_Retry_Conditions): number[] {
  const { cancelled, deadineExceeded, resourceExhausted, internal, unavailable } = conditions;
  const codes = { 1: cancelled, 4: deadineExceeded, 8: resourceExhausted, 13: internal, 14: unavailable };
  return Object.entries(codes).flatMap(([code, isSet]) => (isSet ? [Number(code)] : []));
}

function decodeBackoff({ minBackoff, maxBackoff, jitterRatio }: outbound.ExponentialBackoff): BackoffConfig {
  const minMs = durationMs(need(minBackoff, 'the least backoff'));
  const maxMs = durationMs(need(maxBackoff, 'the greatest backoff'));
  if (maxMs === 0 || maxMs < minMs) throw new Invalid(`a backoff from ${minMs}ms to ${maxMs}ms`);
  return { minMs, maxMs, jitter: within(jitterRatio, 0, 100, 'the jitter of a backoff') };
}

/** Window of success rates where the message names none. Source: Linkerd proxy. */
const WINDOW_MS = 10_000;

function decodeBreaker(accrual: outbound.FailureAccrual): BreakerPolicy {
  const minReadyEndpoints = accrual.ejection?.minReadyEndpoints ?? 0;
  const kind = decodeBreakerKind(accrual);
  return minReadyEndpoints > 0 ? { ...kind, minReadyEndpoints } : kind;
}

function decodeBreakerKind({ kind }: outbound.FailureAccrual): BreakerPolicy {
  const { case: type, value } = kind;
  if (type === undefined) throw new Invalid('failure accrual without a kind');
  const backoff = decodeBackoff(need(value.backoff, 'the backoff of failure accrual'));
  if (type === 'consecutiveFailures') return { kind: 'consecutive', maxFailures: value.maxFailures, backoff };
  const successRate = within(value.successRateThreshold, 0, 1, 'the success rate of failure accrual');
  const windowMs = value.decay ? durationMs(value.decay) : WINDOW_MS;
  if (successRate > 0 && windowMs < 10) throw new Invalid('the window of failure accrual is below 10ms');
  return {
    kind: 'unified',
    successRate,
    windowMs,
    minRequests: within(value.minRequests, 0, 1_000_000, 'the requests that failure accrual needs'),
    maxFailures: value.maxConsecutiveFailures,
    backoff,
  };
}

/** Reasons to close connections at once, by the name of the filter. */
const REFUSALS = { forbidden: 'forbidden', invalid: 'invalid_backend' } as const;

/** At most one route. */
export function decodeOpaque(routes: readonly outbound.OpaqueRoute[]): OutboundOpaqueRoute | undefined {
  const [route, second] = routes;
  if (second) throw new Invalid('more than one opaque route');
  return route && decodeBytesRoute(route);
}

export function decodeTlsRoute(route: outbound.TlsRoute): OutboundTlsRoute {
  return { ...decodeBytesRoute(route), snis: route.snis.map(decodeHost) };
}

/** Exactly one rule. */
function decodeBytesRoute(route: outbound.OpaqueRoute | outbound.TlsRoute): OutboundOpaqueRoute {
  const [rule, other] = route.rules;
  if (!rule || other) throw new Invalid('a route of bytes must have exactly one rule');
  const reasons = rule.filters.map(({ kind }) => {
    if (kind.case === undefined) throw new Invalid('a filter without a known kind');
    return REFUSALS[kind.case];
  });
  return {
    meta: decodeMeta(route.metadata, 'a route'),
    distribution: decodeDistribution(rule.backends, noFilters),
    refuse: reasons[0],
  };
}
