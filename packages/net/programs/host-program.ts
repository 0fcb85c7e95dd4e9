import { type SpawnOptions, spawn } from 'node:child_process';
import { LIMITS } from '../limits.ts';
import { inNamespaces, type NamespacePaths } from '../netns/enter.ts';
import { findProgram, packageOf } from './requirements.ts';

/** Why a host program failed: which one, with what arguments, and the first lines of what it said. */
export class HostProgramError extends Error {
  readonly program: string;
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(program: string, detail: { message: string; exitCode?: number; stderr?: string }) {
    super(detail.message);
    this.name = 'HostProgramError';
    this.program = program;
    this.exitCode = detail.exitCode;
    this.stderr = detail.stderr ?? '';
  }

  static missing(program: string): HostProgramError {
    const message = `${program} was not found; on Debian: apt-get install ${packageOf(program)}`;
    return new HostProgramError(program, { message });
  }
}

export interface RunOptions {
  /** Text for standard input. */
  input?: string;
  /** Namespaces the program starts in; absent ones are the caller's. */
  namespaces?: NamespacePaths;
  /** The whole environment of the program. Default: PATH only. */
  env?: Record<string, string>;
  timeoutMs?: number;
  /** Exit codes that count as success; default 0. */
  okCodes?: readonly number[];
}

export interface RunResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

export const SAFE_ENV = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** Runs a host program to its end. Rejects with {@link HostProgramError} when it is missing, fails or takes too long. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const path = findProgram(program);
  if (!path) return Promise.reject(HostProgramError.missing(program));
  const okCodes = options.okCodes ?? [0];
  const timeoutMs = options.timeoutMs ?? LIMITS.programTimeoutMs;
  return new Promise((resolve, reject) => {
    const spawnOptions: SpawnOptions = { env: options.env ?? SAFE_ENV, stdio: ['pipe', 'pipe', 'pipe'] };
    const child = inNamespaces(options.namespaces ?? {}, () => spawn(path, args, spawnOptions));
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new HostProgramError(program, { message: `${program} could not be started: ${error.message}` }));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const exitCode = code ?? -1;
      if (okCodes.includes(exitCode)) return resolve({ stdout: stdout(), stderr: stderr(), exitCode });
      const how = signal ? `was ended by ${signal} (limit ${timeoutMs} ms)` : `failed with exit code ${exitCode}`;
      const said = stderr().trim() || stdout().trim();
      const message = `${program} ${args.join(' ')} ${how}${said ? `: ${said}` : ''}`;
      reject(new HostProgramError(program, { message, exitCode, stderr: stderr() }));
    });
    child.stdin?.on('error', () => {}); // the program may end before it has read all; its exit code tells
    child.stdin?.end(options.input ?? '');
  });
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= LIMITS.programOutputBytesMax) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
