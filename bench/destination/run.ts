/** The measurements: each begins with processes of its own. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Report, Worker } from '../worker.ts';
import { encodeShape, type Shape, sharedMs } from './shape.ts';

/** After opening: time to let go of what opening took. */
const REST_MS = 1_000;
/** The right state must be there within this time after the last change; then the measurement gives up. */
const SETTLE_MS_MAX = 20_000;

class Scene {
  readonly #workers: Worker[] = [];
  readonly shape: Shape;
  cluster!: Worker;
  destination!: Worker;
  proxies!: Worker;
  /** Milliseconds from the start of the process until it served. */
  startMs = 0;

  constructor(shape: Shape) {
    this.shape = shape;
  }

  #start(name: string, ...args: string[]): Worker {
    const worker = new Worker([join(import.meta.dirname, name), ...args]);
    this.#workers.push(worker);
    return worker;
  }

  async serve(): Promise<void> {
    const shape = encodeShape(this.shape);
    this.cluster = this.#start('cluster.ts', shape);
    const { port: api } = await this.cluster.hello;
    const beginMs = sharedMs();
    this.destination = this.#start('destination.ts', String(api));
    const { port } = await this.destination.hello;
    this.startMs = sharedMs() - beginMs;
    this.proxies = this.#start('proxies.ts', shape, String(port));
    await this.proxies.hello;
  }

  /** One change, and how long each stream of the service waited for it. */
  async change(service: number): Promise<number[]> {
    await this.proxies.ask(`expect ${service}`);
    const { atMs } = await this.cluster.ask<{ atMs: number }>(`flip ${service}`);
    const arrivals = await this.proxies.ask<{ atMs: number[] }>('await');
    return arrivals.atMs.map((each) => Math.max(0, each - atMs));
  }

  report(): Promise<Report> {
    return this.destination.ask<Report>('report');
  }

  stop(): void {
    for (const worker of this.#workers) worker.stop();
  }
}

async function within<T>(shape: Shape, work: (scene: Scene) => Promise<T>): Promise<T> {
  const scene = new Scene(shape);
  try {
    await scene.serve();
    return await work(scene);
  } finally {
    scene.stop();
  }
}

export interface Spread {
  readonly streams: number;
  /** Resident memory that each stream added. */
  readonly streamBytes: number;
  readonly openMs: number;
  /** CPU of the destination service for each stream, until it had its endpoints. */
  readonly openCpuUs: number;
  /** From a change to its arrival at a proxy, for a service that all follow. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly messageCpuUs: number;
  /** CPU of the destination service for one change, whatever it sends. */
  readonly changeCpuUs: number;
  readonly rssBytes: number;
}

/** Streams opened, then `changes` changes, one after the other, of the service that all proxies follow. */
export function measureSpread(shape: Shape, changes: number): Promise<Spread> {
  return within(shape, async (scene) => {
    const idle = await scene.report();
    const beginMs = sharedMs();
    const { streams } = await scene.proxies.ask<{ streams: number }>('open');
    const openMs = sharedMs() - beginMs;
    await sleep(REST_MS);
    const open = await scene.report();
    const tookMs: number[] = [];
    for (let i = 0; i < changes; i++) tookMs.push(...(await scene.change(0)));
    const end = await scene.report();
    tookMs.sort((a, b) => a - b);
    const cpuUs = (end.cpuSeconds - open.cpuSeconds) * 1e6;
    return {
      streams,
      streamBytes: (open.rssBytes - idle.rssBytes) / streams,
      openMs,
      openCpuUs: ((open.cpuSeconds - idle.cpuSeconds) * 1e6) / streams,
      p50Ms: tookMs[tookMs.length >> 1] ?? Number.NaN,
      p99Ms: tookMs[Math.floor(tookMs.length * 0.99)] ?? Number.NaN,
      messageCpuUs: cpuUs / tookMs.length,
      changeCpuUs: cpuUs / changes,
      rssBytes: open.rssBytes,
    };
  });
}

export interface Storm {
  readonly changes: number;
  /** Messages that arrived; without merging there would be one for each change and stream. */
  readonly messages: number;
  readonly coalesced: number;
  /** From the last change until every stream had the right endpoints. */
  readonly settledMs: number;
  readonly cpuShare: number;
}

/** Changes of random services at a rate. */
export function measureStorm(shape: Shape, rate: number, seconds: number): Promise<Storm> {
  return within(shape, async (scene) => {
    await scene.proxies.ask('open');
    const before = await scene.proxies.ask<Report>('report');
    const open = await scene.report();
    const beginMs = sharedMs();
    const { changes, atMs } = await scene.cluster.ask<{ changes: number; atMs: number }>(`storm ${rate}:${seconds}`);
    const state = JSON.stringify(await scene.cluster.ask('state'));
    for (;;) {
      const {
        wrong,
        atMs: checkedMs,
        messages,
      } = await scene.proxies.ask<Record<'wrong' | 'atMs' | 'messages', number>>(`check ${state}`);
      if (wrong === 0 || checkedMs - atMs > SETTLE_MS_MAX) {
        const end = await scene.report();
        return {
          changes,
          messages: messages - before['messages']!,
          coalesced: end['coalesced']! - open['coalesced']!,
          settledMs: wrong === 0 ? checkedMs - atMs : Number.POSITIVE_INFINITY,
          cpuShare: ((end.cpuSeconds - open.cpuSeconds) * 1000) / (checkedMs - beginMs),
        };
      }
      await sleep(20);
    }
  });
}

/** Milliseconds from the start of the process until it serves, and its memory then. */
export function measureStart(shape: Shape): Promise<{ startMs: number; rssBytes: number }> {
  return within(shape, async (scene) => ({ startMs: scene.startMs, rssBytes: (await scene.report()).rssBytes }));
}
