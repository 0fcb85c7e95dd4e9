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
