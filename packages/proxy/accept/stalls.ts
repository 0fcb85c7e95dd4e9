import { LIMITS } from '../limits.ts';
import type { HeldPart } from '../tcp/index.ts';

interface Seen {
  bytes: number;
  sinceMs: number;
}

/** Tells who stands still from who is merely busy, by looking at what waits for them again and again. */
export class Stalls {
  readonly #seen = new WeakMap<object, Seen>();

  /** What waits has neither shrunk nor grown for a while by more than a trickle. Starts to look where it has not yet. */
  isStalled({ of, bytes }: HeldPart, nowMs: number): boolean {
    const seen = this.#seen.get(of);
    if (!seen) this.#seen.set(of, { bytes, sinceMs: nowMs });
    else if (Math.abs(seen.bytes - bytes) > LIMITS.trickleBytes) {
      seen.bytes = bytes;
      seen.sinceMs = nowMs;
    }
    return seen !== undefined && nowMs - seen.sinceMs >= LIMITS.stalledMs;
  }
}
