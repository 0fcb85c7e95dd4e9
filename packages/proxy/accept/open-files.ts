import { readFileSync } from 'node:fs';

/** How many files and sockets this process may have open; 0 where the system does not say. */
export function openFilesMax(): number {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 0);
  } catch {
    return 0; // as in a container that hides /proc
  }
}
