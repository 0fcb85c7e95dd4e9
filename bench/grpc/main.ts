/**
 * `bun bench/grpc/main.ts [--rounds N] [--record]`: what an open server stream costs the control plane, and a message pushed to
 * 1,000 of them. Each round has processes of its own; the medians stand in the table.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { record } from '../record.ts';
import { type Report, Worker } from '../worker.ts';
import { type Round, renderRounds, verdict } from './results.ts';

const STREAMS = 1_000;
const CONNECTIONS = 4;
const PUSHES = 50;
/** After opening: time to let go of what opening took. */
const REST_MS = 500;

async function measure(): Promise<Round> {
  const workers: Worker[] = [];
  const start = (name: string, ...args: string[]): Worker => {
    const worker = new Worker([join(import.meta.dirname, name), ...args]);
    workers.push(worker);
    return worker;
  };
  try {
    const server = start('server.ts');
    const { port } = await server.hello;
    const client = start('client.ts', String(port));
    await client.hello;
    // One stream first: code that is loaded and compiled once is not part of a stream.
    await client.ask(`open 1:1`);
    await sleep(REST_MS);
    const [serverIdle, clientIdle] = await reports(server, client);
    await client.ask(`open ${STREAMS}:${CONNECTIONS}`);
    await sleep(REST_MS);
    const [serverOpen, clientOpen] = await reports(server, client);
    const pushed: number[] = [];
    for (let i = 0; i < PUSHES; i++) {
      await client.ask('expect');
      await server.ask('push');
      pushed.push(...(await client.ask<{ tookMs: number[] }>('await')).tookMs);
    }
    const [serverEnd] = await reports(server, client);
    pushed.sort((a, b) => a - b);
    const perStream = (now: Report, before: Report, what: 'rssBytes' | 'heapBytes') =>
      (now[what]! - before[what]!) / STREAMS;
    return {
      serverRssBytes: perStream(serverOpen, serverIdle, 'rssBytes'),
      serverHeapBytes: perStream(serverOpen, serverIdle, 'heapBytes'),
      clientRssBytes: perStream(clientOpen, clientIdle, 'rssBytes'),
      clientHeapBytes: perStream(clientOpen, clientIdle, 'heapBytes'),
      pushP50Ms: pushed[pushed.length >> 1]!,
      pushP99Ms: pushed[Math.floor(pushed.length * 0.99)]!,
      pushCpuUs: ((serverEnd.cpuSeconds - serverOpen.cpuSeconds) * 1e6) / PUSHES / STREAMS,
    };
  } finally {
    for (const worker of workers) worker.stop();
  }
}

async function reports(server: Worker, client: Worker): Promise<[Report, Report]> {
  return [await server.ask<Report>('report'), await client.ask<Report>('report')];
}

try {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '5' }, record: { type: 'boolean', default: false } },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 50)
    throw new Error(`--rounds must be a whole number from 1 to 50, got "${values.rounds}"`);
  const results: Round[] = [];
  for (let i = 0; i < rounds; i++) {
    process.stderr.write(`bench: round ${i + 1} of ${rounds}\n`);
    results.push(await measure());
  }
  const body = `${renderRounds(results)}\n\n${verdict(results)}`;
  process.stdout.write(`\n${body}\n`);
  if (values.record) record('grpc', `npm run bench -- grpc --rounds ${rounds}`, body);
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
