/** A client of good will beside a flood: a request now and then, each on a connection of its own, all of which must be answered. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Honest {
  readonly answered: number;
  /** What became of the others. */
  readonly failures: readonly string[];
  /** From opening the connection to the whole answer. */
  readonly medianMs: number;
  readonly slowestMs: number;
}

const PERIOD_MS = 40;

/** Calls `request` again and again until `over`; it resolves to 'ok' or says what went wrong. */
export async function beHonest(request: () => Promise<string>, over: () => boolean): Promise<Honest> {
  const times: number[] = [];
  const failures: string[] = [];
  while (!over()) {
    const startMs = performance.now();
    const result = await request().catch((error: unknown) => String(error));
    const tookMs = performance.now() - startMs;
    if (result === 'ok') times.push(tookMs);
    else failures.push(`${result} after ${tookMs.toFixed(0)} ms`);
    await sleep(PERIOD_MS);
  }
  times.sort((a, b) => a - b);
  return {
    answered: times.length,
    failures,
    medianMs: times[times.length >> 1] ?? Number.NaN,
    slowestMs: times.at(-1) ?? Number.NaN,
  };
}
