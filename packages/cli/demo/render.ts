import { quantile, type Tally } from './tally.ts';

const BAR_WIDTH = 30;
const columns = [10, 10, 8, BAR_WIDTH + 2, 10, 10] as const;

const ms = (value: number | undefined) => (value === undefined ? '-' : `${value.toFixed(1)} ms`);
const row = (cells: readonly string[]) =>
  cells
    .map((cell, at) => cell.padEnd(columns[at] ?? 0))
    .join('')
    .trimEnd();

/** The live table: who answered, how often, what share, how fast. One string with line ends, no colours. */
export function renderTable(names: readonly string[], tally: Tally, mtls: string): string {
  const total = Math.max(1, tally.requests - tally.failed);
  const rows = names.map((name) => {
    const entry = tally.clusters.get(name);
    const share = (entry?.answered ?? 0) / total;
    const bar = '█'.repeat(Math.round(share * BAR_WIDTH));
    const samples = entry?.samplesMs ?? [];
    const percent = `${(share * 100).toFixed(0)} %`;
    return row([
      name,
      String(entry?.answered ?? 0),
      percent,
      bar,
      ms(quantile(samples, 0.5)),
      ms(quantile(samples, 0.99)),
    ]);
  });
  const failures = `failed ${tally.failed}${tally.lastFailure ? ` (last: ${tally.lastFailure})` : ''}`;
  return [
    row(['CLUSTER', 'ANSWERS', 'SHARE', '', 'P50', 'P99']),
    ...rows,
    '',
    `requests ${tally.requests}, ${failures}, mTLS ${mtls}`,
  ].join('\n');
}
