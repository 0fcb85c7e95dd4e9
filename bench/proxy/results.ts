/** What the processes inside and outside the namespaces tell each other, and how it is shown. */
import { median, spread } from '../statistics.ts';
import { renderTable } from '../table.ts';
import { MEMORY_AIMS, type Memory } from './memory.ts';
import { FIGURES, type Figure, type Sample, SCENARIOS, type Scenario } from './scenarios.ts';

export interface Plan {
  /** Names of scenarios; `memory` is one too. */
  readonly scenarios: readonly string[];
  readonly rounds: number;
  /** Of each run of a load generator. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Command line that begins a `weft` command. */
  readonly weft: readonly string[];
}

export interface Results {
  readonly samples: readonly Sample[];
  readonly memory: readonly Memory[];
}

/** The aims beside what was seen, then every contender's figures. */
export function renderResults(results: Results): string {
  const scenarios = SCENARIOS.filter(({ name }) => results.samples.some((sample) => sample.scenario === name));
  const aims = scenarios.flatMap((scenario) => aimRows(scenario, results.samples));
  const header = ['', 'figure', 'Weft', 'Envoy', 'Weft/Envoy', 'aim', 'met'];
  const parts = [renderTable([header, ...aims, ...memoryAims(results.memory)])];
  for (const scenario of scenarios)
    parts.push(`**${scenario.name}**: ${scenario.title}`, details(scenario, results.samples));
  if (results.memory.length > 0) parts.push('**memory**: PSS a proxy, MB', memoryTable(results.memory));
  return parts.join('\n\n');
}

/** Median of a contender's figure in one scenario; NaN when it took no part. */
export function figureOf(samples: readonly Sample[], scenario: string, name: string, figure: Figure): number {
  return median(samples.filter((each) => each.scenario === scenario && each.name === name).map((each) => each[figure]));
}

function aimRows({ name, aims }: Scenario, samples: readonly Sample[]): string[][] {
  return (Object.entries(aims) as [Figure, number][]).map(([figure, aim]) => {
    const { title, digits, best } = FIGURES[figure];
    const [weft, envoy] = [figureOf(samples, name, 'Weft', figure), figureOf(samples, name, 'Envoy', figure)];
    const ratio = weft / envoy;
    const met = best === 'least' ? ratio <= aim : ratio >= aim;
    const sign = best === 'least' ? '<=' : '>=';
    return [
      name,
      title,
      weft.toFixed(digits),
      envoy.toFixed(digits),
      `${ratio.toFixed(2)}x`,
      `${sign} ${aim}x`,
      yes(met),
    ];
  });
}

function details({ name, bodyBytes }: Scenario, all: readonly Sample[]): string {
  const samples = all.filter(({ scenario }) => scenario === name);
  const main: Figure = bodyBytes === undefined ? 'cpuUsPerHop' : 'mbPerCpuSecond';
  const { title, digits } = FIGURES[main];
  const rows = [...new Set(samples.map((sample) => sample.name))].map((contender) => {
    const of = (figure: Figure | 'perSecond') =>
      samples.filter((sample) => sample.name === contender).map((sample) => sample[figure]);
    const mains = of(main);
    return [
      contender,
      median(mains).toFixed(digits),
      spread(mains, digits),
      median(of('perSecond')).toFixed(0),
      median(of('p50Ms')).toFixed(2),
      median(of('p99Ms')).toFixed(2),
    ];
  });
  return renderTable([['', title, 'min–max', 'requests/s', 'p50 ms', 'p99 ms'], ...rows]);
}

function memoryAims(memory: readonly Memory[]): string[][] {
  const [weft, envoy] = [memory.find(({ name }) => name === 'Weft'), memory.find(({ name }) => name === 'Envoy')];
  if (!weft || !envoy) return [];
  const growth = ({ firstBurst, secondBurst }: Memory): number => secondBurst / firstBurst;
  const row = (figure: string, of: (memory: Memory) => number, aim: number, digits: number): string[] => {
    const [ours, theirs] = [of(weft), of(envoy)];
    const ratio = `${(ours / theirs).toFixed(2)}x`;
    return ['memory', figure, ours.toFixed(digits), theirs.toFixed(digits), ratio, `<= ${aim}`, yes(ours <= aim)];
  };
  return [
    row('PSS MB idle', ({ idle }) => idle, MEMORY_AIMS.idleMB, 0),
    row('PSS MB, 1,000 connections', ({ many }) => many, MEMORY_AIMS.manyMB, 0),
    row('second burst of 5,000 / first', growth, MEMORY_AIMS.growth, 2),
  ];
}

function memoryTable(memory: readonly Memory[]): string {
  const rows = memory.map(({ name, ...figures }) => [
    name,
    ...[figures.idle, figures.many, figures.firstBurst, figures.secondBurst].map((each) => each.toFixed(0)),
  ]);
  return renderTable([['', 'idle', '1,000 connections', 'burst of 5,000', 'the second'], ...rows]);
}

const yes = (met: boolean): string => (met ? 'yes' : 'no');

/** How much the figures may have suffered from other work. */
export function disturbance({ samples }: Pick<Results, 'samples'>): string {
  const shares = samples.map(({ othersShare }) => othersShare);
  return `Meanwhile other work took ${percent(median(shares))} of the machine's CPU time in the median run, ${percent(Math.max(...shares))} at most.`;
}

export const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
