const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

/** How `kubectl get` prints the time since a timestamp: `45s`, `3m12s`, `5h`, `2d4h`, `400d`; `<unknown>` without one. */
export function timestampAge(timestamp: string | undefined, nowMs: number): string {
  const atMs = timestamp ? Date.parse(timestamp) : Number.NaN;
  if (Number.isNaN(atMs)) return '<unknown>';
  return durationText(Math.floor((nowMs - atMs) / 1000));
}

/** Whole seconds in the two leading units that still say something. */
export function durationText(seconds: number): string {
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 2 * MINUTE_S) return `${seconds}s`;
  if (seconds < 10 * MINUTE_S) return pair(seconds, MINUTE_S, 'm', 1, 's');
  if (seconds < 3 * HOUR_S) return `${Math.floor(seconds / MINUTE_S)}m`;
  if (seconds < 8 * HOUR_S) return pair(seconds, HOUR_S, 'h', MINUTE_S, 'm');
  if (seconds < 2 * DAY_S) return `${Math.floor(seconds / HOUR_S)}h`;
  if (seconds < 8 * DAY_S) return pair(seconds, DAY_S, 'd', HOUR_S, 'h');
  if (seconds < 2 * 365 * DAY_S) return `${Math.floor(seconds / DAY_S)}d`;
  if (seconds < 8 * 365 * DAY_S) return pair(seconds, 365 * DAY_S, 'y', DAY_S, 'd');
  return `${Math.floor(seconds / (365 * DAY_S))}y`;
}

function pair(seconds: number, big: number, bigUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((seconds % big) / small);
  return `${Math.floor(seconds / big)}${bigUnit}${rest > 0 ? `${rest}${smallUnit}` : ''}`;
}
