/**
 * The long run itself, alone in its namespaces: `bun inside.ts PLAN`. Prints its result as JSON on standard output, a line a minute
 * on standard error.
 */
import { setInterval, setTimeout as sleep } from 'node:timers/promises';
import { run } from '#net/programs';
import { cpuSeconds, pssMB } from '../../conformance/harness/index.ts';
import { CLIENT_NS, SERVER_NS, start, startPair } from '../../conformance/harness/pair/index.ts';
import { type Load, runH2load } from '../proxy/load.ts';
import { originCommand } from '../proxy/peers/index.ts';
import { meshCounts, portScripts, weftUrl } from '../proxy/weft.ts';
import { median } from '../statistics.ts';
import type { Minute, SoakPlan, SoakResult } from './results.ts';

const FOLDER = '/run/bench';
const READY_TIMEOUT_MS = 20_000;
const READY_POLL_MS = 100;
/** Both protocols at once; together the 2,000 requests a second of the claim. */
const HTTP1_RATE = 1_500;
const GRPC_RATE = 500;
/** Memory swings by a third between two collections of garbage: many looks and their median. */
const LOOK_MS = 5_000;

async function ready(requireAlive: () => void): Promise<void> {
  for (const deadlineMs = Date.now() + READY_TIMEOUT_MS; Date.now() < deadlineMs; await sleep(READY_POLL_MS)) {
    requireAlive();
    const flags = ['-s', '-o', '/dev/null', '--max-time', '5', '-w', '%{http_code}'];
    const args = ['netns', 'exec', CLIENT_NS, 'curl', ...flags, weftUrl('http1')];
    if ((await run('ip', args, { okCodes: [...Array(100).keys()] })).stdout === '200') return;
  }
  throw new Error(`no answer within ${READY_TIMEOUT_MS / 1000} s`);
}

/** Medians of what each process takes while `action` runs, MB (10^6), and what that resolves with. */
async function watchingMemory<T>(pids: readonly number[], action: Promise<T>): Promise<[T, number[]]> {
  const seen = pids.map(() => [] as number[]);
  const look = (): void => pids.forEach((pid, side) => void seen[side]!.push(pssMB(pid)));
  const over = new AbortController();
  const watching = (async () => {
    for await (const _ of setInterval(LOOK_MS, undefined, { signal: over.signal })) look();
  })().catch((error: Error) => {
    if (error.name !== 'AbortError') throw error;
  });
  try {
    const result = await action;
    look();
    return [result, seen.map(median)];
  } finally {
    over.abort();
    await watching;
  }
}

async function main({ weft, minutes, minuteSeconds }: SoakPlan): Promise<SoakResult> {
  const pair = await startPair({ weft, ports: portScripts({ changing: true }), folder: FOLDER });
  const proxies = Object.values(pair.proxies);
  const pids = proxies.map(({ pid }) => pid);
  const origin = start('origin', SERVER_NS, originCommand(`${FOLDER}/origin`));
  const watched = [origin, ...proxies, ...pair.others];
  const requireAlive = (): void => {
    for (const each of watched) each.requireAlive();
  };
  await ready(requireAlive);
  const done: Minute[] = [];
  for (let minute = 1; minute <= minutes; minute++) {
    const beforeS = cpuSeconds(pids);
    const load: Promise<Load[]> = Promise.all([
      runH2load(weftUrl('http1'), { connections: 30, rate: HTTP1_RATE, seconds: minuteSeconds }),
      runH2load(`${weftUrl('http2')}bench.Echo/Say`, {
        connections: 5,
        streams: 8,
        rate: GRPC_RATE,
        seconds: minuteSeconds,
      }),
    ]);
    const [loads, memoryMB] = await watchingMemory(pids, load);
    requireAlive();
    const requests = loads.reduce((sum, load) => sum + load.requests, 0);
    const cpuUsPerHop = ((cpuSeconds(pids) - beforeS) * 1e6) / requests / proxies.length;
    const p99Ms = Math.max(...loads.map((load) => load.p99Ms));
    const seen = { minute, requests, pssMB: memoryMB, cpuUsPerHop, p99Ms };
    process.stderr.write(`bench: ${JSON.stringify(seen)}\n`);
    done.push(seen);
  }
  return { minutes: done, others: (await meshCounts()).others };
}

try {
  const result = await main(JSON.parse(process.argv[2] ?? '{}') as SoakPlan);
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
