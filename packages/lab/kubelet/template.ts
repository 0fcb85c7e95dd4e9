import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HostProgramError } from '#net/programs';

/** The lowest layer of every container's root: what all containers of a cluster share. */
export interface Template {
  folder: string;
  /** Folders of the host, e.g. /usr, that are bound read-only into every container. */
  hostFolders: readonly string[];
  /** Links at the top, e.g. `bin` -> `usr/bin`: mount paths are resolved through them. */
  links: Readonly<Record<string, string>>;
}

const DEVICES = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
] as const;

const DEVICE_LINKS = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
  ptmx: 'pts/ptmx',
} as const;

const FOLDERS: readonly (readonly [path: string, mode: number])[] = [
  ['dev/pts', 0o755],
  ['dev/shm', 0o1777],
  ['dev/mqueue', 0o755],
  ['etc', 0o755],
  ['home', 0o755],
  ['mnt', 0o755],
  ['opt', 0o755],
  ['proc', 0o555],
  ['root', 0o700],
  ['run', 0o755],
  ['srv', 0o755],
  ['sys', 0o555],
  ['tmp', 0o1777],
  ['usr', 0o755],
  ['var/cache', 0o755],
  ['var/lib', 0o755],
  ['var/log', 0o755],
  ['var/tmp', 0o1777],
];

/** Parts of the host's /etc that programs under /usr need and that hold no secrets. */
const ETC_COPIES = [
  'alternatives',
  'ld.so.cache',
  'localtime',
  'services',
  'protocols',
  'os-release',
  'debian_version',
];
const ETC_CERTIFICATES = ['ssl/certs', 'ssl/openssl.cnf', 'ca-certificates', 'pki/tls/certs'];

const SYSTEM_FOLDERS = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/** Builds the template in a folder that must allow device files. */
export function buildTemplate(folder: string): Template {
  for (const [path, mode] of FOLDERS) {
    mkdirSync(join(folder, path), { recursive: true, mode });
    chmodSync(join(folder, path), mode);
  }
  makeDevices(join(folder, 'dev'));
  for (const [name, target] of Object.entries(DEVICE_LINKS)) symlinkSync(target, join(folder, 'dev', name));
  writeFileSync(join(folder, 'dev/termination-log'), '', { mode: 0o666 });
  symlinkSync('../run', join(folder, 'var/run'));
  copyEtc(join(folder, 'etc'));
  const { links, hostFolders } = systemFolders();
  for (const name of [...Object.keys(links), ...hostFolders.map((path) => path.slice(1))])
    mkdirSync(join(folder, name), { recursive: true });
  return { folder, hostFolders, links: { ...links, 'var/run': 'run' } };
}

function makeDevices(folder: string): void {
  for (const [name, major, minor] of DEVICES) {
    const made = spawnSync('mknod', ['-m', '666', join(folder, name), 'c', String(major), String(minor)]);
    if (made.status !== 0)
      throw new HostProgramError('mknod', {
        message: `mknod ${name} failed: ${made.stderr?.toString() ?? made.error}`,
      });
  }
}

function copyEtc(etc: string): void {
  for (const name of [...ETC_COPIES, ...ETC_CERTIFICATES]) {
    const source = join('/etc', name);
    if (!existsSync(source)) continue;
    mkdirSync(join(etc, name, '..'), { recursive: true });
    cpSync(source, join(etc, name), { recursive: true, verbatimSymlinks: true });
  }
  writeFileSync(join(etc, 'nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\nnetworks: files\n');
  writeFileSync(join(etc, 'ld.so.preload'), '');
  if (!existsSync(join(etc, 'ld.so.cache'))) writeFileSync(join(etc, 'ld.so.cache'), '');
}

/**
 * The host's program folders. On hosts where /bin is a link to usr/bin, the container's /bin is a mount of /usr/bin all the
 * same: a mount point cannot be replaced from within, a link could, and programs run on entering a container must be the
 * host's.
 */
function systemFolders(): { links: Record<string, string>; hostFolders: string[] } {
  const links: Record<string, string> = {};
  const hostFolders: string[] = [];
  for (const name of SYSTEM_FOLDERS) {
    const path = `/${name}`;
    if (!existsSync(path)) continue;
    if (lstatSync(path).isSymbolicLink()) links[name] = readlinkSync(path).replace(/^\/+/, '').replace(/\/$/, '');
    else hostFolders.push(path);
  }
  return { links, hostFolders };
}
