import { FLOODS, type Flood, HTTP2_LIMITS } from './limits.ts';

/** Counts what a peer does within a window of time. */
export class FloodCounter {
  readonly #counts: Record<Flood, number> = {
    reset: 0,
    late: 0,
    error: 0,
    settings: 0,
    ping: 0,
    emptyData: 0,
    ignored: 0,
    windowUpdate: 0,
  };
  #opened = 0;
  #windowStartMs = Number.NEGATIVE_INFINITY;

  /** Time goes on; monotonic. */
  tick(nowMs: number): void {
    if (nowMs - this.#windowStartMs < HTTP2_LIMITS.windowMs) return;
    this.#windowStartMs = nowMs;
    this.#opened = 0;
    for (const kind of Object.keys(this.#counts) as Flood[]) this.#counts[kind] = 0;
  }

  opened(): void {
    this.#opened++;
  }

  /** Counts one; true: that was too much. */
  isTooMuch(kind: Flood): boolean {
    const count = ++this.#counts[kind];
    if (count <= FLOODS[kind].max) return false;
    return kind !== 'reset' || count * 2 > this.#opened;
  }
}
