import { type Clock, systemClock } from '#runtime/clock';

/** How fast requests may be made: `burst` at once, then `perSecond`. */
export interface RequestRate {
  perSecond: number;
  burst: number;
}

/** Lets requests go at a rate, in the order in which they came; those that would wait too long are refused at once. */
export class Pace {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #burst: number;
  readonly #waitMsMax: number;
  /** When the rate would be kept exactly if the next request went then. */
  #dueMs = Number.NEGATIVE_INFINITY;

  constructor({ perSecond, burst }: RequestRate, waitMsMax: number, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#everyMs = 1000 / perSecond;
    this.#burst = burst;
    this.#waitMsMax = waitMsMax;
  }

  /** Resolves when the next request may go. */
  async turn(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const dueMs = Math.max(this.#dueMs, nowMs);
    const waitMs = dueMs - (this.#burst - 1) * this.#everyMs - nowMs;
    if (waitMs > this.#waitMsMax)
      throw new Error(
        `too many requests wait for the API server: at ${1000 / this.#everyMs} a second the next one would in ${Math.ceil(waitMs)} ms`,
      );
    this.#dueMs = dueMs + this.#everyMs;
    if (waitMs <= 0) return;
    await new Promise<void>((resolve) => this.#clock.after(waitMs, resolve));
  }
}
