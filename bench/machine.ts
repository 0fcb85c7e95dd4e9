/** What a figure was measured on. */
import { readFileSync } from 'node:fs';
import { availableParallelism, release, totalmem } from 'node:os';
import { TICKS_PER_SECOND } from '../conformance/harness/index.ts';

/** E.g. `2 cores of AMD EPYC, 24 GB, Linux 6.18.44, x64`. */
export function describeMachine(): string {
  const cpu = /^model name\s*: (.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown CPU';
  const memory = Math.round(totalmem() / 1e9);
  return `${availableParallelism()} cores of ${cpu.trim()}, ${memory} GB, Linux ${release()}, ${process.arch}`;
}

/** CPU time that the whole machine has spent on anything since it started. Source: proc(5), stat. */
export function machineBusySeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (
    /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? ''
  )
    .split(' ')
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}
