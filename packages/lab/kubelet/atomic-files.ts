import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { VolumeFile } from './volume-files.ts';

/** Group that owns a volume's files, from the pod's fsGroup. */
export interface Ownership {
  gid?: number;
}

/**
 * Writes a set of files so that readers see either all of the old or all of the new: a fresh folder, then one rename of the
 * link `..data`, as kubelets do. `generation` must differ from call to call.
 */
export function writeAtomically(
  folder: string,
  files: readonly VolumeFile[],
  options: { generation: string; ownership: Ownership },
): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  own(folder, options.ownership, 0o755);
  const fresh = `..${options.generation}`;
  for (const file of files) writeFile(join(folder, fresh), file, options.ownership);
  mkdirSync(join(folder, fresh), { recursive: true, mode: 0o755 });
  own(join(folder, fresh), options.ownership, 0o755);
  const old = dataTarget(folder);
  rmSync(join(folder, '..data_tmp'), { force: true });
  symlinkSync(fresh, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  linkEntries(folder, files);
  if (old !== undefined && old !== fresh) rmSync(join(folder, old), { recursive: true, force: true });
}

function dataTarget(folder: string): string | undefined {
  try {
    return readlinkSync(join(folder, '..data'));
  } catch {
    return undefined; // the first write
  }
}

function writeFile(root: string, file: VolumeFile, ownership: Ownership): void {
  const path = join(root, file.path);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  for (let at = dirname(path); at.startsWith(root); at = dirname(at)) own(at, ownership, 0o755);
  writeFileSync(path, file.bytes);
  const groupRead = ownership.gid === undefined ? 0 : 0o040;
  chownSync(path, file.uid ?? 0, ownership.gid ?? 0);
  chmodSync(path, (file.mode & 0o7777) | groupRead);
}

function own(folder: string, { gid }: Ownership, mode: number): void {
  if (gid === undefined) return;
  chownSync(folder, 0, gid);
  chmodSync(folder, mode | 0o2000);
}

/** The names that users see are links into `..data`; those no longer there go. */
function linkEntries(folder: string, files: readonly VolumeFile[]): void {
  const wanted = new Set(files.map(({ path }) => path.split('/')[0] ?? ''));
  for (const name of readdirSync(folder)) {
    if (name.startsWith('..')) continue;
    if (!wanted.delete(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
  for (const name of wanted) symlinkSync(join('..data', name), join(folder, name));
}

/** Changes when any path, byte or permission of the files does. */
export function fingerprint(files: readonly VolumeFile[]): string {
  const hash = createHash('sha256');
  for (const { path, bytes, mode, uid } of files)
    hash.update(`${path}\0${mode}\0${uid ?? ''}\0${bytes.length}\0`).update(bytes);
  return hash.digest('hex');
}
