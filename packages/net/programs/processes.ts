import { readFileSync } from 'node:fs';

/** The pids that a process started and that still run; none when it is gone. */
export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // it ended
  }
}

/** When a process started, in clock ticks since boot: tells it from a later one with the same pid. Undefined when gone. */
export function startTimeOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only its parent has not looked yet.
    return fields[0] === 'Z' ? undefined : Number(fields[19]);
  } catch {
    return undefined; // it ended
  }
}
