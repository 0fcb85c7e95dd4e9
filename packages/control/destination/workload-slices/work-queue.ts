/** Keys that wait to be worked on, one after another: each once however often it is added, again later when its work failed. */
import type { Clock, Timer } from '#runtime/clock';

export interface WorkQueueObserver {
  depth(count: number): void;
  added(): void;
  retried(): void;
  dropped(key: string, error: Error): void;
  /** Seconds from the adding to the work, and of the work. */
  worked(waitSeconds: number, workSeconds: number): void;
}

/** Failures in a row after which a key is given up until it is added again. */
const RETRIES_MAX = 15;
const BACKOFF_MS_FIRST = 50;
const BACKOFF_MS_MAX = 30_000;

export class WorkQueue {
  readonly #clock: Clock;
  readonly #work: (key: string) => Promise<void>;
  readonly #observer: WorkQueueObserver;
  /** Since when they wait. */
  readonly #waiting = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #retries = new Map<string, Timer>();
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(clock: Clock, work: (key: string) => Promise<void>, observer: WorkQueueObserver) {
    this.#clock = clock;
    this.#work = work;
    this.#observer = observer;
  }

  add(key: string): void {
    if (this.#stopped || this.#waiting.has(key)) return;
    this.#waiting.set(key, this.#clock.nowMs());
    this.#observer.added();
    this.#observer.depth(this.#waiting.size);
    this.#running ??= this.#run();
  }

  /** Takes no more; resolves when the work under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    this.#observer.depth(0);
    for (const timer of this.#retries.values()) timer.cancel();
    this.#retries.clear();
    await this.#running;
  }

  async #run(): Promise<void> {
    // Whoever added a key may add more in the same turn.
    await Promise.resolve();
    for (const [key, sinceMs] of this.#waiting) {
      this.#waiting.delete(key);
      this.#observer.depth(this.#waiting.size);
      const startMs = this.#clock.nowMs();
      try {
        await this.#work(key);
        this.#failures.delete(key);
      } catch (error) {
        this.#failed(key, error instanceof Error ? error : new Error(String(error)));
      }
      this.#observer.worked((startMs - sinceMs) / 1000, (this.#clock.nowMs() - startMs) / 1000);
    }
    this.#running = undefined;
  }

  #failed(key: string, error: Error): void {
    if (this.#stopped) return;
    const failures = (this.#failures.get(key) ?? 0) + 1;
    if (failures > RETRIES_MAX) {
      this.#failures.delete(key);
      this.#observer.dropped(key, error);
      return;
    }
    this.#failures.set(key, failures);
    this.#observer.retried();
    this.#retries.get(key)?.cancel();
    const waitMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** (failures - 1));
    const timer = this.#clock.after(waitMs, () => {
      this.#retries.delete(key);
      this.add(key);
    });
    this.#retries.set(key, timer);
  }
}
