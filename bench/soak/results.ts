/** What a long run has shown, minute by minute. */
import { renderTable } from '../table.ts';

export interface SoakPlan {
  readonly weft: readonly string[];
  readonly minutes: number;
  /** Shorter minutes are for trying the benchmark itself. */
  readonly minuteSeconds: number;
}

export interface Minute {
  readonly minute: number;
  /** All of them answered with success. */
  readonly requests: number;
  /** Client's and server's proxy: the median of looks every five seconds, MB (10^6). */
  readonly pssMB: readonly number[];
  readonly cpuUsPerHop: number;
  readonly p99Ms: number;
}

export interface SoakResult {
  readonly minutes: readonly Minute[];
  /** Requests or connections between the proxies that were not mutual TLS. */
  readonly others: number;
}

/** Memory of the last minute against that of this one. */
export const SETTLED_MINUTE = 5;
const GROWTH_AIM = 1.1;

/** One row for every fifth minute. */
export function renderSoak({ minutes }: SoakResult): string {
  const rows = minutes
    .filter(({ minute }) => minute % 5 === 0 || minute === 1 || minute === minutes.length)
    .map(({ minute, requests, pssMB, cpuUsPerHop, p99Ms }) => [
      String(minute),
      String(requests),
      ...pssMB.map((each) => each.toFixed(1)),
      cpuUsPerHop.toFixed(1),
      p99Ms.toFixed(2),
    ]);
  const header = [
    'minute',
    'requests, none failed',
    'PSS MB (client)',
    'PSS MB (server)',
    'CPU us/request/hop',
    'p99 ms',
  ];
  return renderTable([header, ...rows]);
}

/** Growth of the larger kind: each proxy's last minute divided by its settled one. */
export function growth({ minutes }: SoakResult): number {
  const settled = minutes[Math.min(SETTLED_MINUTE, minutes.length) - 1];
  const last = minutes.at(-1);
  if (!settled || !last) return Number.NaN;
  return Math.max(...last.pssMB.map((each, side) => each / settled.pssMB[side]!));
}

/** The claim in one sentence. Throws when something was not mutual TLS. */
export function soakVerdict(result: SoakResult): string {
  if (result.others > 0) throw new Error(`${result.others} requests or connections were not mutual TLS`);
  const total = result.minutes.reduce((sum, { requests }) => sum + requests, 0);
  const ratio = growth(result);
  const met = ratio <= GROWTH_AIM ? 'met' : 'not met';
  return `${total} requests, no error; memory of the last minute is ${ratio.toFixed(2)}x that of minute ${SETTLED_MINUTE}; the aim is at most ${GROWTH_AIM}x: ${met}.`;
}
