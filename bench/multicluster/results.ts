/** The figures as tables, and whether cost grows no faster than linearly. */
import { median } from '../statistics.ts';
import { renderTable } from '../table.ts';
import type { Cost, Flood, Latencies } from './run.ts';
import type { Mode } from './scale.ts';

/** By mode, from few clusters to many. */
export type Costs = Partial<Record<Mode, readonly Cost[]>>;

/** A cost of a cluster at the largest size may be so much of that at the smallest: two runs of one size differ by some percent. */
export const GROWTH_MAX = 1.15;
/** A neighbour's flood may delay others so long. */
export const BESIDE_MS_MAX = 1_000;

/** What linking took, each from nothing: controllers that wait for Links are not in it. */
const MEASURES: readonly [text: string, of: (cost: Cost) => number, digits: number][] = [
  ['sync s', ({ syncMs }) => syncMs / 1000, 2],
  ['mirrors: CPU s', ({ mirrorsCpuSeconds }) => mirrorsCpuSeconds, 2],
  ['mirrors: PSS MB added', ({ mirrorsGrowthMB }) => mirrorsGrowthMB, 0],
  ['destination: CPU s', ({ destinationCpuSeconds }) => destinationCpuSeconds, 2],
  ['destination: PSS MB added', ({ destinationGrowthMB }) => destinationGrowthMB, 0],
];

/** A cost per cluster at the largest size, in those at the smallest. */
const growthOf = (costs: readonly Cost[], of: (cost: Cost) => number): number => {
  const [first, last] = [costs[0]!, costs.at(-1)!];
  return of(last) / last.clusters / (of(first) / first.clusters);
};

export function renderCosts(costs: Costs): string {
  const rows = modes(costs).flatMap(([mode, series]) => [
    ...series.map((cost) => [
      `${mode}, ${cost.clusters} clusters`,
      ...MEASURES.map(([, of, digits]) => of(cost).toFixed(digits)),
      cost.mirrorsPssMB.toFixed(0),
      cost.destinationPssMB.toFixed(0),
    ]),
    [`${mode}: growth per cluster`, ...MEASURES.map(([, of]) => `${growthOf(series, of).toFixed(2)}x`), '', ''],
  ]);
  return renderTable([['', ...MEASURES.map(([text]) => text), 'mirrors: PSS MB', 'destination: PSS MB'], ...rows]);
}

export function verdict(costs: Costs): string {
  const missed = modes(costs).flatMap(([mode, series]) =>
    MEASURES.filter(([, of]) => !(growthOf(series, of) <= GROWTH_MAX)).map(([text]) => `${mode}, ${text}`),
  );
  const largest = Math.max(...modes(costs).flatMap(([, series]) => series.map(({ clusters }) => clusters)));
  const aim = `A cluster costs at most ${GROWTH_MAX}x of that at the smallest size with ${largest} clusters`;
  return missed.length === 0 ? `${aim}: met.` : `${aim}: not met for ${missed.join('; ')}.`;
}

export function renderFlood({ quiet, beside, rate, mirrorsCpuShare, destinationCpuShare }: Flood): string {
  const row = (text: string, of: (latencies: Latencies) => readonly number[]) => [
    text,
    ...[quiet, beside].flatMap((latencies) =>
      [median(of(latencies)), Math.max(...of(latencies))].map((ms) => ms.toFixed(0)),
    ),
  ];
  const worst = Math.max(...beside.endpointMs, ...beside.labelMs);
  return `${renderTable([
    ['of another cluster, ms', 'median', 'worst', 'median beside', 'worst beside'],
    row('endpoint changed to client told', ({ endpointMs }) => endpointMs),
    row('label changed to mirror changed', ({ labelMs }) => labelMs),
  ])}

The flood: ${rate.toFixed(0)} changes a second of one cluster; meanwhile all mirrors took ${mirrorsCpuShare.toFixed(2)} of a core, the destination service ${destinationCpuShare.toFixed(2)}. No change of another cluster came later than ${BESIDE_MS_MAX} ms: ${worst <= BESIDE_MS_MAX ? 'met' : 'not met'}.`;
}

/** Series of a plot, by mode. */
const modes = (costs: Costs): [Mode, readonly Cost[]][] => Object.entries(costs) as [Mode, readonly Cost[]][];
