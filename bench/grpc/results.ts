/** The figures of rounds as a table. */
import { median, spread } from '../statistics.ts';
import { renderTable } from '../table.ts';

export interface Round {
  /** Growth of the process for each open stream. */
  readonly serverRssBytes: number;
  readonly serverHeapBytes: number;
  readonly clientRssBytes: number;
  readonly clientHeapBytes: number;
  /** From the command to push until a stream has the message. */
  readonly pushP50Ms: number;
  readonly pushP99Ms: number;
  /** CPU time of the server for each message. */
  readonly pushCpuUs: number;
}

export const STREAM_BYTES_AIM = 20_000;

const ROWS = [
  ['server: RSS per open stream, kB', 'serverRssBytes', 1000, 1],
  ['server: heap per open stream, kB', 'serverHeapBytes', 1000, 1],
  ['client: RSS per open stream, kB', 'clientRssBytes', 1000, 1],
  ['client: heap per open stream, kB', 'clientHeapBytes', 1000, 1],
  ['push to 1,000 streams: p50 ms', 'pushP50Ms', 1, 1],
  ['push to 1,000 streams: p99 ms', 'pushP99Ms', 1, 1],
  ['push: CPU of the server, us a message', 'pushCpuUs', 1, 2],
] as const satisfies readonly (readonly [string, keyof Round, number, number])[];

export function renderRounds(rounds: readonly Round[]): string {
  return renderTable([
    ['', 'median', 'min–max'],
    ...ROWS.map(([text, field, unit, digits]) => {
      const values = rounds.map((round) => round[field] / unit);
      return [text, median(values).toFixed(digits), spread(values, digits)];
    }),
  ]);
}

export function verdict(rounds: readonly Round[]): string {
  const bytes = median(rounds.map(({ serverRssBytes }) => serverRssBytes));
  const met = bytes <= STREAM_BYTES_AIM ? 'met' : 'not met';
  return `A stream costs the server ${(bytes / 1000).toFixed(1)} kB; the aim is at most ${STREAM_BYTES_AIM / 1000} kB: ${met}.`;
}
