/** What the processes inside and outside the namespaces tell each other, and how it is shown. */
import { median, spread } from '../statistics.ts';
import { renderTable } from '../table.ts';
import type { Load } from './wrk.ts';

export interface Plan {
  rounds: number;
  /** Of each run of wrk. */
  seconds: number;
  warmUpSeconds: number;
  /** Command line that begins a `weft` command. */
  weft: readonly string[];
}

/** One run of wrk against one contender. */
export interface Sample extends Load {
  name: string;
  /** User and system time of its processes, a request and hop, microseconds. */
  cpuUsPerHop: number;
  /** Requests that were answered just before, to have connections open. */
  unmeasured: number;
  /** Share of all cores that processes outside the benchmark took meanwhile. */
  othersShare: number;
}

export interface Results {
  samples: Sample[];
  /** Mean of the two proxies, after the last round, by contender. */
  rssMB: Record<string, number>;
}

/** The aim: at most this share of Envoy's CPU time. */
const RATIO_AIM = 0.5;

/** One row a contender, and its CPU time against Envoy's. */
export function renderResults({ samples, rssMB }: Results): string {
  const of = (name: string, field: keyof Load | 'cpuUsPerHop') =>
    samples.filter((sample) => sample.name === name).map((sample) => sample[field]);
  const names = Object.keys(rssMB);
  const rows = names.map((name) => [
    name,
    median(of(name, 'cpuUsPerHop')).toFixed(1),
    spread(of(name, 'cpuUsPerHop'), 1),
    `${ratioToEnvoy(samples, name).toFixed(2)}x`,
    median(of(name, 'perSecond')).toFixed(0),
    median(of(name, 'p50Ms')).toFixed(2),
    median(of(name, 'p99Ms')).toFixed(2),
    rssMB[name]!.toFixed(0),
  ]);
  const header = ['', 'CPU us/request/hop', 'min–max', 'of Envoy', 'requests/s', 'p50 ms', 'p99 ms', 'RSS MB/proxy'];
  return renderTable([header, ...rows]);
}

/** Median CPU time a hop, as a share of Envoy's. */
export function ratioToEnvoy(samples: readonly Sample[], name: string): number {
  const cpu = (wanted: string) =>
    median(samples.filter((sample) => sample.name === wanted).map(({ cpuUsPerHop }) => cpuUsPerHop));
  return cpu(name) / cpu('Envoy');
}

/** The comparison in one sentence. */
export function verdict({ samples }: Results): string {
  const ratio = ratioToEnvoy(samples, 'Weft');
  const met = ratio <= RATIO_AIM ? 'met' : 'not met';
  return `Weft takes ${ratio.toFixed(2)}x the CPU time of Envoy a hop; the aim is at most ${RATIO_AIM}x: ${met}.`;
}

/** How much the figures may have suffered from other work. */
export function disturbance({ samples }: Results): string {
  const shares = samples.map(({ othersShare }) => othersShare);
  return `Meanwhile other work took ${percent(median(shares))} of the machine's CPU time in the median run, ${percent(Math.max(...shares))} at most.`;
}

export const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
