import type { ResponseClasses } from '../classify/index.ts';
import type { RetryBudget } from './budget.ts';

/** Retries of one request; the budget alone would let a single request spend the whole reserve within milliseconds. */
export const PROFILE_RETRIES_MAX = 16;

/**
 * How retryable routes of a profile try again: failures, at once, as long as the profile's budget pays. Has the form of the proxy's
 * retry plan. `nowMs` gives monotonic time.
 */
export class ProfileRetry {
  readonly limit = PROFILE_RETRIES_MAX;
  readonly bytesMax = 64 * 1024;
  readonly perTryMs = undefined;
  readonly backoff = undefined;
  readonly #classes: ResponseClasses;
  readonly #budget: RetryBudget;
  readonly #nowMs: () => number;

  constructor(classes: ResponseClasses, budget: RetryBudget, nowMs: () => number) {
    this.#classes = classes;
    this.#budget = budget;
    this.#nowMs = nowMs;
  }

  /** `grpcStatus`: -1 while unknown. */
  retryable(status: number, grpcStatus: number): boolean {
    return this.#classes.isFailure(status, grpcStatus, grpcStatus >= 0);
  }

  withdraw(): boolean {
    return this.#budget.withdraw(this.#nowMs());
  }

  deposit(): void {
    this.#budget.deposit(this.#nowMs());
  }
}
