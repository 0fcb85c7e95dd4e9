/** Annotations on Services and routes that shape outbound traffic: circuit breaking, retries, timeouts, load, faults. */
import { create } from '@bufbuild/protobuf';
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt';
import { httpRoute, outbound } from '#api/mesh';
import { parseBool } from '#model/annotations';
import type { Share } from '../routes/index.ts';

type Annotations = Readonly<Record<string, string>>;

/** Reported for the operator: the annotation counts as not set. */
export type Warn = (message: string) => void;

const UNITS_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A whole number and one unit (ms, s, m, h, d), or a bare 0; in milliseconds. */
export function parsePolicyDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const found = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text);
  return found ? Number(found[1]) * (UNITS_MS[found[2] ?? ''] ?? 0) : undefined;
}

/** Milliseconds as a protobuf Duration. */
export function durationOf(ms: number): Duration {
  return create(DurationSchema, { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 });
}

const between = (min: number, max: number, whole: boolean) => (text: string) => {
  const value = Number(text);
  const fits = text.trim() !== '' && value >= min && value <= max && (!whole || Number.isInteger(value));
  return fits ? value : undefined;
};
const u32 = between(0, 2 ** 32 - 1, true);

/** Reads one annotation; a bad value throws a sentence. Absent: the fallback. */
function read<T>(annotations: Annotations, key: string, parse: (text: string) => T | undefined, fallback: T): T {
  const text = annotations[key];
  if (text === undefined) return fallback;
  const value = parse(text);
  if (value === undefined) throw new Error(`${key}: "${text}" is no valid value`);
  return value;
}

/** Runs `readGroup`; one bad value and the whole group counts as not set. */
function group<T>(readGroup: () => T | undefined, warn: Warn): T | undefined {
  try {
    return readGroup();
  } catch (error) {
    warn((error as Error).message);
    return undefined;
  }
}

const TIMEOUT = 'timeout.linkerd.io/';
const TIMEOUTS = ['request', 'response', 'idle'] as const;

/** Bounds in milliseconds; 0: none. */
export type TimeoutsMs = Readonly<Record<(typeof TIMEOUTS)[number], number>>;

/** `timeout.linkerd.io/{request,response,idle}`; undefined without any of them, or with a bad one. */
export function readTimeouts(annotations: Annotations, warn: Warn): TimeoutsMs | undefined {
  if (!TIMEOUTS.some((name) => annotations[TIMEOUT + name] !== undefined)) return undefined;
  return group(() => {
    const ms = (name: string) => read(annotations, TIMEOUT + name, parsePolicyDuration, 0);
    return { request: ms('request'), response: ms('response'), idle: ms('idle') };
  }, warn);
}

/** The wire form; always a message, empty without bounds. */
export function encodeTimeouts(timeouts: Partial<TimeoutsMs> = {}): httpRoute.Timeouts {
  const { request = 0, response = 0, idle = 0 } = timeouts;
  return create(httpRoute.TimeoutsSchema, {
    ...(request > 0 && { request: durationOf(request) }),
    ...(response > 0 && { response: durationOf(response) }),
    ...(idle > 0 && { idle: durationOf(idle) }),
  });
}

const RETRY = 'retry.linkerd.io/';
/** Bodies beyond this are not kept for another try. */
const RETRY_BYTES_MAX = 64 * 1024;
const STATUS_GROUPS: Record<string, readonly [number, number]> = { '5xx': [500, 599], 'gateway-error': [502, 504] };

/** When and how often requests are tried again; without any condition: never. */
export interface RetryRecord {
  statuses: readonly { start: number; end: number }[];
  codes: readonly GrpcCondition[];
  limit: number;
  /** Of each try; 0: none. */
  timeoutMs: number;
}

/** `retry.linkerd.io/{http,grpc,limit,timeout}`; undefined without any of them, or with a bad one. */
export function readRetry(annotations: Annotations, warn: Warn): RetryRecord | undefined {
  if (!['http', 'grpc', 'limit', 'timeout'].some((name) => annotations[RETRY + name] !== undefined)) return undefined;
  return group(
    () => ({
      statuses: read(annotations, `${RETRY}http`, parseStatuses, []),
      codes: read(annotations, `${RETRY}grpc`, parseCodes, []),
      limit: read(annotations, `${RETRY}limit`, between(0, 65535, true), 1) || 1,
      timeoutMs: read(annotations, `${RETRY}timeout`, parsePolicyDuration, 0),
    }),
    warn,
  );
}

/** What retries of HTTP and gRPC have in common on the wire. */
export function encodeRetry({ limit, timeoutMs }: RetryRecord) {
  return {
    maxRetries: limit,
    maxRequestBytes: RETRY_BYTES_MAX,
    backoff: { minBackoff: durationOf(25), maxBackoff: durationOf(250), jitterRatio: 1 },
    ...(timeoutMs > 0 && { timeout: durationOf(timeoutMs) }),
  };
}

/** Names in annotations, and the fields of the wire. */
const GRPC_CONDITIONS = {
  cancelled: 'cancelled',
  'deadline-exceeded': 'deadineExceeded',
  internal: 'internal',
  'resource-exhausted': 'resourceExhausted',
  unavailable: 'unavailable',
} as const;
export type GrpcCondition = (typeof GRPC_CONDITIONS)[keyof typeof GRPC_CONDITIONS];

function parseCodes(text: string): GrpcCondition[] | undefined {
  const codes = text.split(',').map((name) => GRPC_CONDITIONS[name as keyof typeof GRPC_CONDITIONS]);
  return codes.some((code) => code === undefined) ? undefined : codes;
}

function parseStatuses(text: string): { start: number; end: number }[] | undefined {
  const ranges: { start: number; end: number }[] = [];
  for (const part of text.split(',')) {
    const found = /^(\d{3})(?:-(\d{3}))?$/.exec(part);
    const [start, end] = STATUS_GROUPS[part] ?? [Number(found?.[1]), Number(found?.[2] ?? found?.[1])];
    if (!(start >= 100 && start <= end && end <= 599)) return undefined;
    ranges.push({ start, end });
  }
  return ranges;
}

const BALANCER = 'balancer.linkerd.io/failure-accrual';
const ALPHA = 'balancer.alpha.linkerd.io/';

/** `balancer.linkerd.io/failure-accrual` and its companions; undefined when off or anything in it is bad. */
export function readFailureAccrual(annotations: Annotations, warn: Warn): outbound.FailureAccrual | undefined {
  const mode = annotations[BALANCER];
  if (mode === undefined) return undefined;
  return group(() => {
    if (mode !== 'consecutive' && mode !== 'unified')
      throw new Error(`${BALANCER}: expected consecutive or unified, got "${mode}"`);
    const maxFailures = read(annotations, `${BALANCER}-consecutive-max-failures`, u32, 7);
    const minMs = read(annotations, `${BALANCER}-consecutive-min-penalty`, parsePolicyDuration, 1000);
    const maxMs = read(annotations, `${BALANCER}-consecutive-max-penalty`, parsePolicyDuration, 60_000);
    if (maxMs === 0 || minMs > maxMs)
      throw new Error(`${BALANCER}-consecutive-max-penalty: must be above 0 and at least the min-penalty`);
    const jitterRatio = read(annotations, `${BALANCER}-consecutive-jitter-ratio`, between(0, 100, false), 0.5);
    const backoff = { minBackoff: durationOf(minMs), maxBackoff: durationOf(maxMs), jitterRatio };
    const make = (kind: outbound.FailureAccrual['kind']) => create(outbound.FailureAccrualSchema, { kind });
    if (mode === 'consecutive')
      return make({
        case: 'consecutiveFailures',
        value: create(outbound.FailureAccrual_ConsecutiveFailuresSchema, { maxFailures, backoff }),
      });
    const value = { ...readSuccessRate(annotations), maxConsecutiveFailures: maxFailures };
    const respectRetryAfterHint = read(annotations, `${ALPHA}failure-accrual-honor-retry-after`, parseBool, false);
    const unified = { ...value, backoff: { ...backoff, respectRetryAfterHint } };
    return make({ case: 'unified', value: create(outbound.FailureAccrual_UnifiedSchema, unified) });
  }, warn);
}

function readSuccessRate(annotations: Annotations) {
  const key = (name: string) => `${ALPHA}failure-accrual-success-rate-${name}`;
  const windowMs = read(annotations, key('window'), parsePolicyDuration, 10_000);
  if (windowMs < 10) throw new Error(`${key('window')}: must be at least 10ms`);
  return {
    successRateThreshold: read(annotations, key('threshold'), between(0, 1, false), 0.8),
    decay: durationOf(windowMs),
    minRequests: read(annotations, key('min-requests'), between(0, 1_000_000, true), 5),
  };
}

/** How endpoints are compared: by latency, and with `penalize-failures` also by failures. */
export function readLoad(annotations: Annotations, warn: Warn): outbound.Backend_BalanceP2c['load'] {
  const base = { defaultRtt: durationOf(30), decay: durationOf(10_000) };
  const penalty = group(() => {
    if (!read(annotations, `${ALPHA}penalize-failures`, parseBool, false)) return undefined;
    return {
      ...base,
      penalty: durationOf(read(annotations, `${ALPHA}load-biaser-penalty`, parsePolicyDuration, 5000)),
      maxRetryAfter: durationOf(read(annotations, `${ALPHA}load-biaser-max-retry-after`, parsePolicyDuration, 300_000)),
      penaltyDecay: durationOf(10_000),
    };
  }, warn);
  return penalty
    ? { case: 'penaltyPeakEwma', value: create(outbound.Backend_BalanceP2c_PenaltyPeakEwmaSchema, penalty) }
    : { case: 'peakEwma', value: create(outbound.Backend_BalanceP2c_PeakEwmaSchema, base) };
}

/** Trouble on purpose, for the requests of a route. */
export interface Fault {
  delay: { ms: number; share: Share } | undefined;
  failure: { status: number; share: Share } | undefined;
}

const FAULT = 'fault.weft.dev/';
const percent = between(0, 100, false);

/**
 * `fault.weft.dev/{delay,delay-percent,status,status-percent}` of a route: how long requests wait, and the status that answers them
 * instead of a backend; percentages are of all its requests, 100 unless said. Undefined without them, or with a bad one.
 */
export function readFault(annotations: Annotations, warn: Warn): Fault | undefined {
  const has = (name: string) => annotations[FAULT + name] !== undefined;
  if (!has('delay') && !has('status')) return undefined;
  return group(() => {
    const share = (name: string) => {
      const value = read(annotations, `${FAULT}${name}-percent`, percent, 100);
      return { numerator: Math.round(value * 100), denominator: 10_000 };
    };
    return {
      delay: has('delay')
        ? { ms: read(annotations, `${FAULT}delay`, parsePolicyDuration, 0), share: share('delay') }
        : undefined,
      failure: has('status')
        ? { status: read(annotations, `${FAULT}status`, between(200, 599, true), 0), share: share('status') }
        : undefined,
    };
  }, warn);
}

const BACKENDS = 'balancer.weft.dev/backends';
const SPLITS = { weighted: 'weighted', 'first-available': 'ordered' } as const;
/** How a rule's requests go to its backends: by their weights, or to the first of them that has a ready endpoint. */
export type Split = (typeof SPLITS)[keyof typeof SPLITS];

/** `balancer.weft.dev/backends: weighted | first-available` of a route; `weighted` without it, or with a bad one. */
export function readSplit(annotations: Annotations, warn: Warn): Split {
  const parse = (text: string): Split | undefined => SPLITS[text as keyof typeof SPLITS];
  return group(() => read(annotations, BACKENDS, parse, 'weighted'), warn) ?? 'weighted';
}

/** Keys of the load band: our own, and the one of Linkerd's commercial edition. */
const LOAD_BANDS = ['balancer.weft.dev/load-band', 'balancer.buoyant.io/load-band'];

/**
 * `balancer.weft.dev/load-band: "0.8,2"` of a Service: requests stay in the client's zone while each of its endpoints has fewer than
 * the second number of requests under way; below the first they return to it. Undefined without it, or with a bad one.
 */
export function readLoadBand(annotations: Annotations, warn: Warn): { low: number; high: number } | undefined {
  const key = LOAD_BANDS.find((each) => annotations[each] !== undefined);
  return key === undefined ? undefined : group(() => read(annotations, key, parseBand, undefined), warn);
}

function parseBand(text: string): { low: number; high: number } | undefined {
  const [low, high, more] = text.split(',').map(between(0, 1_000_000, false));
  if (low === undefined || high === undefined || more !== undefined || text.split(',').length !== 2) return undefined;
  return low > 0 && high > low ? { low, high } : undefined;
}
