import { chmodSync, chownSync, existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { encodeFstab, type Mount, overlayOptions } from '#net/mounts';
import type { Image } from '../images/index.ts';
import { ConfigError } from './env.ts';
import type { Security } from './security.ts';
import type { Template } from './template.ts';

/** A volume's place in a container: `source` is a folder or file of the node. */
export interface VolumeBind {
  source: string;
  mountPath: string;
  readOnly: boolean;
  subPath?: string;
}

export interface RootfsSpec {
  /** Folder of this container instance, on a filesystem that can hold an overlay's upper layer. */
  folder: string;
  template: Template;
  image: Image;
  security: Security;
  binds: readonly VolumeBind[];
  /** Content of files in /etc by name: hosts, hostname, resolv.conf, passwd, group. */
  etc: Readonly<Record<string, string>>;
  terminationMessagePath: string;
  workingDir: string;
  /** Size of /dev/shm. */
  shmBytes: number;
}

/** Parts of /proc that tell of or change the machine, by how they are covered. */
const PROC_MASKED = [
  'kcore',
  'keys',
  'latency_stats',
  'timer_list',
  'timer_stats',
  'sched_debug',
  'acpi',
  'scsi',
  'kallsyms',
];
const PROC_READONLY = ['asound', 'bus', 'fs', 'irq', 'sys', 'sysrq-trigger'];

/** Folder and file names inside a container instance's folder. */
const LAYOUT = { layer: 'layer', work: 'work', root: 'root', usr: 'usr', message: 'termination-log', empty: 'empty' };

/** The termination message of an instance; the container sees it at its `terminationMessagePath`. */
export const terminationMessageFile = (folder: string): string => join(folder, LAYOUT.message);

/**
 * Prepares a container instance's folder: its layer, mount points and fstab. The mounts themselves are made by the container's
 * first process in its own mount namespace, so nothing of them shows on the node.
 */
export function prepareRootfs(spec: RootfsSpec): void {
  const { folder } = spec;
  for (const name of [LAYOUT.layer, LAYOUT.work, LAYOUT.root, LAYOUT.usr, LAYOUT.empty])
    mkdirSync(join(folder, name), { recursive: true, mode: 0o755 });
  writeFileSync(terminationMessageFile(folder), '');
  chmodSync(terminationMessageFile(folder), 0o666);
  fillLayer(spec);
  writeFileSync(join(folder, 'fstab'), encodeFstab(containerMounts(spec)));
}

function fillLayer({ folder, etc, image, workingDir, security, template }: RootfsSpec): void {
  const layer = join(folder, LAYOUT.layer);
  mkdirSync(join(layer, 'etc'), { recursive: true });
  for (const [name, text] of Object.entries(etc)) writeFileSync(join(layer, 'etc', name), text);
  for (const [path, text] of Object.entries(image.files ?? {})) {
    const target = join(layerFor(folder, resolvePath(path, template)), layerPath(resolvePath(path, template)));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    chmodSync(target, text.startsWith('#!') ? 0o755 : 0o644);
  }
  for (const path of image.folders ?? []) {
    const target = join(layer, resolvePath(path, template));
    mkdirSync(target, { recursive: true });
    chownSync(target, security.uid, security.gid);
  }
  const inside = resolvePath(workingDir, template);
  if (!isBelow(inside, '/usr') && !existsSync(join(template.folder, inside))) makeFolder(join(layer, inside));
}

function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o755 });
}

/** Resolves a path of the container through the links at its top: `/var/run/x` -> `/run/x`, `/bin/sh` -> `/usr/bin/sh`. */
export function resolvePath(path: string, template: Pick<Template, 'links'>): string {
  const clean = normalize(`/${path}`).replace(/(.)\/$/, '$1');
  for (const [link, target] of Object.entries(template.links))
    if (isBelow(clean, `/${link}`)) return `/${target}${clean.slice(link.length + 1)}`;
  return clean;
}

const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** What lies under /usr needs a layer of its own, because /usr is the host's. */
const layerFor = (folder: string, path: string): string =>
  join(folder, isBelow(path, '/usr') ? LAYOUT.usr : LAYOUT.layer);
const layerPath = (path: string): string => (isBelow(path, '/usr') ? path.slice('/usr'.length) : path);

/** All mounts of a container in order; makes the mount points that are missing. */
function containerMounts(spec: RootfsSpec): Mount[] {
  const root = join(spec.folder, LAYOUT.root);
  const binds = [...imageBinds(spec), ...spec.binds, terminationBind(spec)]
    .map((bind) => ({ ...bind, mountPath: resolvePath(bind.mountPath, spec.template) }))
    .sort((a, b) => a.mountPath.split('/').length - b.mountPath.split('/').length);
  const placed = placeBinds(spec, binds);
  return [...baseMounts(spec, root), ...placed.map((bind) => bindMount(bind, root))];
}

const imageBinds = ({ image }: RootfsSpec): VolumeBind[] =>
  (image.mounts ?? []).map(({ source, target }) => ({ source, mountPath: target, readOnly: true }));

const terminationBind = ({ folder, terminationMessagePath }: RootfsSpec): VolumeBind => ({
  source: terminationMessageFile(folder),
  mountPath: terminationMessagePath,
  readOnly: false,
});

function baseMounts({ folder, template, security, shmBytes }: RootfsSpec, root: string): Mount[] {
  const layer = join(folder, LAYOUT.layer);
  const layers = security.readOnlyRoot
    ? overlayOptions({ lower: [layer, template.folder] })
    : overlayOptions({ lower: [template.folder], upper: layer, work: join(folder, LAYOUT.work) });
  const usr = overlayOptions({ lower: [join(folder, LAYOUT.usr), '/usr'] });
  const readOnly = (source: string, target: string): Mount => ({ source, target, type: 'bind', options: ['ro'] });
  return [
    // No devices anywhere but in /dev, so that CAP_MKNOD opens nothing.
    { source: 'overlay', target: root, type: 'overlay', options: ['nodev', ...layers] },
    { source: 'overlay', target: `${root}/usr`, type: 'overlay', options: ['nodev', ...usr] },
    ...Object.entries(template.links)
      .filter(([link]) => !link.includes('/'))
      .map(([link, target]) => readOnly(`/${target}`, `${root}/${link}`)),
    ...template.hostFolders.map((path) => readOnly(path, root + path)),
    // As mount points these cannot be swapped from within: see systemFolders in template.ts.
    { source: `${root}/etc`, target: `${root}/etc`, type: 'bind' },
    readOnly(`${template.folder}/etc/ld.so.preload`, `${root}/etc/ld.so.preload`),
    readOnly(`${template.folder}/etc/ld.so.cache`, `${root}/etc/ld.so.cache`),
    readOnly(`${template.folder}/dev`, `${root}/dev`),
    {
      source: 'devpts',
      target: `${root}/dev/pts`,
      type: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    {
      source: 'shm',
      target: `${root}/dev/shm`,
      type: 'tmpfs',
      options: ['nosuid', 'nodev', 'noexec', 'mode=1777', `size=${shmBytes}`],
    },
    { source: 'proc', target: `${root}/proc`, type: 'proc', options: ['nosuid', 'nodev', 'noexec'] },
    { source: 'sysfs', target: `${root}/sys`, type: 'sysfs', options: ['ro', 'nosuid', 'nodev', 'noexec'] },
    ...(security.privileged ? [] : procCovers(folder, root)),
  ];
}

function procCovers(folder: string, root: string): Mount[] {
  const exists = (name: string): boolean => existsSync(`/proc/${name}`);
  const masked = PROC_MASKED.filter(exists).map((name): Mount => {
    const isFolder = statSync(`/proc/${name}`).isDirectory();
    const source = isFolder ? join(folder, LAYOUT.empty) : '/dev/null';
    return { source, target: `${root}/proc/${name}`, type: 'bind', options: isFolder ? ['ro'] : [] };
  });
  const readOnly = PROC_READONLY.filter(exists).map((name): Mount => {
    const path = `${root}/proc/${name}`;
    return { source: path, target: path, type: 'bind', options: ['ro', 'nosuid', 'nodev', 'noexec'] };
  });
  const firmware: Mount = {
    source: join(folder, LAYOUT.empty),
    target: `${root}/sys/firmware`,
    type: 'bind',
    options: ['ro'],
  };
  return [...masked, ...readOnly, ...(existsSync('/sys/firmware') ? [firmware] : [])];
}

const bindMount = ({ source, mountPath, readOnly }: VolumeBind, root: string): Mount => ({
  source,
  target: root + mountPath,
  type: 'bind',
  options: [...(readOnly ? ['ro'] : []), 'nodev', 'nosuid'],
});

/** Resolves sub paths and makes each mount point: in the volume that covers it, else in a layer. */
function placeBinds(spec: RootfsSpec, binds: readonly VolumeBind[]): VolumeBind[] {
  const placed: VolumeBind[] = [];
  for (const bind of binds) {
    const source = bind.subPath ? subPathOf(bind.source, bind.subPath) : bind.source;
    const cover = placed.findLast(
      ({ mountPath }) => isBelow(bind.mountPath, mountPath) && mountPath !== bind.mountPath,
    );
    const isFolder = statSync(source).isDirectory();
    if (cover) makePoint(cover.source, relative(cover.mountPath, bind.mountPath), isFolder);
    else if (!isGiven(spec, bind.mountPath))
      makePoint(layerFor(spec.folder, bind.mountPath), layerPath(bind.mountPath), isFolder);
    placed.push({ ...bind, source });
  }
  return placed;
}

/** Whether the container has something at that path before any volume is mounted. */
const isGiven = ({ template }: RootfsSpec, path: string): boolean =>
  isBelow(path, '/usr') ? existsSync(path) : existsSync(join(template.folder, path));

function makePoint(base: string, path: string, isFolder: boolean): void {
  const point = inside(base, path);
  if (existsSync(point)) return;
  makeFolder(isFolder ? point : dirname(point));
  if (!isFolder) writeFileSync(point, '');
}

/** `subPath` inside a volume, made when it is missing; never leads out of the volume. */
export function subPathOf(volume: string, subPath: string): string {
  const path = inside(volume, subPath);
  if (!existsSync(path)) makeFolder(path);
  return path;
}

/** Joins a path below a folder and refuses one that leaves it, be it by `..` or by links that a container planted. */
function inside(base: string, path: string): string {
  const full = join(base, path);
  if (!isBelow(full, base)) throw new ConfigError(`path ${path} leaves its volume`);
  let existing = full;
  while (!existsSync(existing)) existing = dirname(existing);
  const [real, realBase] = [realpathSync(existing), realpathSync(base)];
  if (!isBelow(real, realBase)) throw new ConfigError(`path ${path} leaves its volume by a link`);
  return full;
}
