import { GcraBucket } from './gcra.ts';

/** Limits of one port in requests a second, as many of which may come at once; one that is absent or 0 is none. */
export interface RateLimits {
  readonly total: number | undefined;
  /** Of each identity; clients without one are together one. */
  readonly perIdentity: number | undefined;
  /** Identities with another limit; those of one entry share its bucket. */
  readonly overrides: readonly { readonly perSecond: number; readonly identities: readonly string[] }[];
}

/** `ok`, or whose limit was passed; overrides count as `identity`. Values of the metric label `ratelimit_scope`. */
export type RateVerdict = 'ok' | 'total' | 'identity';

/** Buckets of identities kept; the one unused for longest goes first, which gives its client at most one more burst. */
export const RATE_LIMIT_IDENTITIES_MAX = 10_000;

interface Bound {
  readonly perSecond: number;
  readonly bucket: GcraBucket;
}

/** Decides request by request. A request counts against the total even when its identity's limit then refuses it. */
export class RateLimiter {
  readonly #total: Bound | undefined;
  readonly #perIdentity: number;
  readonly #overrides = new Map<string, Bound>();
  readonly #buckets = new Map<string, GcraBucket>();
  readonly #identitiesMax: number;

  constructor(limits: RateLimits, identitiesMax = RATE_LIMIT_IDENTITIES_MAX) {
    this.#total = bind(limits.total);
    this.#perIdentity = limits.perIdentity ?? 0;
    this.#identitiesMax = identitiesMax;
    for (const { perSecond, identities } of limits.overrides) {
      const bound = bind(perSecond);
      if (bound) for (const identity of identities) this.#overrides.set(identity, bound);
    }
  }

  /** Identities that have a bucket of their own now. */
  get size(): number {
    return this.#buckets.size;
  }

  /** `identity`: of the client's certificate, undefined without one. `nowMs`: monotonic. */
  check(identity: string | undefined, nowMs: number): RateVerdict {
    if (this.#total && !this.#total.bucket.take(this.#total.perSecond, nowMs)) return 'total';
    const override = identity === undefined ? undefined : this.#overrides.get(identity);
    if (override) return override.bucket.take(override.perSecond, nowMs) ? 'ok' : 'identity';
    if (this.#perIdentity === 0) return 'ok';
    return this.#bucketOf(identity ?? '').take(this.#perIdentity, nowMs) ? 'ok' : 'identity';
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

function bind(perSecond: number | undefined): Bound | undefined {
  return perSecond ? { perSecond, bucket: new GcraBucket() } : undefined;
}
