/** What processes have used of the machine. */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, in which the kernel reports times to user space on every Linux architecture. */
export const TICKS_PER_SECOND = 100;

/** User and system time of all threads of these processes and those below them, ended children included. Source: proc(5), stat. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids.flatMap(tree)) {
    // utime, stime, cutime, cstime: fields 14 to 17.
    for (const field of (statFields(pid) ?? []).slice(11, 15)) ticks += Number(field);
  }
  return ticks / TICKS_PER_SECOND;
}

/** Proportional set size of a process and those below it, MB (10^6 bytes). Source: proc(5), smaps_rollup. */
export function pssMB(pid: number): number {
  let kB = 0;
  for (const each of tree(pid))
    kB += Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${each}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  return (kB * 1024) / 1e6;
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
