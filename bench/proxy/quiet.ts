/** What else the machine is doing: figures are taken when that is little, and tell how much it was. */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds } from '../../conformance/harness/index.ts';
import { machineBusySeconds } from '../machine.ts';

/** Of all cores, over one look. */
const QUIET_SHARE_MAX = 0.1;
const LOOK_MS = 1000;
/** A machine that never rests is measured all the same. */
export const QUIET_WAIT_SECONDS_MAX = 20;

const OURS = [1];

/** CPU time of everything else on the machine so far, seconds. We are the first process of our pid namespace. */
const othersSeconds = (): number => machineBusySeconds() - cpuSeconds(OURS);

/** Resolves when other work takes little for a moment, or when that has not come in time. */
export async function untilQuiet(): Promise<void> {
  for (const deadlineMs = performance.now() + QUIET_WAIT_SECONDS_MAX * 1000; performance.now() < deadlineMs; ) {
    const share = watchOthers();
    await sleep(LOOK_MS);
    if (share() <= QUIET_SHARE_MAX) return;
  }
}

/** Starts looking; the function it returns tells which share of all cores other work has taken since. */
export function watchOthers(): () => number {
  const startMs = performance.now();
  const before = othersSeconds();
  return () => {
    const coreSeconds = ((performance.now() - startMs) / 1000) * availableParallelism();
    return Math.max(0, (othersSeconds() - before) / coreSeconds);
  };
}
