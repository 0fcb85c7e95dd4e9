/** The figures as tables, and whether they are what is aimed at. */
import { renderTable } from '../table.ts';
import type { Spread, Storm } from './run.ts';

export interface Results {
  readonly spread: Spread;
  readonly storm: Storm;
  readonly start: { readonly startMs: number; readonly rssBytes: number };
}

/** One series for each number that varies. */
export type Growth = Record<'services' | 'endpoints' | 'proxies', ({ readonly value: number } & Spread)[]>;

export const AIMS = { p99Ms: 1_000, streamBytes: 20_000, messageCpuUs: 18, settledMs: 2_000, startMs: 10_000 } as const;

/** What, the figure, its digits, and the aim where there is one. */
const rows = ({ spread, storm, start }: Results): [string, number, number, number?][] => [
  ['open streams', spread.streams, 0],
  ['all streams opened and answered, ms', spread.openMs, 0],
  ['CPU a stream opened, us', spread.openCpuUs, 0],
  ['RSS per stream, kB', spread.streamBytes / 1000, 1, AIMS.streamBytes / 1000],
  ['a change at 1,000 proxies: p50 ms', spread.p50Ms, 1],
  ['a change at 1,000 proxies: p99 ms', spread.p99Ms, 1, AIMS.p99Ms],
  ['CPU a message, us', spread.messageCpuUs, 2, AIMS.messageCpuUs],
  ['storm: changes', storm.changes, 0],
  ['storm: messages', storm.messages, 0],
  ['storm: changes merged for slow readers', storm.coalesced, 0],
  ['storm: CPU, share of a core', storm.cpuShare, 2],
  ['storm: right state after the last change, ms', storm.settledMs, 0, AIMS.settledMs],
  ['start with 10,000 pods: serving after ms', start.startMs, 0, AIMS.startMs],
  ['start with 10,000 pods: RSS MB', start.rssBytes / 1e6, 0],
];

export function renderResults(results: Results): string {
  return renderTable([
    ['', 'measured', 'aim'],
    ...rows(results).map(([text, value, digits, aim]) => [
      text,
      value.toFixed(digits),
      aim === undefined ? '' : `<= ${aim}`,
    ]),
  ]);
}

export function verdict(results: Results): string {
  const missed = rows(results).filter(([, value, , aim]) => aim !== undefined && !(value <= aim));
  return missed.length === 0 ? 'All aims are met.' : `Not met: ${missed.map(([text]) => text).join('; ')}.`;
}

export function renderGrowth(growth: Growth): string {
  const lines = Object.entries(growth).flatMap(([name, series]) =>
    series.map((point) => [
      `${point.value} ${name}`,
      point.messageCpuUs.toFixed(1),
      (point.changeCpuUs / 1000).toFixed(2),
      point.p99Ms.toFixed(0),
      (point.rssBytes / 1e6).toFixed(0),
    ]),
  );
  return renderTable([
    ['100 services, 10 endpoints, 300 proxies, but', 'CPU us/message', 'CPU ms/change', 'p99 ms', 'RSS MB'],
    ...lines,
  ]);
}
