import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, findProgram, HostProgramError, run, SAFE_ENV } from '#net/programs';
import { joinArgv, type LabCgroup } from './cgroup.ts';
import { LIMITS } from './limits.ts';
import { quote } from './shell.ts';

/** The lab's outer namespaces, alive as long as their first process. */
export interface RootNamespace {
  /** Pid of the first process as the host sees it. */
  readonly pid: number;
  /** Settles when the namespaces are gone. */
  readonly gone: Promise<void>;
  /** Command line that runs `argv` inside. `net` enters another network namespace than the lab's root. */
  enterArgv(argv: readonly string[], options?: { net?: string }): string[];
  /** Runs `ip` inside, in the root or in a node's namespace. */
  ip(lines: readonly string[], netns?: string): Promise<void>;
  kill(): void;
}

/**
 * Between the host's process and the lab: dies with the host's process, takes the lab along, and removes what a dead lab leaves
 * in files. Arguments: the files and folders to remove.
 */
const guardScript = (labArgv: readonly string[]): string => `
paths=$*
end() { trap '' TERM INT HUP; kill -KILL $child 2>/dev/null; wait $child 2>/dev/null; tidy; exit 0; }
tidy() {
  for path in $paths; do
    case $path in
    /sys/fs/cgroup/*) n=0; while [ -d "$path" ] && ! rmdir "$path" 2>/dev/null && [ $n -lt 100 ]; do n=$((n+1)); sleep 0.02; done ;;
    *) rm -rf "$path" ;;
    esac
  done
}
trap end TERM INT HUP
${labArgv.map(quote).join(' ')} &
child=$!
while kill -0 $child 2>/dev/null; do wait $child; done
`;

/**
 * The lab's first process: private filesystems, then it waits for ever and collects orphans. Arguments: the files and
 * folders (seven at most) that must stay visible where the private /run and /tmp would hide them, e.g. a checkout in /tmp.
 */
const LAB_SCRIPT = `
set -e
mount -t proc proc /proc
fd=3
for path in "$@"; do eval "exec $fd<\\"\\$path\\""; fd=$((fd+1)); done
mount -t tmpfs -o mode=755,nosuid tmpfs /run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /tmp
fd=3
for path in "$@"; do
  if [ -d /proc/self/fd/$fd/. ]; then mkdir -p "$path"; else mkdir -p "\${path%/*}"; : > "$path"; fi
  mount --no-canonicalize --bind /proc/self/fd/$fd "$path"
  eval "exec $fd<&-"; fd=$((fd+1))
done
mkdir -p /run/netns /run/lock
hostname weft-lab
echo ready
exec >/dev/null 2>&1 </dev/null
set +e
while :; do sleep 2147483647 & wait; done
`;

/** Starts the outer namespaces. `leftovers` are removed by the guard when this process dies without having tidied up. */
export async function startRootNamespace(options: {
  cgroup: LabCgroup;
  leftovers: readonly string[];
  /** Files and folders that the lab's processes need, wherever they lie. */
  needed: readonly string[];
  logFile: string;
}): Promise<RootNamespace> {
  const program = (name: string): string => {
    const path = findProgram(name);
    if (!path) throw HostProgramError.missing(name);
    return path;
  };
  const unshare = [program('unshare'), '--pid', '--fork', '--kill-child', '--mount', '--net', '--ipc', '--uts'];
  const lab = [
    program('setpriv'),
    '--pdeathsig',
    'KILL',
    ...unshare,
    '--propagation',
    'private',
    'sh',
    '-c',
    LAB_SCRIPT,
    'weft-lab',
    ...options.needed.filter((path) => /^\/(tmp|run)\//.test(path)),
  ];
  // The guard stays outside of the control groups: it removes them.
  const script = guardScript(joinArgv(options.cgroup, lab));
  const guard = ['sh', '-c', script, 'weft-lab-guard', ...options.cgroup.folders, ...options.leftovers];
  const [command = '', ...args] = [program('setpriv'), '--pdeathsig', 'TERM', ...guard];
  const log = openSync(options.logFile, 'a');
  const child = spawn(command, args, { env: SAFE_ENV, cwd: '/', stdio: ['ignore', 'pipe', log] });
  closeSync(log);
  const gone = new Promise<void>((done) => child.once('close', () => done()));
  await readyLine(child);
  const pid = await labPid(child.pid ?? 0);
  const enter = [program('nsenter'), `--target=${pid}`, '--mount', '--ipc', '--uts', '--pid'];
  const enterArgv = (argv: readonly string[], { net }: { net?: string } = {}): string[] =>
    joinArgv(options.cgroup, [...enter, net === undefined ? '--net' : `--net=${net}`, '--', ...argv]);
  return {
    pid,
    gone,
    enterArgv,
    async ip(lines, netns) {
      const batch = [program('ip'), ...(netns === undefined ? [] : ['-n', netns]), '-batch', '-'];
      await run('nsenter', [`--target=${pid}`, '--mount', '--net', '--pid', '--', ...batch], {
        input: `${lines.join('\n')}\n`,
      });
    },
    kill: () => void child.kill('SIGTERM'),
  };
}

function readyLine(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      child.kill('SIGTERM');
      reject(new Error(`the lab's namespaces could not be made: ${why}; see the lab's host.log`));
    };
    const timer = setTimeout(() => fail('no answer in time'), LIMITS.rootReadyTimeoutMs);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`exit code ${code}`));
    child.stdout?.once('data', () => {
      clearTimeout(timer);
      child.removeAllListeners('exit');
      resolve();
    });
  });
}

/** Guard -> unshare -> the lab's first process. */
async function labPid(guardPid: number): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    for (const unshare of childrenOf(guardPid)) {
      const [lab] = childrenOf(unshare);
      if (lab !== undefined) return lab;
    }
    await sleep(5);
  }
  throw new Error("the lab's first process was not found below its guard");
}
