import type { Clock } from '#runtime/clock';
import type { Histogram } from '#runtime/metrics';

const EVERY_MS = 1_000;

/** Measures how long work waits behind other work: how late a timer of each second fires. */
export function watchLoop(clock: Clock, delay: Histogram): void {
  const dueMs = clock.nowMs() + EVERY_MS;
  clock.after(EVERY_MS, () => {
    delay.observe(Math.max(0, clock.nowMs() - dueMs) / 1000);
    watchLoop(clock, delay);
  });
}
