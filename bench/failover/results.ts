/** The figures as tables, beside what is aimed at. */
import { median } from '../statistics.ts';
import { renderTable } from '../table.ts';
import type { CutOff } from './run.ts';

export interface Results {
  /** Label to first answer, milliseconds. */
  readonly joinMs: readonly number[];
  readonly cuts: readonly CutOff[];
}

export const AIMS = { joinP99Ms: 2_000, lastFailureMs: 15_000, backMs: 10_000, failedAfterReturn: 0 } as const;

/** The smallest value that at least so many hundredths are not above. */
export function percentile(values: readonly number[], hundredths: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((hundredths / 100) * sorted.length) - 1)] ?? Number.NaN;
}

const rows = ({ joinMs, cuts }: Results): [text: string, median: number, worst: number, aim?: number][] => {
  const row = (text: string, of: (cut: CutOff) => number, aim?: number) => {
    const values = cuts.map(of);
    const figures = [text, median(values), Math.max(...values)] as const;
    return aim === undefined
      ? ([...figures] as [string, number, number])
      : ([...figures, aim] as [string, number, number, number]);
  };
  return [
    [
      `label to first answer, ms (${joinMs.length} times, p99 for the worst)`,
      median(joinMs),
      percentile(joinMs, 99),
      AIMS.joinP99Ms,
    ],
    row('cut off: first answer of another cluster, ms', ({ takenOverMs }) => takenOverMs),
    row('cut off: last failed request, ms', ({ lastFailureMs }) => lastFailureMs, AIMS.lastFailureMs),
    row('cut off: failed requests', ({ failed }) => failed),
    row('cut off: requests', ({ asked }) => asked),
    row('returned: first answer, ms', ({ backMs }) => backMs, AIMS.backMs),
    row('returned: failed requests', ({ failedAfterReturn }) => failedAfterReturn, AIMS.failedAfterReturn),
  ];
};

export function renderResults(results: Results): string {
  return renderTable([
    [`${results.cuts.length} cuts`, 'median', 'worst', 'aim'],
    ...rows(results).map(([text, middle, worst, aim]) => [
      text,
      middle.toFixed(0),
      worst.toFixed(0),
      aim === undefined ? '' : `<= ${aim}`,
    ]),
  ]);
}

export function verdict(results: Results): string {
  const missed = rows(results).filter(([, , worst, aim]) => aim !== undefined && !(worst <= aim));
  return missed.length === 0 ? 'All aims are met.' : `Not met: ${missed.map(([text]) => text).join('; ')}.`;
}
