/** One flood against one face: honest clients beside it, and what the proxy's memory does meanwhile and afterwards. */
import { setTimeout as sleep } from 'node:timers/promises';
import { watchOthers } from '../../../bench/proxy/quiet.ts';
import { pssMB, type Result, run } from '../../harness/index.ts';
import type { Face } from '../faces.ts';
import type { Attack } from './attacks.ts';
import { beHonest, type Honest } from './honest.ts';

export interface FloodReport {
  readonly attack: string;
  readonly face: string;
  readonly seconds: number;
  /** What the attacker says that it did. */
  readonly did: string;
  readonly honest: readonly Honest[];
  /** Share of all cores that other work on the machine took meanwhile. */
  readonly othersShare: number;
  /** Proportional set size of the attacked proxy, MB: before, at most meanwhile, and at last. */
  readonly startMB: number;
  readonly peakMB: number;
  readonly restMB: number;
  /** Absent: within the bounds. */
  readonly failure?: string;
}

/** What may be left of a flood's growth afterwards: the heap of a runtime with a garbage collector shrinks late. */
export const REST_GROWTH_MB_MAX = 24;
/** How long memory may take for that. */
const REST_WAIT_MS = 20_000;
/** No honest request takes longer while a flood runs. */
export const HONEST_MS_MAX = 5_000;
const SAMPLE_MS = 200;
const REST_SAMPLE_MS = 500;
const SLACK_MS = 15_000;

export interface FloodOptions {
  readonly seconds: number;
  /** Folder of Python's h2. */
  readonly python: string;
  /** Process of the attacked proxy. */
  readonly pid: number;
  /** Requests of honest clients, by way of the attacked proxy. */
  readonly requests: readonly (() => Promise<string>)[];
}

export async function runFlood(attack: Attack, face: Face, options: FloodOptions): Promise<FloodReport> {
  const { seconds, pid } = options;
  const startMB = pssMB(pid);
  const { argv, env } = attack.command(face, seconds, options.python);
  const [program = '', ...args] = argv;
  const othersShare = watchOthers();
  let over = false;
  let peakMB = startMB;
  const watch = async () => {
    for (; !over; await sleep(SAMPLE_MS)) peakMB = Math.max(peakMB, pssMB(pid));
  };
  const attacking = run(program, args, { env, timeoutMs: seconds * 1000 + SLACK_MS }).finally(() => {
    over = true;
  });
  const clients = options.requests.map((request) => beHonest(request, () => over));
  const [done, , ...honest] = await Promise.all([attacking, watch(), ...clients]);
  const share = othersShare();
  let restMB = pssMB(pid);
  for (const deadlineMs = Date.now() + REST_WAIT_MS; Date.now() < deadlineMs; await sleep(REST_SAMPLE_MS)) {
    restMB = pssMB(pid);
    if (restMB <= startMB + REST_GROWTH_MB_MAX) break;
  }
  const report = {
    attack: attack.name,
    face: face.name,
    seconds,
    did: accountOf(done.stdout),
    honest,
    othersShare: share,
    startMB,
    peakMB,
    restMB,
  };
  const failure = complaint(report, attack.growthMB, done);
  return { ...report, ...(failure !== undefined && { failure }) };
}

/** The last line of our script, or the last numbers that slowhttptest has drawn. */
function accountOf(text: string): string {
  const line = text.trim().split('\n').at(-1) ?? '';
  if (line.startsWith('{')) return line;
  const counts = ['connected', 'error', 'closed'].map((name) => {
    const last = [...text.matchAll(new RegExp(`${name}:\\s+(?:\\x1b\\[[0-9;]*m)*(\\d+)`, 'g'))].at(-1)?.[1];
    return last === undefined ? undefined : `"${name}": ${last}`;
  });
  return counts.every((each) => each !== undefined) ? `{${counts.join(', ')}}` : '';
}

function complaint(report: FloodReport, growthMB: number, { code, stderr }: Result): string | undefined {
  const { honest, startMB, peakMB, restMB, did } = report;
  if (code !== 0 && did === '' && /Traceback|command not found/.test(stderr))
    return `the attacker failed: ${stderr.slice(-300)}`;
  for (const { answered, failures, slowestMs } of honest) {
    if (failures.length > 0) return `${failures.length} honest requests failed; the first: ${failures[0]}`;
    if (answered === 0) return 'no honest request was made';
    if (slowestMs > HONEST_MS_MAX) return `an honest request took ${slowestMs.toFixed(0)} ms`;
  }
  if (peakMB > startMB + growthMB) return `memory grew from ${startMB.toFixed(0)} to ${peakMB.toFixed(0)} MB`;
  if (restMB > startMB + REST_GROWTH_MB_MAX)
    return `memory stayed at ${restMB.toFixed(0)} MB, from ${startMB.toFixed(0)} MB`;
  return undefined;
}
