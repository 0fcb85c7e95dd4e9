/** Memory of a contender: at rest, under many connections, and whether a second burst equal to the first adds to it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { runWrk } from './load.ts';
import { pssMB, type Running } from './processes.ts';

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

export async function measureIdle(processes: readonly Running[]): Promise<number> {
  return pssMB(processes) / processes.length;
}

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
        most = Math.max(most, pssMB(processes) / processes.length);
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
