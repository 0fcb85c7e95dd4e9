import type { Clock, Timer } from '#runtime/clock';

/** A clock that stands still until a test advances it, letting promises settle at each step. Starts at 2026-01-01T00:00:00Z. */
export class FakeClock implements Clock {
  private now = Date.UTC(2026, 0, 1);
  private readonly timers = new Set<{ atMs: number; call: () => void }>();

  nowMs(): number {
    return this.now;
  }

  wallMs(): number {
    return this.now;
  }

  after(delayMs: number, call: () => void): Timer {
    const timer = { atMs: this.now + delayMs, call };
    this.timers.add(timer);
    return { cancel: () => void this.timers.delete(timer) };
  }

  /** Moves time and fires what became due, in order. Promises settle between timers. */
  async advance(ms: number): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      await settle();
      const due = [...this.timers].filter((timer) => timer.atMs <= until).sort((a, b) => a.atMs - b.atMs)[0];
      if (!due) break;
      this.now = Math.max(this.now, due.atMs);
      this.timers.delete(due);
      due.call();
    }
    this.now = until;
    await settle();
  }
}

/** Lets everything that needs no time happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 25; turn++) await new Promise((done) => setImmediate(done));
}
