import type { Clock } from '#runtime/clock';
import { LIMITS } from './limits.ts';

interface Rewrite {
  text: string;
  times: number;
  lastMs: number;
}

/**
 * Somebody who changes an object back each time that we write it (a webhook that rewrites what is ours, another controller) is written
 * against ever less often, and named, instead of for ever as fast as both can.
 */
export class Rewrites {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #written = new Map<string, Rewrite>();

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  /** Why an object is not to be written with this text now; undefined: it is. */
  problem(name: string, text: string): string | undefined {
    const written = this.#written.get(name);
    if (written?.text !== text) return undefined;
    const waitMs = written.lastMs + pauseMs(written.times) - this.#clock.nowMs();
    if (waitMs <= 0) return undefined;
    return `somebody changes it back each time, ${written.times} times so far; look at mutating webhooks and other controllers that write Services`;
  }

  /** The object was written with this text. */
  wrote(name: string, text: string): void {
    const nowMs = this.#clock.nowMs();
    const before = this.#written.get(name);
    const isAgain = before?.text === text && nowMs - before.lastMs < LIMITS.rewriteForgetMs;
    this.#written.delete(name);
    this.#written.set(name, { text, times: isAgain ? before.times + 1 : 1, lastMs: nowMs });
    for (const [old, { lastMs }] of this.#written) {
      if (nowMs - lastMs < LIMITS.rewriteForgetMs) break;
      this.#written.delete(old);
    }
  }
}

/** The first few times are chance, or somebody who tries something. */
const pauseMs = (times: number): number =>
  times < LIMITS.rewritesFree
    ? 0
    : Math.min(LIMITS.rewriteMsMax, LIMITS.rewriteMsFirst * 2 ** Math.min(times - LIMITS.rewritesFree, 16));
