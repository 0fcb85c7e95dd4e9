import { GRPC } from '../classify/index.ts';

/** HTTP statuses, both ends included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** Waits between attempts in milliseconds: doubling from `minMs` to `maxMs`, plus up to `jitter` times the wait by chance. */
export interface RetryBackoff {
  readonly minMs: number;
  readonly maxMs: number;
  readonly jitter: number;
}

export interface RetryPolicyFields {
  /** Retries beside the first attempt. */
  readonly limit: number;
  /** Larger request bodies are sent once. */
  readonly bytesMax: number;
  /** Time of one attempt to its response head; absent: no limit of its own. */
  readonly perTryMs: number | undefined;
  readonly backoff: RetryBackoff | undefined;
  readonly statuses: readonly StatusRange[];
  /** gRPC status numbers. */
  readonly grpcCodes: readonly number[];
}

/** When requests of a route are tried again. Has the form of the proxy's retry plan. Source: Linkerd's policy routes. */
export class RetryPolicy implements RetryPolicyFields {
  readonly limit: number;
  readonly bytesMax: number;
  readonly perTryMs: number | undefined;
  readonly backoff: RetryBackoff | undefined;
  readonly statuses: readonly StatusRange[];
  readonly grpcCodes: readonly number[];
  /** One bit a code. */
  readonly #codes: number;

  constructor(fields: RetryPolicyFields) {
    this.limit = fields.limit;
    this.bytesMax = fields.bytesMax;
    this.perTryMs = fields.perTryMs;
    this.backoff = fields.backoff;
    this.statuses = fields.statuses;
    this.grpcCodes = fields.grpcCodes;
    this.#codes = fields.grpcCodes.reduce((bits, code) => bits | (1 << code), 0);
  }

  /** `grpcStatus`: -1 while unknown. */
  retryable(status: number, grpcStatus: number): boolean {
    if (grpcStatus >= 0 && grpcStatus < 32 && (this.#codes & (1 << grpcStatus)) !== 0) return true;
    for (let i = 0; i < this.statuses.length; i++) {
      const { from, to } = this.statuses[i]!;
      if (status >= from && status <= to) return true;
    }
    return false;
  }
}

/** What a policy is made of when only request headers ask for retries. */
export const RETRY_DEFAULT: RetryPolicyFields = {
  limit: 1,
  bytesMax: 64 * 1024,
  perTryMs: undefined,
  backoff: { minMs: 25, maxMs: 250, jitter: 1 },
  statuses: [],
  grpcCodes: [],
};

/** The wait before retry number `retry` (1 is the first); `random` in [0, 1). */
export function backoffMs(backoff: RetryBackoff, retry: number, random: number): number {
  const baseMs = Math.min(backoff.maxMs, backoff.minMs * 2 ** Math.min(retry - 1, 30));
  return baseMs * (1 + backoff.jitter * random);
}

const NAMED_RANGES: Readonly<Record<string, StatusRange>> = {
  '5xx': { from: 500, to: 599 },
  'gateway-error': { from: 502, to: 504 },
};

const NAMED_CODES: Readonly<Record<string, number>> = {
  cancelled: GRPC.cancelled,
  'deadline-exceeded': GRPC.deadlineExceeded,
  internal: GRPC.internal,
  'resource-exhausted': GRPC.resourceExhausted,
  unavailable: GRPC.unavailable,
};

/** `5xx`, `gateway-error`, `503`, `500-504`, separated by commas; what is none of these is left out. */
export function parseHttpConditions(text: string): StatusRange[] {
  const ranges: StatusRange[] = [];
  for (const part of text.split(',')) {
    const name = part.trim().toLowerCase();
    const named = Object.hasOwn(NAMED_RANGES, name) ? NAMED_RANGES[name] : undefined;
    const range = named ?? parseRange(name);
    if (range) ranges.push(range);
  }
  return ranges;
}

function parseRange(text: string): StatusRange | undefined {
  const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text);
  if (!match) return undefined;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from <= to ? { from, to } : undefined;
}

/** Names of gRPC statuses separated by commas; what is no retryable status is left out. */
export function parseGrpcConditions(text: string): number[] {
  const codes: number[] = [];
  for (const part of text.split(',')) {
    const name = part.trim().toLowerCase();
    if (Object.hasOwn(NAMED_CODES, name)) codes.push(NAMED_CODES[name]!);
  }
  return codes;
}
