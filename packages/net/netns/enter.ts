import { closeSync, openSync } from 'node:fs';
import { libc } from './libc.ts';

/** Files that stand for namespaces, e.g. `{net: '/run/netns/west-1', uts: '/proc/42/ns/uts'}`. */
export interface NamespacePaths {
  net?: string;
  ipc?: string;
  uts?: string;
}

const KINDS = ['net', 'ipc', 'uts'] as const;

/**
 * Runs `action` with this thread in the given namespaces and comes back, whatever happens. `action` must do its system calls
 * before it returns: spawning a program, listening, opening a socket. Costs about 10 us a namespace.
 */
export function inNamespaces<T>(paths: NamespacePaths, action: () => T): T {
  const kinds = KINDS.filter((kind) => paths[kind] !== undefined);
  if (kinds.length === 0) return action();
  const opened: number[] = [];
  const home: number[] = [];
  let entered = 0;
  try {
    for (const kind of kinds) {
      opened.push(openSync(paths[kind] ?? '', 'r'));
      home.push(openSync(`/proc/thread-self/ns/${kind}`, 'r'));
    }
    for (const fd of opened) {
      if (libc().setns(fd, 0) !== 0)
        throw new Error(`could not enter namespace ${paths[kinds[entered] ?? 'net']}: is this process root?`);
      entered++;
    }
    return action();
  } finally {
    goHome(home.slice(0, entered));
    for (const fd of [...opened, ...home]) closeSync(fd);
  }
}

/** A thread left in a foreign namespace would corrupt everything it does next, so failing here is a bug that must show. */
function goHome(fds: readonly number[]): void {
  for (const fd of fds) if (libc().setns(fd, 0) !== 0) throw new Error('could not return to the own namespace');
}
