import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { childrenOf, findProgram, HostProgramError, SAFE_ENV } from '#net/programs';

/** Keeps the process namespace that the containers of one pod share, and reaps what they leave behind. */
export interface ProcessHolder {
  pid(): number | undefined;
  stop(): void;
}

/** A shell that waits for ever collects orphans, as the pause container does. */
const HOLD = 'echo ready; while :; do sleep 2147483647 & wait; done';

export async function startProcessHolder(): Promise<ProcessHolder> {
  const unshare = findProgram('unshare');
  if (!unshare) throw HostProgramError.missing('unshare');
  const child = spawn(unshare, ['--pid', '--fork', '--kill-child', 'sh', '-c', HOLD], {
    env: SAFE_ENV,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  return {
    pid: () => (child.pid === undefined ? undefined : childrenOf(child.pid)[0]),
    stop: () => void child.kill('SIGKILL'),
  };
}
