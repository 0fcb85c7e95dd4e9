import { readFileSync } from 'node:fs';

const ROOT = '/sys/fs/cgroup';

/** Octets of memory that the control group of this process may take (version 2, else 1); 0 where there is no limit or no telling. */
export function memoryLimitBytes(read: (path: string) => string | undefined = readText): number {
  const groups = read('/proc/self/cgroup') ?? '';
  const unified = /^0::(.*)$/m.exec(groups)?.[1] ?? '';
  const memory = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(groups)?.[1] ?? '';
  const files = [
    `${ROOT}${unified}/memory.max`,
    `${ROOT}/memory.max`,
    `${ROOT}/memory${memory}/memory.limit_in_bytes`,
    `${ROOT}/memory/memory.limit_in_bytes`,
  ];
  for (const file of files) {
    const bytes = Number(read(file)?.trim());
    // Version 1 says "no limit" by a number near the largest there is.
    if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  }
  return 0;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // the other version of control groups, or a container that hides them
  }
}
