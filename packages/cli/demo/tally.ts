/** Reads the traffic's log into counts per answering cluster. Pure: lines in, tally out. */

/** One line of the traffic pod: the answer, the HTTP status, the seconds it took, and curl's error text. */
const LINE = /^(.*)\t(\d{3})\t([\d.]+)\t(.*)$/;
const PAYLOAD = /"payload":"hello from (\w+)/;
/** Latencies kept per cluster for the median; older ones make room. */
const SAMPLES_MAX = 512;

export interface ClusterTally {
  answered: number;
  /** The last {@link SAMPLES_MAX} latencies, milliseconds. */
  samplesMs: number[];
}

export interface Tally {
  clusters: Map<string, ClusterTally>;
  requests: number;
  failed: number;
  /** What the last failed request said, e.g. `503 service in fail-fast`. */
  lastFailure: string | undefined;
}

export const emptyTally = (): Tally => ({ clusters: new Map(), requests: 0, failed: 0, lastFailure: undefined });

/** Counts one log line, e.g. `{"requestUID":"…","payload":"hello from west\n"}<tab>200<tab>0.0021<tab>`. Others are ignored. */
export function countLine(tally: Tally, line: string): void {
  const match = LINE.exec(line);
  if (!match) return;
  const [, body = '', status = '', seconds = '0', problem = ''] = match;
  const cluster = PAYLOAD.exec(body)?.[1];
  tally.requests += 1;
  if (status !== '200' || cluster === undefined) {
    tally.failed += 1;
    tally.lastFailure = `${status} ${problem || body.slice(0, 80)}`.trim();
    return;
  }
  const entry = tally.clusters.get(cluster) ?? { answered: 0, samplesMs: [] };
  entry.answered += 1;
  entry.samplesMs.push(Number(seconds) * 1000);
  if (entry.samplesMs.length > SAMPLES_MAX) entry.samplesMs.shift();
  tally.clusters.set(cluster, entry);
}

/** The value below which `share` (0 to 1) of the samples lie; undefined without samples. */
export function quantile(samples: readonly number[], share: number): number | undefined {
  if (samples.length === 0) return undefined;
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
