import { SuccessWindow } from './window.ts';

/** Source: Linkerd proxy, failure accrual of policy routes. */
export type BreakerConfig =
  /** `maxFailures` in a row; 0: never. */
  | { readonly kind: 'consecutive'; readonly maxFailures: number; readonly backoff: BreakerBackoff }
  | {
      readonly kind: 'unified';
      /** Below this part of successes (0: not by ratio) over `windowMs` with at least `minRequests`. */
      readonly successRate: number;
      readonly windowMs: number;
      readonly minRequests: number;
      readonly maxFailures: number;
      readonly backoff: BreakerBackoff;
    };

/** How long the breaker stays open, in milliseconds: doubling, with up to `jitter` times the wait added by chance. */
export interface BreakerBackoff {
  readonly minMs: number;
  readonly maxMs: number;
  readonly jitter: number;
}

/** How a request went. `overload`: HTTP 429 or RESOURCE_EXHAUSTED. `none`: given up by the client, which says nothing. */
export type BreakerResult = 'success' | 'failure' | 'overload' | 'none';

/**
 * One endpoint's circuit breaker. Closed, it watches results and says when to open. Open, nothing is sent until `openUntilMs`; then
 * `probe` admits a single request, whose result closes the breaker or opens it for longer. Results of requests that were under way
 * when it opened are not asked for.
 */
export class Breaker {
  readonly #config: BreakerConfig;
  readonly #window: SuccessWindow | undefined;
  #state: 'closed' | 'open' | 'probing' = 'closed';
  #failuresInRow = 0;
  #opened = 0;
  #openUntilMs = 0;

  constructor(config: BreakerConfig, nowMs: number) {
    this.#config = config;
    if (config.kind === 'unified' && config.successRate > 0) this.#window = new SuccessWindow(config.windowMs, nowMs);
  }

  get state(): 'closed' | 'open' | 'probing' {
    return this.#state;
  }

  /** When the next probe is due, while open. */
  get openUntilMs(): number {
    return this.#openUntilMs;
  }

  /** A request ended while the breaker is closed. True: it should open. */
  record(result: BreakerResult, nowMs: number): boolean {
    if (this.#state !== 'closed' || result === 'none') return false;
    const unified = this.#config.kind === 'unified';
    if (result === 'failure') this.#failuresInRow++;
    else if (result === 'success' || !unified) this.#failuresInRow = 0;
    this.#window?.record(result === 'success', nowMs);
    const { maxFailures } = this.#config;
    return (maxFailures > 0 && this.#failuresInRow >= maxFailures) || this.#belowRate(nowMs);
  }

  /** Opens for the next, longer wait: min(max, min * 2^n) plus a part of it by chance. `random` in [0, 1). */
  open(nowMs: number, random: number): void {
    const { minMs, maxMs, jitter } = this.#config.backoff;
    const baseMs = Math.min(maxMs, minMs * 2 ** Math.min(this.#opened++, 30));
    this.#state = 'open';
    this.#openUntilMs = nowMs + baseMs * (1 + jitter * random);
  }

  /** The wait is over: one request may be sent. */
  probe(): void {
    this.#state = 'probing';
  }

  /**
   * The probe ended: `closed` if it succeeded, `open` if it failed and `open` must be called, `again` if it said nothing and
   * another may be sent.
   */
  probed(result: BreakerResult): 'closed' | 'open' | 'again' {
    if (result === 'none') return 'again';
    const failed = result === 'failure' || (result === 'overload' && this.#config.kind === 'unified');
    if (failed) return 'open';
    this.#state = 'closed';
    this.#opened = 0;
    this.#failuresInRow = 0;
    this.#window?.clear();
    return 'closed';
  }

  #belowRate(nowMs: number): boolean {
    if (!this.#window || this.#config.kind !== 'unified') return false;
    const ratio = this.#window.ratio(this.#config.minRequests, nowMs);
    return ratio !== undefined && ratio < this.#config.successRate;
  }
}
