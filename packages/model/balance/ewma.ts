/** Parameters of one balancer's load estimates, in milliseconds. Linkerd: 30 ms and 10 s. */
export interface EwmaConfig {
  /** Estimate before the first sample; at least 1 ms. */
  readonly defaultRttMs: number;
  /** Time after which an old estimate has lost 63 % of its weight. */
  readonly decayMs: number;
  /** A failed response counts as at least this slow; absent: failures are not penalised. */
  readonly penaltyMs?: number;
  /** Upper bound for a server's Retry-After. */
  readonly retryAfterMaxMs?: number;
}

/**
 * Peak-sensitive moving average of response times: jumps up to a slow sample at once, forgets it over `decayMs`, and sinks
 * towards 0 while nothing is measured, so that a once slow endpoint is tried again.
 */
export class PeakEwma {
  readonly #config: EwmaConfig;
  #rttMs: number;
  #atMs: number;
  #measured = false;

  constructor(config: EwmaConfig, nowMs: number) {
    this.#config = config;
    this.#rttMs = Math.max(1, config.defaultRttMs);
    this.#atMs = nowMs;
  }

  /** A sample was seen; until then the estimate is but the default. */
  get measured(): boolean {
    return this.#measured;
  }

  /** Takes the place of the default, before the first sample. */
  expect(rttMs: number): void {
    if (!this.#measured) this.#rttMs = rttMs;
  }

  /** A response took `rttMs` until its first data. The first sample counts where it is slower than what was expected. */
  observe(rttMs: number, nowMs: number): void {
    if (rttMs >= this.#rttMs || !this.#measured) {
      this.replace(Math.max(rttMs, this.#measured ? 0 : this.#rttMs), nowMs);
      return;
    }
    const old = Math.exp(-Math.max(0, nowMs - this.#atMs) / this.#config.decayMs);
    this.#rttMs = this.#rttMs * old + rttMs * (1 - old);
    this.#atMs = nowMs;
  }

  /** Forgets what was before this sample. */
  replace(rttMs: number, nowMs: number): void {
    this.#rttMs = rttMs;
    this.#atMs = nowMs;
    this.#measured = true;
  }

  /**
   * A response failed; with a penalty configured it counts as that slow, or as slow as the server asked for. Gives the time the
   * server asked for, bounded, 0 when that does not count.
   */
  observeFailure(rttMs: number, nowMs: number, retryAfterMs = 0): number {
    const { penaltyMs, retryAfterMaxMs } = this.#config;
    if (penaltyMs === undefined) {
      this.observe(rttMs, nowMs);
      return 0;
    }
    const askedMs = Math.min(retryAfterMs, retryAfterMaxMs ?? retryAfterMs);
    this.replace(Math.max(penaltyMs, askedMs, this.#measured ? this.estimateMs(nowMs) : 0), nowMs);
    return askedMs;
  }

  estimateMs(nowMs: number): number {
    const elapsedMs = nowMs - this.#atMs;
    return elapsedMs <= 0 ? this.#rttMs : this.#rttMs * Math.exp(-elapsedMs / this.#config.decayMs);
  }
}
