import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { openInput, openOutput } from '#net/pipes';
import { childrenOf, findProgram, HostProgramError, SAFE_ENV } from '#net/programs';
import { spawnOnTerminal } from '#net/terminal';
import type { ExecIo } from '../contract/index.ts';
import { drained, exitCodeOf, handOver, unprivilegedArgv } from './container-process.ts';
import { LIMITS } from './limits.ts';

/** A running container as another program may join it. */
export interface RunningContainer {
  pid: number;
  setpriv: readonly string[];
  owner: { uid: number; gid: number };
  env: ReadonlyMap<string, string>;
  workingDir: string;
}

function joinArgv(container: RunningContainer, command: readonly string[], tty: boolean): string[] {
  const { pid, setpriv, workingDir } = container;
  const env = tty ? new Map([['TERM', 'xterm'], ...container.env]) : container.env;
  const nsenter = findProgram('nsenter');
  if (!nsenter) throw HostProgramError.missing('nsenter');
  const inside = unprivilegedArgv({ setpriv: [...setpriv], env, argv: command });
  const chdir = inside.indexOf('-i') + 1;
  inside.splice(chdir, 0, '-C', workingDir);
  return [nsenter, `--target=${pid}`, '--mount', '--uts', '--ipc', '--net', '--pid', '--', ...inside];
}

/** Runs a program in a container until it ends or `io.signal` fires. */
export function execInContainer(
  container: RunningContainer,
  options: { command: readonly string[]; stdin: boolean; tty: boolean },
  io: ExecIo,
): Promise<{ exitCode: number }> {
  const argv = joinArgv(container, options.command, options.tty);
  return options.tty
    ? execOnTerminal(argv, io)
    : execOnPipes(argv, { stdin: options.stdin, owner: container.owner }, io);
}

async function execOnPipes(
  argv: readonly string[],
  options: { stdin: boolean; owner: RunningContainer['owner'] },
  io: ExecIo,
): Promise<{ exitCode: number }> {
  const [command = '', ...args] = argv;
  const paced = pacer(io);
  const outputs = [
    openOutput(options.owner, (chunk) => paced(io.stdout, chunk)),
    openOutput(options.owner, (chunk) => paced(io.stderr, chunk)),
  ];
  const input = options.stdin && io.stdin ? openInput(options.owner) : undefined;
  const stdio = [input?.childFd ?? 'ignore', ...outputs.map(({ childFd }) => childFd)] as const;
  const child = handOver([...outputs, ...(input ? [input] : [])], () =>
    spawn(command, args, { env: SAFE_ENV, cwd: '/', stdio: [...stdio] }),
  );
  input?.stream.on('error', () => {}); // the program may end without reading all; its exit code tells
  if (input && io.stdin) (io.stdin as Readable).pipe(input.stream);
  const stop = (): void => killTree(child.pid);
  io.signal.addEventListener('abort', stop);
  if (io.signal.aborted) stop();
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(exitCodeOf(code, signal)));
  });
  await drained(outputs);
  io.signal.removeEventListener('abort', stop);
  input?.stream.destroy();
  return { exitCode };
}

/** Hands output on, and settles when the client takes more: so that a slow client slows the program, not fills our memory. */
function pacer(io: ExecIo): (write: (chunk: Uint8Array) => void, chunk: Uint8Array) => Promise<void> | void {
  let room: Promise<void> | undefined;
  let open = (): void => {};
  io.onPressure?.((full) => {
    if (!full) {
      room = undefined;
      open();
    } else
      room ??= new Promise((resolve) => {
        open = resolve;
      });
  });
  io.signal.addEventListener('abort', () => open());
  return (write, chunk) => {
    write(chunk);
    return io.signal.aborted ? undefined : room;
  };
}

async function execOnTerminal(argv: readonly string[], io: ExecIo): Promise<{ exitCode: number }> {
  const child = spawnOnTerminal(argv, {
    env: SAFE_ENV,
    cwd: '/',
    output: (chunk) => io.stdout(chunk),
  });
  const stop = (): void => killTree(child.pid);
  io.signal.addEventListener('abort', stop);
  if (io.signal.aborted) stop();
  io.onResize?.((columns, rows) => child.resize(columns, rows));
  const { stdin } = io;
  const onData = (chunk: Buffer): void => child.write(chunk);
  stdin?.on('data', onData);
  const exitCode = await child.exited;
  stdin?.removeListener('data', onData);
  io.signal.removeEventListener('abort', stop);
  return { exitCode };
}

/** nsenter waits for the program it started, so the program is what must go. */
function killTree(pid: number | undefined): void {
  if (pid === undefined) return;
  const pids = [...childrenOf(pid), pid];
  for (const each of pids) {
    try {
      process.kill(each, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}

/** What a probe or hook learns of a command. */
export interface CommandResult {
  exitCode: number;
  output: string;
  timedOut: boolean;
}

/** Runs a command of a probe or hook, with a time limit; output is cut. */
export async function runCommand(
  container: RunningContainer,
  command: readonly string[],
  options: { timeoutMs: number; signal?: AbortSignal },
): Promise<CommandResult> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const keep = (chunk: Uint8Array): void => {
    if (bytes < LIMITS.hookOutputBytesMax) chunks.push(Uint8Array.from(chunk));
    bytes += chunk.length;
  };
  const io: ExecIo = { stdout: keep, stderr: keep, signal };
  const { exitCode } = await execInContainer(container, { command, stdin: false, tty: false }, io);
  const output = Buffer.concat(chunks).subarray(0, LIMITS.hookOutputBytesMax).toString('utf8');
  return { exitCode, output, timedOut: timeout.aborted };
}
