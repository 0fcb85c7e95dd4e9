/** Times as `kubectl get` prints them. */

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;
const YEAR_S = 365 * DAY_S;

/** Time since a timestamp: `45s`, `3m12s`, `5h`, `2d4h`, `400d`; `<unknown>` without one. */
export function timestampAge(timestamp: string | undefined, nowMs: number): string {
  const atMs = timestamp ? Date.parse(timestamp) : Number.NaN;
  return Number.isNaN(atMs) ? '<unknown>' : humanDuration(nowMs - atMs);
}

/** From these many seconds on, a span is shown in the units beside: the big one alone, or with the small one. */
const STEPS: readonly (readonly [fromS: number, big: readonly [number, string], small?: readonly [number, string]])[] =
  [
    [8 * YEAR_S, [YEAR_S, 'y']],
    [2 * YEAR_S, [YEAR_S, 'y'], [DAY_S, 'd']],
    [8 * DAY_S, [DAY_S, 'd']],
    [2 * DAY_S, [DAY_S, 'd'], [HOUR_S, 'h']],
    [8 * HOUR_S, [HOUR_S, 'h']],
    [3 * HOUR_S, [HOUR_S, 'h'], [MINUTE_S, 'm']],
    [10 * MINUTE_S, [MINUTE_S, 'm']],
    [2 * MINUTE_S, [MINUTE_S, 'm'], [1, 's']],
    [0, [1, 's']],
  ];

/** A span in the units that still say something; negative ones (clocks apart) are 0s, or `<invalid>` beyond a second. */
export function humanDuration(spanMs: number): string {
  const seconds = Math.trunc(spanMs / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  for (const [fromS, [size, unit], small] of STEPS) {
    if (seconds < fromS) continue;
    const whole = `${Math.floor(seconds / size)}${unit}`;
    const rest = small ? Math.floor((seconds % size) / small[0]) : 0;
    return small && rest > 0 ? `${whole}${rest}${small[1]}` : whole;
  }
  return '0s';
}
