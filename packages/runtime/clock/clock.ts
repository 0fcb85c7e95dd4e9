/** A started timer. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds with fractions, from an arbitrary start. */
  nowMs(): number;
  /** Wall-clock time in milliseconds since 1970. */
  wallMs(): number;
  /** Calls back once after `delayMs`; such timers do not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
}

/** Node fires timers beyond this at once, so they are cut: nothing waits 24 days. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** The real clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, callback) {
    const handle = setTimeout(callback, Math.min(delayMs, DELAY_MS_MAX));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/**
 * As `clock.after`, for bounds on what a peer takes: we may be late ourselves, and what came in a turn of the event loop that took
 * so long is heard after its timers. So the callback is called one turn later, unless it is cancelled by then.
 */
export function afterHearing(clock: Pick<Clock, 'after'>, delayMs: number, callback: () => void): Timer {
  let timer = clock.after(delayMs, () => {
    timer = clock.after(0, callback);
  });
  return { cancel: () => timer.cancel() };
}
