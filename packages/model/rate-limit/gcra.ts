/**
 * The generic cell rate algorithm (ITU-T I.371) in its form as a leaky bucket: each request adds 1, `perSecond` leak out a
 * second, and it holds a second's worth, so that a whole second of requests may come at once. Small numbers instead of
 * points in time keep it exact.
 */
export class GcraBucket {
  #level = 0;
  #atMs = 0;

  /** Whether a request is within the rate; counts it if so. */
  take(perSecond: number, nowMs: number): boolean {
    const leaked = ((nowMs - this.#atMs) * perSecond) / 1000;
    this.#level = Math.max(0, this.#level - leaked);
    this.#atMs = nowMs;
    if (this.#level + 1 > perSecond + ROUNDING) return false;
    this.#level++;
    return true;
  }
}

/** Part of a request that sums of fractions may be off by. */
const ROUNDING = 1e-6;
