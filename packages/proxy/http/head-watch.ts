import type { Clock, Timer } from '#runtime/clock';
import { LIMITS } from '../limits.ts';

/** A connection whose request head has begun and is not complete. */
export interface SlowHead {
  /** When its first byte came; monotonic. */
  readonly headStartMs: number;
  /** It took too long. */
  headTimedOut(): void;
}

/** Bounds the time of request heads: one timer for all connections, which runs only while some head is incomplete. */
export class HeadWatch {
  readonly #clock: Clock;
  readonly #slow = new Set<SlowHead>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(slow: SlowHead): void {
    this.#slow.add(slow);
    this.#timer ??= this.#clock.after(LIMITS.headSweepMs, () => this.#sweep());
  }

  remove(slow: SlowHead): void {
    this.#slow.delete(slow);
  }

  #sweep(): void {
    this.#timer = undefined;
    const latestMs = this.#clock.nowMs() - LIMITS.headMs;
    for (const slow of [...this.#slow]) {
      if (slow.headStartMs > latestMs) continue;
      this.#slow.delete(slow);
      slow.headTimedOut();
    }
    if (this.#slow.size > 0) this.#timer = this.#clock.after(LIMITS.headSweepMs, () => this.#sweep());
  }
}
