import { type Gcra, GcraBucket } from './gcra.ts';

/** Limits of one port; a limit that is absent or 0 is none. */
export interface RateLimits {
  readonly total: Gcra | undefined;
  /** Of each identity; clients without one are together one. */
  readonly identity: Gcra | undefined;
  /** Identities with another limit; those of one entry share its bucket. */
  readonly overrides: readonly { readonly limit: Gcra; readonly identities: readonly string[] }[];
}

/** `ok`, or whose limit was passed; overrides count as `identity`. Values of the metric label `ratelimit_scope`. */
export type RateVerdict = 'ok' | 'total' | 'identity';

/** Buckets of identities kept; the one unused for longest goes first, which gives its client at most one more burst. */
export const RATE_LIMIT_IDENTITIES_MAX = 10_000;

interface Bound {
  readonly limit: Gcra;
  readonly bucket: GcraBucket;
}

/** Decides request by request. A request counts against the total even when its identity's limit then refuses it. */
export class RateLimiter {
  readonly #total: Bound | undefined;
  readonly #identity: Gcra | undefined;
  readonly #overrides = new Map<string, Bound>();
  readonly #buckets = new Map<string, GcraBucket>();
  readonly #identitiesMax: number;

  constructor(limits: RateLimits, identitiesMax = RATE_LIMIT_IDENTITIES_MAX) {
    this.#total = bind(limits.total);
    this.#identity = bind(limits.identity)?.limit;
    this.#identitiesMax = identitiesMax;
    for (const { limit, identities } of limits.overrides) {
      const bound = bind(limit);
      if (bound) for (const identity of identities) this.#overrides.set(identity, bound);
    }
  }

  /** Identities that have a bucket of their own now. */
  get size(): number {
    return this.#buckets.size;
  }

  /** `identity`: of the client's certificate, undefined without one. `nowMs`: monotonic. */
  check(identity: string | undefined, nowMs: number): RateVerdict {
    if (this.#total && !this.#total.bucket.take(this.#total.limit, nowMs)) return 'total';
    const override = identity === undefined ? undefined : this.#overrides.get(identity);
    if (override) return override.bucket.take(override.limit, nowMs) ? 'ok' : 'identity';
    if (!this.#identity) return 'ok';
    return this.#bucketOf(identity ?? '').take(this.#identity, nowMs) ? 'ok' : 'identity';
  }

  /** The map's order is that of use. */
  #bucketOf(key: string): GcraBucket {
    let bucket = this.#buckets.get(key);
    if (bucket) this.#buckets.delete(key);
    else {
      bucket = new GcraBucket();
      if (this.#buckets.size >= this.#identitiesMax) this.#buckets.delete(this.#buckets.keys().next().value ?? '');
    }
    this.#buckets.set(key, bucket);
    return bucket;
  }
}

function bind(limit: Gcra | undefined): Bound | undefined {
  return limit && limit.requestsPerSecond > 0 ? { limit, bucket: new GcraBucket() } : undefined;
}
