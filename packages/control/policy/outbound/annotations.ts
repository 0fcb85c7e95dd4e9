/** Annotations on Services that shape outbound traffic: circuit breaking, retries, timeouts, load. */
import { create } from '@bufbuild/protobuf';
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt';
import { httpRoute, outbound } from '#api/mesh';
import { parseBool } from '#model/annotations';

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

/** `timeout.linkerd.io/{request,response,idle}`; always a message, empty without annotations. */
export function readTimeouts(annotations: Annotations, warn: Warn): httpRoute.Timeouts {
  const parsed = group(() => {
    const ms = (name: string) => read(annotations, `timeout.linkerd.io/${name}`, parsePolicyDuration, 0);
    return { request: ms('request'), response: ms('response'), idle: ms('idle') };
  }, warn);
  const { request = 0, response = 0, idle = 0 } = parsed ?? {};
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

/** `retry.linkerd.io/{http,limit,timeout}`; undefined without any of them. */
export function readHttpRetry(annotations: Annotations, warn: Warn): outbound.HttpRoute_Retry | undefined {
  if (!['http', 'limit', 'timeout'].some((name) => annotations[RETRY + name] !== undefined)) return undefined;
  return group(() => {
    const statusRanges = read(annotations, `${RETRY}http`, parseStatuses, []);
    const limit = read(annotations, `${RETRY}limit`, between(0, 65535, true), 1);
    const timeoutMs = read(annotations, `${RETRY}timeout`, parsePolicyDuration, 0);
    return create(outbound.HttpRoute_RetrySchema, {
      maxRetries: limit || 1,
      maxRequestBytes: RETRY_BYTES_MAX,
      conditions: { statusRanges },
      backoff: { minBackoff: durationOf(25), maxBackoff: durationOf(250), jitterRatio: 1 },
      ...(timeoutMs > 0 && { timeout: durationOf(timeoutMs) }),
    });
  }, warn);
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
