import type { Random } from '#runtime/random';

export interface BackoffConfig {
  readonly minMs: number;
  readonly maxMs: number;
  /** Up to this part of the wait is added by chance. */
  readonly jitter: number;
}

/** Waits that double from `minMs` to `maxMs`. */
export class Backoff {
  readonly #config: BackoffConfig;
  readonly #random: Random;
  #failures = 0;

  constructor(config: BackoffConfig, random: Random) {
    this.#config = config;
    this.#random = random;
  }

  nextMs(): number {
    const { minMs, maxMs, jitter } = this.#config;
    const baseMs = Math.min(maxMs, minMs * 2 ** Math.min(this.#failures++, 30));
    return baseMs * (1 + jitter * this.#random());
  }

  reset(): void {
    this.#failures = 0;
  }
}
