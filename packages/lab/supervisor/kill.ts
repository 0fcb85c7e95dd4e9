import { readdirSync, readFileSync } from 'node:fs';
import { childrenOf } from '#net/programs';
import { requireRunning } from './inside.ts';

/** A container that was running, with its processes' pids as the host knew them. */
export interface Killed {
  container: string;
  pids: number[];
}

interface Process {
  pid: number;
  argv: readonly string[];
}

/**
 * Kills (SIGKILL) all processes of a pod's containers, or of one of them. Gives which were running; its kubelet sees them end and
 * does what the pod's restart policy says. Throws a sentence for the operator when the lab does not run.
 */
export function killContainers(
  lab: { name: string; root: string },
  { uid, container }: { uid: string; container?: string },
): Killed[] {
  requireRunning(lab);
  const folder = new RegExp(`/pods/${uid}/containers/([^/]+)/\\d+$`);
  const runners = processes().flatMap(({ pid, argv }) => {
    const name = argv.map((word) => folder.exec(word)?.[1]).find((match) => match !== undefined);
    return name === undefined || (container !== undefined && name !== container) ? [] : [{ pid, name }];
  });
  // What waits for the container's program carries the folder's name; the program and its offspring do not.
  const waiting = new Set(runners.map(({ pid }) => pid));
  return [...Map.groupBy(runners, ({ name }) => name)].flatMap(([name, same]) => {
    const programs = new Set(same.flatMap(({ pid }) => offspring(pid)).filter((pid) => !waiting.has(pid)));
    if (programs.size === 0) return [];
    // Who waits goes first, so that the kubelet hears of the signal; the program may then end before its own turn.
    for (const pid of [...same.map((each) => each.pid), ...programs]) kill(pid);
    return [{ container: name, pids: [...programs] }];
  });
}

/**
 * Kills the process of a cluster: its API server, controllers, DNS and kubelets, and with it the cluster's containers. The lab
 * starts it again on its own. Throws a sentence for the operator when there is none.
 */
export function killCluster(lab: { name: string; root: string }, cluster: string): void {
  const { folders } = requireRunning(lab);
  const config = `${folders.cluster(cluster)}/cluster.json`;
  const all = processes().filter(({ argv }) => argv.at(-2) === '--config' && argv.at(-1) === config);
  const pids = new Set(all.map(({ pid }) => pid));
  const innermost = all.filter(({ pid }) => !childrenOf(pid).some((child) => pids.has(child)));
  if (!innermost.some(({ pid }) => kill(pid)))
    throw new Error(`cluster "${cluster}" has no process now; "weft lab status" says how it is doing`);
}

/** Every process of the host, the labs' ones among them. */
function processes(): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return [{ pid: Number(name), argv: readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').slice(0, -1) }];
    } catch {
      return []; // it ended
    }
  });
}

/** Everything below a process, parents first: a parent that saw its child die might end in its own way. */
const offspring = (pid: number): number[] => childrenOf(pid).flatMap((child) => [child, ...offspring(child)]);

/** False when the process had ended before. */
function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
