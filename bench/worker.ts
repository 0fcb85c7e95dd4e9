/** Lines of JSON between the benchmark and its processes: commands on standard input, one answer each on standard output. */

import { heapStats } from 'bun:jsc';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** What a process says of itself. */
export interface Report {
  readonly rssBytes: number;
  readonly pssBytes: number;
  readonly heapBytes: number;
  readonly cpuSeconds: number;
  readonly [extra: string]: number;
}

/** In the process: says hello, then answers `report` and the other commands until standard input ends. */
export function answerCommands(
  hello: object,
  extra: () => Record<string, number>,
  commands: Record<string, (argument: string) => unknown>,
): void {
  const say = (answer: unknown) => process.stdout.write(`${JSON.stringify(answer ?? {})}\n`);
  createInterface({ input: process.stdin })
    .on('line', async (line) => {
      const [name = '', ...rest] = line.split(' ');
      const argument = rest.join(' ');
      const command = commands[name];
      say(name === 'report' ? report(extra()) : await command?.(argument));
    })
    .on('close', () => process.exit(0));
  say(hello);
}

function report(extra: Record<string, number>): Report {
  // CPU time first: collecting garbage to look at the heap is no part of what is measured.
  const { user, system } = process.cpuUsage();
  Bun.gc(true);
  const kB = (name: string, text: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]);
  const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8');
  const heap = heapStats();
  return {
    ...extra,
    rssBytes: kB('Rss', rollup) * 1024,
    pssBytes: kB('Pss', rollup) * 1024,
    heapBytes: heap.heapSize + heap.extraMemorySize,
    cpuSeconds: (user + system) / 1e6,
  };
}

/** The benchmark's end of such a process. */
export class Worker {
  readonly #child: ChildProcess;
  readonly #waiting: { resolve(answer: unknown): void; reject(error: Error): void }[] = [];
  readonly hello: Promise<Record<string, number>>;

  constructor(argv: readonly string[]) {
    this.#child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.hello = this.#answer() as Promise<Record<string, number>>;
    createInterface({ input: this.#child.stdout! }).on('line', (line) =>
      this.#waiting.shift()?.resolve(JSON.parse(line)),
    );
    this.#child.on('exit', (code) => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`${argv[0]} ended with ${code}`));
    });
  }

  ask<T>(command: string): Promise<T> {
    this.#child.stdin?.write(`${command}\n`);
    return this.#answer() as Promise<T>;
  }

  stop(): void {
    this.#child.stdin?.end();
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }
}
