/**
 * Annotations of Services and routes that say how requests go: time-outs, retries, circuit breakers, order of backends, trouble on purpose.
 * They belong to the client's cluster. Those of Linkerd keep its names and rules.
 */
import { parseBool } from './go-values.ts';

/** One annotation: on what it stands, and how it is read. */
export interface RequestAnnotation<T> {
  key: string;
  /** Where both may have it, the route goes before its Service. */
  on: 'Service' | 'route' | 'Service, route';
  /** The value, or undefined when the text is none. */
  parse(text: string): T | undefined;
  /** What a value looks like, to complete "expected …". */
  expects: string;
  doc: string;
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A whole number and one unit (ms, s, m, h, d), or a bare 0; in milliseconds. */
export function parsePolicyDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const found = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text);
  return found ? Number(found[1]) * (UNITS_MS[found[2] ?? ''] ?? 0) : undefined;
}

/** Conditions of gRPC that a retry may name. */
const GRPC_CONDITIONS = ['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'] as const;
export type GrpcConditionName = (typeof GRPC_CONDITIONS)[number];

/** How a rule's requests go to its backends: by their weights, or to the first of them that has a ready endpoint. */
const SPLITS = ['weighted', 'first-available'] as const;
export type BackendSplit = (typeof SPLITS)[number];

/** Statuses from `start` to `end`, both included. */
export interface StatusRange {
  start: number;
  end: number;
}

const BOTH = 'Service, route';
const SERVICE = 'Service';
const ROUTE = 'route';

type Value<T> = Pick<RequestAnnotation<T>, 'parse' | 'expects'>;
const duration: Value<number> = {
  parse: parsePolicyDuration,
  expects: 'a whole number with a unit (ms, s, m, h, d), such as 300ms',
};
const bool: Value<boolean> = { parse: parseBool, expects: 'true or false' };
const between = (min: number, max: number, { whole }: { whole: boolean }): Value<number> => ({
  parse: (text) => {
    const value = Number(text);
    const fits = text.trim() !== '' && value >= min && value <= max && (!whole || Number.isInteger(value));
    return fits ? value : undefined;
  },
  expects: `a ${whole ? 'whole ' : ''}number from ${min} to ${max}`,
});
const percent = between(0, 100, { whole: false });

const row = <T>(
  key: string,
  on: RequestAnnotation<T>['on'],
  { parse, expects }: Value<T>,
  doc: string,
): RequestAnnotation<T> => ({ key, on, parse, expects, doc });

const ACCRUAL = 'balancer.linkerd.io/failure-accrual';
const ALPHA = 'balancer.alpha.linkerd.io/';
const RATE = `${ALPHA}failure-accrual-success-rate-`;

export const REQUEST_ANNOTATIONS = {
  timeoutRequest: row(
    'timeout.linkerd.io/request',
    BOTH,
    duration,
    'Bounds a request with its response, all tries together.',
  ),
  timeoutResponse: row(
    'timeout.linkerd.io/response',
    BOTH,
    duration,
    'Bounds the time from the end of a request, or from the head of its response where that is earlier, to the end of the response.',
  ),
  timeoutIdle: row('timeout.linkerd.io/idle', BOTH, duration, 'Bounds the time in which neither side sends anything.'),
  retryHttp: row(
    'retry.linkerd.io/http',
    BOTH,
    { parse: parseStatuses, expects: 'statuses, ranges such as 500-504, 5xx or gateway-error (502 to 504), by commas' },
    'Statuses after which a request is tried again.',
  ),
  retryGrpc: row(
    'retry.linkerd.io/grpc',
    BOTH,
    { parse: parseConditions, expects: `of ${GRPC_CONDITIONS.join(', ')}, by commas` },
    'Statuses of gRPC after which a request is tried again.',
  ),
  retryLimit: row(
    'retry.linkerd.io/limit',
    BOTH,
    between(0, 65_535, { whole: true }),
    'How often a request is tried again; once unless said.',
  ),
  retryTimeout: row(
    'retry.linkerd.io/timeout',
    BOTH,
    duration,
    'Bounds each try, which is then given up for the next.',
  ),
  backends: row(
    'balancer.weft.dev/backends',
    ROUTE,
    {
      parse: (text) => SPLITS.find((each) => each === text),
      expects: SPLITS.join(' or '),
    },
    'How requests go to the backends of a rule: `weighted`, by their weights, among those that have a ready endpoint; `first-available`, in their order, to the first that has one, whatever the weights. `weighted` unless said.',
  ),
  faultDelay: row(
    'fault.weft.dev/delay',
    ROUTE,
    duration,
    'How long requests wait before they are sent; of HTTPRoutes and GRPCRoutes. Only Weft’s proxies wait.',
  ),
  faultDelayPercent: row(
    'fault.weft.dev/delay-percent',
    ROUTE,
    percent,
    'Share of the requests that wait; all unless said.',
  ),
  faultStatus: row(
    'fault.weft.dev/status',
    ROUTE,
    between(200, 599, { whole: true }),
    'Status that answers requests instead of a backend; of HTTPRoutes and GRPCRoutes.',
  ),
  faultStatusPercent: row(
    'fault.weft.dev/status-percent',
    ROUTE,
    percent,
    'Share of the requests that are answered so; all unless said.',
  ),
  failureAccrual: row(
    ACCRUAL,
    SERVICE,
    {
      parse: (text) => (text === 'consecutive' || text === 'unified' ? text : undefined),
      expects: 'consecutive or unified',
    },
    'Circuit breaker of each endpoint: after failures in a row it is left alone for a while; `unified` also when too few of its responses are good.',
  ),
  accrualMaxFailures: row(
    `${ACCRUAL}-consecutive-max-failures`,
    SERVICE,
    between(0, 2 ** 32 - 1, { whole: true }),
    'Failures in a row that open the breaker; 7 unless said.',
  ),
  accrualMinPenalty: row(
    `${ACCRUAL}-consecutive-min-penalty`,
    SERVICE,
    duration,
    'How long the endpoint is left alone at first; 1s unless said.',
  ),
  accrualMaxPenalty: row(
    `${ACCRUAL}-consecutive-max-penalty`,
    SERVICE,
    duration,
    'How long at most, as it doubles with each failed try; 60s unless said.',
  ),
  accrualJitter: row(
    `${ACCRUAL}-consecutive-jitter-ratio`,
    SERVICE,
    between(0, 100, { whole: false }),
    'Share of the wait that is added by chance at most; 0.5 unless said.',
  ),
  rateWindow: row(
    `${RATE}window`,
    SERVICE,
    duration,
    'With `unified`: time over which responses are weighed, at least 10ms; 10s unless said.',
  ),
  rateThreshold: row(
    `${RATE}threshold`,
    SERVICE,
    between(0, 1, { whole: false }),
    'With `unified`: share of good responses below which the breaker opens; 0.8 unless said.',
  ),
  rateMinRequests: row(
    `${RATE}min-requests`,
    SERVICE,
    between(0, 1_000_000, { whole: true }),
    'With `unified`: responses before that share counts; 5 unless said.',
  ),
  honorRetryAfter: row(
    `${ALPHA}failure-accrual-honor-retry-after`,
    SERVICE,
    bool,
    'With `unified`: an endpoint that says retry-after is left alone for as long.',
  ),
  penalizeFailures: row(
    `${ALPHA}penalize-failures`,
    SERVICE,
    bool,
    'Balancing takes a failed response for a slow one, so that endpoints which fail quickly draw no traffic.',
  ),
  penalty: row(
    `${ALPHA}load-biaser-penalty`,
    SERVICE,
    duration,
    'With penalize-failures: how slow a failure counts; 5s unless said.',
  ),
  penaltyMaxRetryAfter: row(
    `${ALPHA}load-biaser-max-retry-after`,
    SERVICE,
    duration,
    'With penalize-failures: the longest retry-after that counts; 5m unless said.',
  ),
  loadBand: row(
    'balancer.weft.dev/load-band',
    SERVICE,
    { parse: parseBand, expects: 'two rising numbers above 0, such as 0.8,2' },
    'Requests stay in the client’s zone while each of its endpoints has fewer requests under way than the second number; below the first they return to it. Also read as `balancer.buoyant.io/load-band`.',
  ),
} as const;

/** Another key of the load band, of Linkerd's commercial edition. */
export const LOAD_BAND_ALIAS = 'balancer.buoyant.io/load-band';

const STATUS_GROUPS: Readonly<Record<string, readonly [number, number]>> = {
  '5xx': [500, 599],
  'gateway-error': [502, 504],
};

function parseStatuses(text: string): StatusRange[] | undefined {
  const ranges: StatusRange[] = [];
  for (const part of text.split(',')) {
    const found = /^(\d{3})(?:-(\d{3}))?$/.exec(part);
    const [start, end] = STATUS_GROUPS[part] ?? [Number(found?.[1]), Number(found?.[2] ?? found?.[1])];
    if (!(start >= 100 && start <= end && end <= 599)) return undefined;
    ranges.push({ start, end });
  }
  return ranges;
}

function parseConditions(text: string): GrpcConditionName[] | undefined {
  const names = text.split(',');
  const known = GRPC_CONDITIONS.filter((name) => names.includes(name));
  return names.every((name) => known.some((each) => each === name)) ? known : undefined;
}

function parseBand(text: string): { low: number; high: number } | undefined {
  const [low, high] = text.split(',').map(between(0, 1_000_000, { whole: false }).parse);
  if (low === undefined || high === undefined || text.split(',').length !== 2) return undefined;
  return low > 0 && high > low ? { low, high } : undefined;
}
