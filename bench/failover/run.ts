/** The measurements, all seen by a pod's requests through its proxy. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, FailoverLab } from './lab.ts';

const WAIT_MS_MAX = 60_000;
/** So long nobody may answer from a cluster before it counts as gone. */
const SILENCE_MS = 1_000;

const isFrom =
  (cluster: string) =>
  ({ what }: Answer): boolean =>
    what === `from-${cluster}`;
const isFailure = ({ what }: Answer): boolean => !what.startsWith('from-');

/** Milliseconds from a Service's label in a linked cluster to the first answer from there, one sample after the other. */
export async function measureJoin(lab: FailoverLab, samples: number, say: (text: string) => void): Promise<number[]> {
  const took: number[] = [];
  await lab.first('answers from all clusters', WAIT_MS_MAX, isFrom('north'));
  for (let i = 0; i < samples; i++) {
    await lab.setMember('north', false);
    await silent(lab, 'north');
    lab.forget();
    const labelledMs = Date.now();
    await lab.setMember('north', true);
    const { endedMs } = await lab.first('an answer from north', WAIT_MS_MAX, isFrom('north'));
    took.push(endedMs - labelledMs);
    say(`label ${i + 1} of ${samples}: ${took.at(-1)} ms`);
  }
  return took;
}

/** Waits until a cluster has not answered for a while. */
async function silent(lab: FailoverLab, cluster: string): Promise<void> {
  const endMs = Date.now() + WAIT_MS_MAX;
  do {
    if (Date.now() > endMs) throw new Error(`${cluster} went on answering for ${WAIT_MS_MAX} ms`);
    lab.forget();
    await sleep(SILENCE_MS);
  } while (lab.answers.length === 0 || lab.answers.some(isFrom(cluster)));
}

/** What became of requests when the cluster that has all of them was cut off, and when it came back. Milliseconds. */
export interface CutOff {
  /** From the cut to the last failure; 0 without one. */
  readonly lastFailureMs: number;
  readonly failed: number;
  readonly asked: number;
  /** From the cut to the first answer of another cluster. */
  readonly takenOverMs: number;
  /** From the return of the network to the first answer from the cluster. */
  readonly backMs: number;
  /** From then on nothing failed. */
  readonly failedAfterReturn: number;
}

/** Cuts `east` off from `west` for a while, so many times. */
export async function measureCutOff(
  lab: FailoverLab,
  { times, cutMs, say }: { times: number; cutMs: number; say(text: string): void },
): Promise<CutOff[]> {
  await lab.annotate({
    'balancer.weft.dev/cluster-order': 'east,west,north',
    'balancer.weft.dev/cluster-return-after': '1s',
  });
  const found: CutOff[] = [];
  for (let i = 0; i < times; i++) {
    await silent(lab, 'west');
    await silent(lab, 'north');
    lab.forget();
    const startMs = Date.now();
    await lab.setNetwork('partition');
    const taken = await lab.first(
      'answers of another cluster',
      WAIT_MS_MAX,
      (answer) => !isFailure(answer) && !isFrom('east')(answer),
    );
    await sleep(Math.max(0, startMs + cutMs - Date.now()));
    const during = lab.answers;
    lab.forget();
    const healMs = Date.now();
    await lab.setNetwork('heal');
    const back = await lab.first('answers of the cluster that was cut off', WAIT_MS_MAX, isFrom('east'));
    await silent(lab, 'west');
    const failures = during.filter(isFailure);
    found.push({
      lastFailureMs: Math.max(0, ...failures.map(({ endedMs }) => endedMs - startMs)),
      failed: failures.length,
      asked: during.length,
      takenOverMs: taken.endedMs - startMs,
      backMs: back.endedMs - healMs,
      failedAfterReturn: lab.answers.filter(isFailure).length,
    });
    say(`cut ${i + 1} of ${times}: ${JSON.stringify(found.at(-1))}`);
  }
  return found;
}
