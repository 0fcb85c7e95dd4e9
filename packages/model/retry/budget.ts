/** How many retries a profile's routes may add to their requests. */
export interface RetryBudgetConfig {
  /** Retries per request, e.g. 0.2. */
  readonly ratio: number;
  /** Retries allowed however few requests there are. */
  readonly minPerSecond: number;
  /** How long requests count, and for how long the minimum can be saved up. */
  readonly ttlMs: number;
}

/** What a profile without a budget gets. Source: Linkerd's control plane. */
export const RETRY_BUDGET_DEFAULT: RetryBudgetConfig = { ratio: 0.2, minPerSecond: 10, ttlMs: 10_000 };

const SLOTS = 10;

/**
 * Bounds retries to a share of the requests of the last `ttlMs` plus a minimum, so that retries cannot multiply the load of a
 * service that fails. Counts live in ten slots that expire one by one.
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #reserve: number;
  readonly #slotMs: number;
  /** Per slot: what requests gave less what retries took. */
  readonly #slots = new Float64Array(SLOTS);
  #slot = 0;
  #slotStartMs: number;
  #sum = 0;

  constructor(config: RetryBudgetConfig, nowMs: number) {
    this.#ratio = config.ratio;
    this.#reserve = (config.minPerSecond * config.ttlMs) / 1000;
    this.#slotMs = config.ttlMs / SLOTS;
    this.#slotStartMs = nowMs;
  }

  /** A request ended. */
  deposit(nowMs: number): void {
    this.#expire(nowMs);
    this.#add(this.#ratio);
  }

  /** Whether a retry may be made; counts it if so. */
  withdraw(nowMs: number): boolean {
    this.#expire(nowMs);
    if (this.#reserve + this.#sum < 1) return false;
    this.#add(-1);
    return true;
  }

  #add(amount: number): void {
    this.#slots[this.#slot]! += amount;
    this.#sum += amount;
  }

  #expire(nowMs: number): void {
    const passed = Math.min(SLOTS, Math.floor((nowMs - this.#slotStartMs) / this.#slotMs));
    if (passed <= 0) return;
    for (let i = 0; i < passed; i++) {
      this.#slot = (this.#slot + 1) % SLOTS;
      this.#slots[this.#slot] = 0;
    }
    this.#slotStartMs += Math.floor((nowMs - this.#slotStartMs) / this.#slotMs) * this.#slotMs;
    // Summed anew, so that rounding errors expire too.
    this.#sum = this.#slots.reduce((sum, amount) => sum + amount, 0);
  }
}
