import type { Clock, Timer } from '#runtime/clock';
import type { Log } from '#runtime/log';
import { LIMITS } from './limits.ts';

/**
 * Runs one level-triggered reconciliation at a time: soon after something changed, later while changes do not cease, and again with
 * growing pauses while it reports that something is left to do.
 */
export class Loop {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #reconcile: () => Promise<'done' | 'again'>;
  #timer: Timer | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #running = false;
  #dirty = false;
  #failures = 0;
  #stopped = false;
  /** Runs that followed hard on one another until now. */
  #inARow = 0;
  #endedMs = Number.NEGATIVE_INFINITY;
  readonly #quickRetries: number;

  /** `quickRetries`: how many failures in a row are tried again almost at once. */
  constructor(clock: Clock, log: Log, reconcile: () => Promise<'done' | 'again'>, quickRetries = 0) {
    this.#quickRetries = quickRetries;
    this.#clock = clock;
    this.#log = log;
    this.#reconcile = reconcile;
  }

  /** Something changed. */
  trigger(): void {
    this.#dirty = true;
    if (!this.#running) this.#schedule(this.#settleMs());
  }

  /** Whether a run is due that will see all that has changed until now. */
  get isDue(): boolean {
    return this.#dirty;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #schedule(delayMs: number): void {
    const dueMs = this.#clock.nowMs() + delayMs;
    if (this.#stopped || dueMs >= this.#dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = this.#clock.after(delayMs, () => void this.#run());
  }

  async #run(): Promise<void> {
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#running = true;
    this.#dirty = false;
    this.#inARow += 1;
    let result: 'done' | 'again';
    try {
      result = await this.#reconcile();
    } catch (error) {
      this.#log.error('reconciliation failed', { error: error instanceof Error ? error.message : String(error) });
      result = 'again';
    }
    this.#running = false;
    this.#endedMs = this.#clock.nowMs();
    this.#failures = result === 'done' ? 0 : this.#failures + 1;
    if (this.#dirty) this.#schedule(this.#settleMs());
    else if (result === 'again') this.#schedule(this.#pauseMs());
  }

  /** Each run looks at everything: where changes do not cease, it is rarer. */
  #settleMs(): number {
    if (this.#clock.nowMs() - this.#endedMs >= LIMITS.stormMs) this.#inARow = 0;
    const late = Math.min(16, Math.max(0, this.#inARow - LIMITS.quickInARow));
    return Math.min(LIMITS.settleMsMax, LIMITS.settleMs * 2 ** late);
  }

  #pauseMs(): number {
    const slow = this.#failures - this.#quickRetries;
    if (slow <= 0) return Math.min(LIMITS.retryMsFirst, LIMITS.requeueMsFirst * 2 ** Math.min(this.#failures - 1, 16));
    return Math.min(LIMITS.retryMsMax, LIMITS.retryMsFirst * 2 ** Math.min(slow - 1, 16));
  }
}
