/** Long-lived programs inside the namespaces, and what they have used. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { TICKS_PER_SECOND } from '../machine.ts';

/** A program that shall run until the end of the benchmark. */
export interface Running {
  name: string;
  pid: number;
  /** Throws with the program's last words when it has ended. */
  requireAlive(): void;
  /** The end of what it has written. */
  lastWords(): string;
}

const LAST_WORDS_BYTES = 4_000;
/** Each connection through a proxy is two. */
const OPEN_FILES = 16_384;

/** Starts a program in a network namespace. `ip netns exec` becomes the program, so the pid is the program's. */
export function start(
  name: string,
  namespace: string,
  argv: readonly string[],
  env: Record<string, string> = {},
): Running {
  const child: ChildProcess = spawn('ip', ['netns', 'exec', namespace, 'prlimit', `--nofile=${OPEN_FILES}`, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  let words = '';
  let ended: string | undefined;
  const hear = (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-LAST_WORDS_BYTES);
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  child.on('error', (error) => {
    ended = error.message;
  });
  child.on('exit', (code, signal) => {
    ended = `ended with ${signal ?? code}`;
  });
  return {
    name,
    pid: child.pid ?? 0,
    requireAlive() {
      if (ended !== undefined) throw new Error(`${name} ${ended}: ${words.trim()}`);
    },
    lastWords: () => words.trim(),
  };
}

/** A process and all below it. */
function tree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const parent = Number(statFields(pid)?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [root];
  for (let at = 0; at < found.length; at++) found.push(...(children.get(found[at]!) ?? []));
  return found;
}

/** Fields of /proc/PID/stat from the third on; undefined when the process is gone. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command, in parentheses, may hold spaces and parentheses itself.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined; // it ended between the listing and the reading
  }
}

/** User and system time of all threads of the processes below `roots`, ended children included. */
export function cpuSeconds(roots: readonly Pick<Running, 'pid'>[]): number {
  let ticks = 0;
  for (const { pid } of roots)
    for (const each of tree(pid)) {
      const fields = statFields(each) ?? [];
      // utime, stime, cutime, cstime: fields 14 to 17 of proc(5).
      for (const field of fields.slice(11, 15)) ticks += Number(field);
    }
  return ticks / TICKS_PER_SECOND;
}

/** Proportional set size of the processes below `roots`, MB (10^6 bytes). */
export function pssMB(roots: readonly Running[]): number {
  let kB = 0;
  for (const { pid } of roots)
    for (const each of tree(pid))
      kB += Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${each}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  return (kB * 1024) / 1e6;
}
