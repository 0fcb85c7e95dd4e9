/** Long-lived programs inside the namespaces. */
import { type ChildProcess, spawn } from 'node:child_process';

/** A program that shall run until it is stopped, or to the end of everything. */
export interface Running {
  readonly name: string;
  readonly pid: number;
  /** Throws with the program's last words when it has ended. */
  requireAlive(): void;
  /** The end of what it has written. */
  lastWords(): string;
  stop(): void;
}

const LAST_WORDS_BYTES = 4_000;
/** Each connection through a proxy is two. */
const OPEN_FILES = 16_384;

/** Starts a program in a network namespace. `ip netns exec` and `prlimit` become the program, so the pid is the program's. */
export function start(
  name: string,
  namespace: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
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
    stop: () => child.kill('SIGKILL'),
  };
}
