/** What a figure was measured on. */
import { readFileSync } from 'node:fs';
import { availableParallelism, release, totalmem } from 'node:os';

/** E.g. `2 cores of AMD EPYC, 24 GB, Linux 6.18.44, x64`. */
export function describeMachine(): string {
  const cpu = /^model name\s*: (.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown CPU';
  const memory = Math.round(totalmem() / 1e9);
  return `${availableParallelism()} cores of ${cpu.trim()}, ${memory} GB, Linux ${release()}, ${process.arch}`;
}
