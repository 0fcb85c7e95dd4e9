import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { inNamespaces, type NamespacePaths } from '#net/netns';
import { type OutputPipe, openInput, openOutput } from '#net/pipes';
import { childrenOf, findProgram, HostProgramError, SAFE_ENV } from '#net/programs';
import { spawnOnTerminal } from '#net/terminal';
import { LIMITS } from './limits.ts';

/** A container's program could not be started: what the status shows under reason `StartError`. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** How to start one container. */
export interface ProcessSpec {
  /** The instance's folder with its fstab (see rootfs.ts). */
  folder: string;
  namespaces: NamespacePaths;
  /** Process namespace to join instead of making one: a pid inside it. */
  sharedPid?: number;
  /** Arguments of setpriv (see security.ts). */
  setpriv: readonly string[];
  env: ReadonlyMap<string, string>;
  workingDir: string;
  argv: readonly string[];
  /** Who may open the standard streams by name. */
  owner: { uid: number; gid: number };
  stdin: boolean;
  tty: boolean;
}

/** A container's main process, from its start to its end. */
export interface ContainerProcess {
  /** Settles once the program runs; rejects with {@link StartError}. */
  readonly started: Promise<void>;
  /** Settles with the exit code, 128 + number when a signal ended it. */
  readonly exited: Promise<number>;
  /** The program's pid as this process sees it; undefined before the start and after the end. */
  pid(): number | undefined;
  signal(name: NodeJS.Signals): void;
  write(chunk: Uint8Array | undefined): void;
  resize(columns: number, rows: number): void;
}

export type Output = (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;

/**
 * The container's first process: makes the mounts in its own mount namespace, changes the root and becomes the program. What
 * goes wrong before that is told on descriptor 3, and so is the last moment before the program takes over. Arguments: folder, working directory, PATH of the
 * container, the program's name for errors, then the whole command line. The container's output is on descriptors 4 and 5,
 * because the waiting unshare prints remarks of its own on 1 and 2.
 */
const STARTED = 'started';
const START_SCRIPT = `
fail() { printf '%s' "$1" >&3; exit 128; }
exec 1>&4 2>&5 4>&- 5>&-
folder=$1 cwd=$2 path=$3 program=$4; shift 4
said=$(mount --all --fstab "$folder/fstab" 2>&1) || fail "mounting the filesystem: $said"
cd "$folder/root" && said=$(pivot_root . . 2>&1) && umount -l . || fail "changing the root: $said"
cd / && { [ -d "$cwd" ] || mkdir -p "$cwd" 2>/dev/null; cd "$cwd" 2>/dev/null; } || fail "chdir to cwd (\\"$cwd\\"): no such file or directory"
case $program in
*/*) [ -e "$program" ] || fail "exec: \\"$program\\": stat $program: no such file or directory"
  [ -x "$program" ] && [ ! -d "$program" ] || fail "exec: \\"$program\\": permission denied" ;;
*) PATH=$path command -v -- "$program" >/dev/null || fail "exec: \\"$program\\": executable file not found in \\$PATH" ;;
esac
printf ${STARTED} >&3
exec 3>&-
exec "$@"
`;

const program = (name: string): string => {
  const path = findProgram(name);
  if (!path) throw HostProgramError.missing(name);
  return path;
};

/** What a container's PATH is when nothing sets it. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** `setpriv … env -i A=b … program`: drops rights first, so that no variable of the container reaches a privileged program. */
export function unprivilegedArgv(spec: Pick<ProcessSpec, 'setpriv' | 'env' | 'argv'>): string[] {
  const env = new Map([['PATH', DEFAULT_PATH], ...spec.env]);
  const assignments = [...env].map(([name, value]) => `${name}=${value}`);
  return ['/usr/bin/setpriv', ...spec.setpriv, '/usr/bin/env', '-i', ...assignments, ...spec.argv];
}

function startArgv(spec: ProcessSpec): string[] {
  const namespaces = ['--mount', '--propagation', 'private', ...(spec.sharedPid === undefined ? ['--pid'] : [])];
  const enter = spec.sharedPid === undefined ? [] : [program('nsenter'), `--pid=/proc/${spec.sharedPid}/ns/pid`];
  const path = spec.env.get('PATH') ?? DEFAULT_PATH;
  const script = [
    program('sh'),
    '-c',
    START_SCRIPT,
    'container',
    spec.folder,
    spec.workingDir,
    path,
    spec.argv[0] ?? '',
  ];
  return [...enter, program('unshare'), ...namespaces, '--fork', '--kill-child', ...script, ...unprivilegedArgv(spec)];
}

/** Starts a container's program. Output arrives by chunk; on a terminal everything is `stdout`. */
export function startContainer(spec: ProcessSpec, output: Output): ContainerProcess {
  return spec.tty ? startOnTerminal(spec, output) : startOnPipes(spec, output);
}

function startOnPipes(spec: ProcessSpec, output: Output): ContainerProcess {
  const [command = '', ...args] = startArgv(spec);
  const outputs = (['stdout', 'stderr'] as const).map((name) => openOutput(spec.owner, (chunk) => output(name, chunk)));
  const input = spec.stdin ? openInput(spec.owner) : undefined;
  const [stdout, stderr] = outputs.map(({ childFd }) => childFd);
  const stdio = [input?.childFd ?? 'ignore', 'ignore', 'pipe', 'pipe', stdout, stderr] as const;
  const child = handOver([...outputs, ...(input ? [input] : [])], () =>
    inNamespaces(spec.namespaces, () => spawn(command, args, { env: SAFE_ENV, cwd: '/', stdio: [...stdio] })),
  );
  input?.stream.on('error', () => {}); // the program may end without reading; its exit tells
  const ended = new Promise<number>((done) => {
    child.on('error', () => done(128));
    child.on('exit', (code, signal) => done(exitCodeOf(code, signal)));
  });
  const remarks = remarksOf(child.stderr as Readable);
  return {
    started: startedSignal(child.stdio[3] as Readable, () => child.kill('SIGKILL'), child.stderr),
    exited: ended.then(async (exitCode) => {
      await drained(outputs);
      input?.stream.destroy();
      return exitCode === 1 && (await remarks()).includes(KILLED_REMARK) ? KILLED : exitCode;
    }),
    pid: () => firstChild(child),
    signal: (name) => signalChild(child, name),
    write: (chunk) => writeTo(input?.stream, chunk),
    resize: () => {},
  };
}

/** What the waiting unshare says, and exits with 1, when its child was killed: it cannot end itself by SIGKILL's own rules. */
const KILLED_REMARK = 'unblock failed';
const KILLED = 128 + constants.signals.SIGKILL;

/** Collects what a program says, for reading once it has ended. */
function remarksOf(stream: Readable): () => Promise<string> {
  let said = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < LIMITS.hookOutputBytesMax) said += text;
  });
  const closed = new Promise<void>((done) => stream.once('close', () => done()));
  return async () => {
    await Promise.race([closed, sleep(LIMITS.outputDrainMs)]);
    return said;
  };
}

/** Starts a child and closes our copies of its ends, also when the start fails. */
export function handOver<T>(pipes: readonly { handedOver(): void }[], start: () => T): T {
  try {
    return start();
  } finally {
    for (const pipe of pipes) pipe.handedOver();
  }
}

/** Waits for the rest of a program's output; a process that outlived it may hold the pipes, so not for long. */
export async function drained(pipes: readonly OutputPipe[]): Promise<void> {
  const all = Promise.all(pipes.map(({ ended }) => ended));
  const timer = setTimeout(() => {
    for (const pipe of pipes) pipe.stop();
  }, LIMITS.outputDrainMs);
  await all;
  clearTimeout(timer);
}

function startOnTerminal(spec: ProcessSpec, output: Output): ContainerProcess {
  const moved = [program('sh'), '-c', 'exec 4>&1 5>&2 2>/dev/null; exec "$@"', 'terminal', ...startArgv(spec)];
  const child = spawnOnTerminal(moved, {
    namespaces: spec.namespaces,
    env: SAFE_ENV,
    cwd: '/',
    statusPipe: true,
    output: (chunk) => output('stdout', chunk),
  });
  return {
    started: child.status ? startedSignal(child.status, () => child.kill('SIGKILL')) : Promise.resolve(),
    exited: child.exited,
    pid: () => firstChild(child),
    signal: (name) => signalChild(child, name),
    write: (chunk) => chunk && child.write(chunk),
    resize: (columns, rows) => child.resize(columns, rows),
  };
}

function writeTo(stream: Writable | undefined, chunk: Uint8Array | undefined): void {
  if (chunk) stream?.write(chunk);
  else stream?.end();
}

/** Settles by what the status pipe says: `started`, or why not. Its end without a word means that the script was killed. */
function startedSignal(pipe: Readable, giveUp: () => void, remarks?: Readable | null): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    let remarked = '';
    remarks?.on('data', (chunk: Buffer | string) => {
      if (remarked.length < LIMITS.hookOutputBytesMax) remarked += chunk.toString();
    });
    const timer = setTimeout(giveUp, LIMITS.startTimeoutMs);
    const finish = (): void => {
      clearTimeout(timer);
      if (said === STARTED) resolve();
      else reject(new StartError(said || remarked.trim() || 'the container was ended while it was being set up'));
    };
    pipe.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
      // The waiting unshare keeps its end of the pipe open, so nobody waits for the end.
      if (said === STARTED) pipe.destroy();
    });
    pipe.on('error', finish);
    pipe.on('close', finish);
  });
}

/** The exit code that statuses show: 128 + number for a signal. */
export const exitCodeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  signal ? 128 + (constants.signals[signal] ?? 0) : (code ?? 128);

/** The only child of the waiting `unshare`: the container's program. */
const firstChild = ({ pid }: { pid?: number | undefined }): number | undefined =>
  pid === undefined ? undefined : childrenOf(pid)[0];

function signalChild(child: ChildProcess | { pid: number }, name: NodeJS.Signals): void {
  const pid = firstChild(child);
  if (pid === undefined) return;
  try {
    process.kill(pid, name);
  } catch {
    // It ended between the look and the signal: what the signal was for has happened.
  }
}
