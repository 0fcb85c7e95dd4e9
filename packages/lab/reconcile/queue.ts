import type { Clock, Timer } from '#runtime/clock';
import { LIMITS } from './limits.ts';

/** What a run of one key asks for next. */
export type RunResult = { again?: 'failed' | { afterMs: number } } | undefined;

export interface WorkQueueOptions {
  clock: Clock;
  concurrency?: number;
  /** Must not reject: a rejection is a bug and is rethrown out of the queue. */
  run(key: string): Promise<RunResult>;
}

/**
 * Keys waiting to be worked on: each at most once, never two runs of one key at the same time, failed ones later and later.
 * A key added while it runs is run once more. Its size is bounded by the number of objects that exist.
 */
export class WorkQueue {
  private readonly options: WorkQueueOptions;
  private readonly waiting = new Set<string>();
  private readonly running = new Set<string>();
  private readonly dirty = new Set<string>();
  private readonly failures = new Map<string, number>();
  private readonly delayed = new Map<string, { atMs: number; timer: Timer }>();
  private stopped = false;

  constructor(options: WorkQueueOptions) {
    this.options = options;
  }

  /** Works on the key as soon as a place is free. */
  add(key: string): void {
    if (this.stopped) return;
    if (this.running.has(key)) this.dirty.add(key);
    else this.waiting.add(key);
    this.pump();
  }

  /** Works on the key after a delay; of several delays for one key the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.stopped) return;
    const atMs = this.options.clock.nowMs() + delayMs;
    const planned = this.delayed.get(key);
    if (planned && planned.atMs <= atMs) return;
    planned?.timer.cancel();
    const timer = this.options.clock.after(delayMs, () => {
      this.delayed.delete(key);
      this.add(key);
    });
    this.delayed.set(key, { atMs, timer });
  }

  /** Nothing waits, runs or is planned for now (delayed keys do not count). */
  get idle(): boolean {
    return this.waiting.size === 0 && this.running.size === 0;
  }

  stop(): void {
    this.stopped = true;
    this.waiting.clear();
    this.dirty.clear();
    for (const { timer } of this.delayed.values()) timer.cancel();
    this.delayed.clear();
  }

  private pump(): void {
    const places = this.options.concurrency ?? LIMITS.concurrentKeysMax;
    for (const key of this.waiting) {
      if (this.running.size >= places) return;
      this.waiting.delete(key);
      this.running.add(key);
      void this.work(key);
    }
  }

  private async work(key: string): Promise<void> {
    try {
      this.plan(key, await this.options.run(key));
    } finally {
      this.running.delete(key);
      if (this.dirty.delete(key) && !this.stopped) this.waiting.add(key);
      this.pump();
    }
  }

  private plan(key: string, result: RunResult): void {
    if (result?.again === 'failed') {
      const failures = this.failures.get(key) ?? 0;
      this.failures.set(key, failures + 1);
      this.addAfter(key, Math.min(LIMITS.backoffFirstMs * 2 ** failures, LIMITS.backoffCapMs));
      return;
    }
    this.failures.delete(key);
    if (result?.again) this.addAfter(key, result.again.afterMs);
  }
}
