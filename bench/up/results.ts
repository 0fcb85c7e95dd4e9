/** What a run of the demonstration says, and several of them as a table. */
import { median } from '../statistics.ts';
import { renderTable } from '../table.ts';

/** The JSON of `npm run demo -- --once --json`, as far as it is used here. */
export interface DemoResult {
  requests: number;
  failed: number;
  mtls: boolean;
  /** From the command to the first answer of the federated service. */
  upSeconds: number;
  /** Proportional set size of all processes of the lab, MB (10^6 bytes). */
  pssMB: number;
}

export const UP_SECONDS_AIM = 30;
export const PSS_MB_AIM = 2500;

/** Reads the one JSON line. Throws when figures are missing, a request failed or mutual TLS was not proven. */
export function parseResult(out: string): DemoResult {
  const result = JSON.parse(out) as DemoResult;
  for (const field of ['requests', 'failed', 'upSeconds', 'pssMB'] as const)
    if (!Number.isFinite(result[field])) throw new Error(`the demonstration reported no ${field}: ${out.trim()}`);
  if (result.failed > 0 || !result.mtls) throw new Error(`the demonstration did not succeed: ${out.trim()}`);
  return result;
}

/** One row a run, and their medians. */
export function renderRuns(results: readonly DemoResult[]): string {
  const row = (name: string, { upSeconds, pssMB, requests }: Omit<DemoResult, 'failed' | 'mtls'>) => [
    name,
    upSeconds.toFixed(1),
    pssMB.toFixed(0),
    requests.toFixed(0),
  ];
  return renderTable([
    ['run', 'first federated answer s', 'PSS MB', 'requests, none failed'],
    ...results.map((result, i) => row(String(i + 1), result)),
    row('median', medians(results)),
  ]);
}

export function verdict(results: readonly DemoResult[]): string {
  const { upSeconds, pssMB } = medians(results);
  const met = (value: number, aim: number) => (value <= aim ? 'met' : 'not met');
  return `Aims: at most ${UP_SECONDS_AIM} s, ${met(upSeconds, UP_SECONDS_AIM)}; at most ${PSS_MB_AIM} MB, ${met(pssMB, PSS_MB_AIM)}.`;
}

function medians(results: readonly DemoResult[]) {
  const of = (field: 'upSeconds' | 'pssMB' | 'requests') => median(results.map((result) => result[field]));
  return { upSeconds: of('upSeconds'), pssMB: of('pssMB'), requests: of('requests') };
}
