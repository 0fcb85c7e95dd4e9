/**
 * What every scenario needs: a lab of its own name that ends with the test, shell commands in its environment, bounded waits.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export { guideBlocks } from './guide.ts';
export { sumOf } from './metrics.ts';
export { cpuSeconds, pssMB, TICKS_PER_SECOND } from './usage.ts';
export { shop, webContainer, workload } from './workload.ts';

export const repository = join(import.meta.dirname, '..', '..');
const WEFT = join(repository, 'bin', 'weft.mjs');
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string | undefined>;
  input?: string;
  /** Default 60 s; afterwards the process group is killed and the promise rejects. */
  timeoutMs?: number;
}

/** Runs a program to its end. Resolves whatever its exit code; rejects when it cannot start, or at the time limit. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const { timeoutMs = 60_000 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...options.env }, detached: true });
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => {
      if (child.pid) process.kill(-child.pid, 'SIGKILL');
      reject(new Error(`${command} ${args.join(' ')}: not finished after ${timeoutMs} ms\n${stdout}\n${stderr}`));
    }, timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < OUTPUT_BYTES_MAX) stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < OUTPUT_BYTES_MAX) stderr += text;
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? (signal ? 128 : 1), stdout, stderr });
    });
    child.stdin.on('error', () => {
      // The program ended without reading its input; its exit code tells.
    });
    child.stdin.end(options.input ?? '');
  });
}

/** Waits until `probe` returns a value that is not undefined; rejects with `what` and the last error after `timeoutMs`. */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | undefined>,
  periodMs = 250,
): Promise<T> {
  const deadlineMs = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadlineMs)
      throw new Error(
        `${what}: not seen within ${timeoutMs} ms${last instanceof Error ? `; last: ${last.message}` : ''}`,
      );
    await new Promise((resolve) => setTimeout(resolve, periodMs));
  }
}

export function requireProgram(program: string, package_: string): void {
  const found = (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
  if (!found) throw new Error(`this scenario needs ${program} on PATH; install ${package_}`);
}

export interface Lab {
  readonly name: string;
  /** Runs a bash command line with the lab's KUBECONFIG and PATH. */
  sh(command: string, options?: RunOptions): Promise<Result>;
  /** As `sh`, but a non-zero exit rejects with both outputs. Returns stdout. */
  ok(command: string, options?: RunOptions): Promise<string>;
  down(): Promise<void>;
}

/** Applies manifests, and waits until every Deployment of the namespace is available. */
export async function deploy(lab: Lab, manifests: string, namespace = 'shop'): Promise<void> {
  await lab.ok('kubectl apply -f -', { input: manifests });
  await lab.ok(`kubectl -n ${namespace} wait --for=condition=Available --timeout=90s deploy --all`, {
    timeoutMs: 120_000,
  });
}

/** Starts a lab of a fresh name: `weft lab up --ephemeral` with the given arguments. Call `down` in an `after` hook. */
export async function startLab(args: readonly string[], timeoutMs = 180_000): Promise<Lab> {
  const name = `t-${process.pid}-${randomBytes(3).toString('hex')}`;
  const weft = (words: readonly string[], limitMs = 60_000) => run('node', [WEFT, ...words], { timeoutMs: limitMs });
  const down = async () => {
    const done = await weft(['lab', 'down', '--name', name]);
    if (done.code !== 0) throw new Error(`lab down --name ${name} exited ${done.code}: ${done.stderr}`);
  };
  const up = await weft(['lab', 'up', '--name', name, '--ephemeral', ...args], timeoutMs).catch(async (error) => {
    await down();
    throw error;
  });
  if (up.code !== 0) {
    await down();
    throw new Error(`lab up exited ${up.code}:\n${up.stdout}\n${up.stderr}`);
  }
  const script = `eval "$(node '${WEFT}' lab env --name ${name})" && env -0`;
  const exported = await run('bash', ['-c', script]);
  const env = Object.fromEntries(
    exported.stdout
      .split('\0')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const sh = (command: string, options: RunOptions = {}) =>
    run('bash', ['-o', 'pipefail', '-c', command], { ...options, env: { ...env, ...options.env } });
  return {
    name,
    sh,
    async ok(command, options) {
      const done = await sh(command, options);
      if (done.code !== 0) throw new Error(`${command}\nexited ${done.code}\n${done.stdout}\n${done.stderr}`);
      return done.stdout;
    },
    down,
  };
}
