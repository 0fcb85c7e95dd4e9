import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Clears what an earlier process of these nodes left: all that was in memory, and on disk what belongs to pods that are gone.
 * Volumes and logs of living pods stay, as over a reboot.
 */
export function clearLeftovers(folders: { disk: string; memory: string }, livingUids: ReadonlySet<string>): void {
  rmSync(folders.memory, { recursive: true, force: true });
  mkdirSync(folders.memory, { recursive: true });
  for (const uid of entries(join(folders.disk, 'pods'))) {
    const folder = join(folders.disk, 'pods', uid);
    rmSync(livingUids.has(uid) ? join(folder, 'containers') : folder, { recursive: true, force: true });
  }
  for (const name of entries(join(folders.disk, 'logs'))) {
    const uid = name.slice(name.lastIndexOf('_') + 1);
    if (!livingUids.has(uid)) rmSync(join(folders.disk, 'logs', name), { recursive: true, force: true });
  }
}

const entries = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
