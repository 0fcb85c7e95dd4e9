/** Annotations on Services and routes that shape outbound traffic: circuit breaking, retries, timeouts, load, faults. */
import { create } from '@bufbuild/protobuf';
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt';
import { httpRoute, outbound } from '#api/mesh';
import {
  type BackendSplit,
  type GrpcConditionName,
  LOAD_BAND_ALIAS,
  type RequestAnnotation,
  REQUEST_ANNOTATIONS as ROWS,
  type StatusRange,
} from '#model/annotations';
import type { Share } from '../routes/index.ts';

type Annotations = Readonly<Record<string, string>>;

/** Reported for the operator: the annotation counts as not set. */
export type Warn = (message: string) => void;

/** Milliseconds as a protobuf Duration. */
export function durationOf(ms: number): Duration {
  return create(DurationSchema, { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 });
}

/** Reads one annotation; a bad value throws a sentence. Absent: the fallback. */
function read<T, F extends T | undefined>(annotations: Annotations, row: RequestAnnotation<T>, fallback: F): T | F {
  const text = annotations[row.key];
  if (text === undefined) return fallback;
  const value = row.parse(text);
  if (value === undefined) throw new Error(`${row.key}: "${text}": expected ${row.expects}`);
  return value;
}

/** Whether any of these is there. */
const hasAny = (annotations: Annotations, ...rows: readonly RequestAnnotation<unknown>[]): boolean =>
  rows.some(({ key }) => annotations[key] !== undefined);

/** Runs `readGroup`; one bad value and the whole group counts as not set. */
function group<T>(readGroup: () => T | undefined, warn: Warn): T | undefined {
  try {
    return readGroup();
  } catch (error) {
    warn((error as Error).message);
    return undefined;
  }
}

/** Bounds in milliseconds; 0: none. */
export type TimeoutsMs = Readonly<Record<'request' | 'response' | 'idle', number>>;

/** `timeout.linkerd.io/{request,response,idle}`; undefined without any of them, or with a bad one. */
export function readTimeouts(annotations: Annotations, warn: Warn): TimeoutsMs | undefined {
  const { timeoutRequest, timeoutResponse, timeoutIdle } = ROWS;
  if (!hasAny(annotations, timeoutRequest, timeoutResponse, timeoutIdle)) return undefined;
  return group(
    () => ({
      request: read(annotations, timeoutRequest, 0),
      response: read(annotations, timeoutResponse, 0),
      idle: read(annotations, timeoutIdle, 0),
    }),
    warn,
  );
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

/** Bodies beyond this are not kept for another try. */
const RETRY_BYTES_MAX = 64 * 1024;

/** When and how often requests are tried again; without any condition: never. */
export interface RetryRecord {
  statuses: readonly StatusRange[];
  codes: readonly GrpcCondition[];
  limit: number;
  /** Of each try; 0: none. */
  timeoutMs: number;
}

/** `retry.linkerd.io/{http,grpc,limit,timeout}`; undefined without any of them, or with a bad one. */
export function readRetry(annotations: Annotations, warn: Warn): RetryRecord | undefined {
  const { retryHttp, retryGrpc, retryLimit, retryTimeout } = ROWS;
  if (!hasAny(annotations, retryHttp, retryGrpc, retryLimit, retryTimeout)) return undefined;
  return group(
    () => ({
      statuses: read(annotations, retryHttp, []),
      codes: read(annotations, retryGrpc, []).map((name) => GRPC_CONDITIONS[name]),
      limit: read(annotations, retryLimit, 1) || 1,
      timeoutMs: read(annotations, retryTimeout, 0),
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
} as const satisfies Record<GrpcConditionName, string>;
export type GrpcCondition = (typeof GRPC_CONDITIONS)[keyof typeof GRPC_CONDITIONS];

/** `balancer.linkerd.io/failure-accrual` and its companions; undefined when off or anything in it is bad. */
export function readFailureAccrual(annotations: Annotations, warn: Warn): outbound.FailureAccrual | undefined {
  if (!hasAny(annotations, ROWS.failureAccrual)) return undefined;
  return group(() => {
    const mode = read(annotations, ROWS.failureAccrual, undefined);
    const maxFailures = read(annotations, ROWS.accrualMaxFailures, 7);
    const minMs = read(annotations, ROWS.accrualMinPenalty, 1000);
    const maxMs = read(annotations, ROWS.accrualMaxPenalty, 60_000);
    if (maxMs === 0 || minMs > maxMs)
      throw new Error(`${ROWS.accrualMaxPenalty.key}: must be above 0 and at least the min-penalty`);
    const jitterRatio = read(annotations, ROWS.accrualJitter, 0.5);
    const backoff = { minBackoff: durationOf(minMs), maxBackoff: durationOf(maxMs), jitterRatio };
    const make = (kind: outbound.FailureAccrual['kind']) => create(outbound.FailureAccrualSchema, { kind });
    if (mode === 'consecutive')
      return make({
        case: 'consecutiveFailures',
        value: create(outbound.FailureAccrual_ConsecutiveFailuresSchema, { maxFailures, backoff }),
      });
    const value = { ...readSuccessRate(annotations), maxConsecutiveFailures: maxFailures };
    const respectRetryAfterHint = read(annotations, ROWS.honorRetryAfter, false);
    const unified = { ...value, backoff: { ...backoff, respectRetryAfterHint } };
    return make({ case: 'unified', value: create(outbound.FailureAccrual_UnifiedSchema, unified) });
  }, warn);
}

function readSuccessRate(annotations: Annotations) {
  const windowMs = read(annotations, ROWS.rateWindow, 10_000);
  if (windowMs < 10) throw new Error(`${ROWS.rateWindow.key}: must be at least 10ms`);
  return {
    successRateThreshold: read(annotations, ROWS.rateThreshold, 0.8),
    decay: durationOf(windowMs),
    minRequests: read(annotations, ROWS.rateMinRequests, 5),
  };
}

/** How endpoints are compared: by latency, and with `penalize-failures` also by failures. */
export function readLoad(annotations: Annotations, warn: Warn): outbound.Backend_BalanceP2c['load'] {
  const base = { defaultRtt: durationOf(30), decay: durationOf(10_000) };
  const penalty = group(() => {
    if (!read(annotations, ROWS.penalizeFailures, false)) return undefined;
    return {
      ...base,
      penalty: durationOf(read(annotations, ROWS.penalty, 5000)),
      maxRetryAfter: durationOf(read(annotations, ROWS.penaltyMaxRetryAfter, 300_000)),
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

/**
 * `fault.weft.dev/{delay,delay-percent,status,status-percent}` of a route: how long requests wait, and the status that answers them
 * instead of a backend; percentages are of all its requests, 100 unless said. Undefined without them, or with a bad one.
 */
export function readFault(annotations: Annotations, warn: Warn): Fault | undefined {
  const { faultDelay, faultDelayPercent, faultStatus, faultStatusPercent } = ROWS;
  if (!hasAny(annotations, faultDelay, faultStatus)) return undefined;
  return group(() => {
    const share = (row: RequestAnnotation<number>) => ({
      numerator: Math.round(read(annotations, row, 100) * 100),
      denominator: 10_000,
    });
    const ms = read(annotations, faultDelay, undefined);
    const status = read(annotations, faultStatus, undefined);
    return {
      delay: ms === undefined ? undefined : { ms, share: share(faultDelayPercent) },
      failure: status === undefined ? undefined : { status, share: share(faultStatusPercent) },
    };
  }, warn);
}

/** `balancer.weft.dev/backends` of a route; `weighted` without it, or with a bad one. */
export const readSplit = (annotations: Annotations, warn: Warn): BackendSplit =>
  group(() => read(annotations, ROWS.backends, 'weighted'), warn) ?? 'weighted';

/** `balancer.weft.dev/load-band` of a Service, or its alias. Undefined without it, or with a bad one. */
export function readLoadBand(annotations: Annotations, warn: Warn): { low: number; high: number } | undefined {
  const key = [ROWS.loadBand.key, LOAD_BAND_ALIAS].find((each) => annotations[each] !== undefined);
  return key === undefined ? undefined : group(() => read(annotations, { ...ROWS.loadBand, key }, undefined), warn);
}
