import { LIMITS } from '../limits.ts';
import type { HeldPart } from '../tcp/index.ts';

interface Seen {
  progress: number;
  sinceMs: number;
}

/** Tells who stands still from who is merely busy, by looking at how they get on again and again. */
export class Stalls {
  readonly #seen = new WeakMap<object, Seen>();

  /** It has taken no more than a trickle for so long. Starts to look where it has not yet. */
  isStalled(part: HeldPart, forMs: number, nowMs: number): boolean {
    const progress = part.progress();
    const seen = this.#seen.get(part.of);
    if (!seen) this.#seen.set(part.of, { progress, sinceMs: nowMs });
    else if (Math.abs(progress - seen.progress) > LIMITS.trickleBytes) {
      seen.progress = progress;
      seen.sinceMs = nowMs;
    }
    return seen !== undefined && nowMs - seen.sinceMs >= forMs;
  }
}
