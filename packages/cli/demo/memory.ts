import { readdirSync, readFileSync } from 'node:fs';

/** Every process below `rootPid`, itself included, as the host sees them. */
export function processTree(rootPid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const parent = parentOf(pid);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree = [rootPid];
  for (let at = 0; at < tree.length; at++) tree.push(...(children.get(tree[at] ?? 0) ?? []));
  return tree;
}

/** Proportional set size of the processes, MB (10^6 bytes): shared pages count once over all sharers. Source: proc(5) smaps_rollup. */
export function pssMB(pids: readonly number[]): number {
  let kB = 0;
  for (const pid of pids) kB += Number(readProc(pid, 'smaps_rollup')?.match(/^Pss:\s+(\d+) kB$/m)?.[1] ?? 0);
  return (kB * 1024) / 1e6;
}

function parentOf(pid: number): number | undefined {
  const stat = readProc(pid, 'stat');
  // The command, in parentheses, may hold spaces and parentheses itself.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields && Number(fields[1]);
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // The process ended between the listing and the reading.
    return undefined;
  }
}
