/** Memory of a contender: at rest, under many connections, and whether a second burst equal to the first adds to it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { pssMB } from '../../conformance/harness/index.ts';
import type { Running } from '../../conformance/harness/pair/index.ts';
import { runWrk } from './load.ts';

/** Proportional set size, mean of the two proxies, MB (10^6). */
export interface Memory {
  readonly name: string;
  readonly idle: number;
  /** The largest seen while 1,000 connections are served. */
  readonly many: number;
  /** The largest seen in each burst of 5,000 connections. */
  readonly firstBurst: number;
  readonly secondBurst: number;
}

export const MEMORY_AIMS = { idleMB: 40, manyMB: 85, growth: 1.1 } as const;

const MANY = 1_000;
const BURST = 5_000;
const LOOK_MS = 500;
/** Between bursts: time to close connections and to give memory back. */
const REST_MS = 8_000;

/** Proportional set size, MB (10^6), the mean of these. */
export const meanPssMB = (processes: readonly Running[]): number =>
  processes.reduce((sum, { pid }) => sum + pssMB(pid), 0) / processes.length;

/** `idle` is taken before any load. */
export async function measureMemory(
  name: string,
  url: string,
  idle: number,
  processes: readonly Running[],
): Promise<Memory> {
  const during = async (connections: number, seconds: number): Promise<number> => {
    let most = 0;
    let over = false;
    const watching = (async () => {
      while (!over) {
        most = Math.max(most, meanPssMB(processes));
        await sleep(LOOK_MS);
      }
    })();
    try {
      await runWrk(url, { connections, seconds });
    } finally {
      over = true;
      await watching;
    }
    return most;
  };
  const many = await during(MANY, 6);
  await sleep(REST_MS);
  const firstBurst = await during(BURST, 8);
  await sleep(REST_MS);
  const secondBurst = await during(BURST, 8);
  return { name, idle, many, firstBurst, secondBurst };
}
