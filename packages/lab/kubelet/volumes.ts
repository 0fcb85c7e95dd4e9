import { chmodSync, chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import type { HostPathVolumeSource, Volume } from '#api/kube';
import { fingerprint, writeAtomically } from './atomic-files.ts';
import { ConfigError, expand } from './env.ts';
import type { VolumeBind } from './rootfs.ts';
import type { AnyContainer, BoundPod } from './types.ts';
import { type VolumeDeps, volumeFiles } from './volume-files.ts';

/** Where a pod's volumes live. */
export interface VolumeFolders {
  /** On disk: emptyDir. */
  disk: string;
  /** In memory: what the API gives, and emptyDir with medium Memory. */
  memory: string;
  /** Root of the node for hostPath. */
  node: string;
  /** Root of the cluster for persistent volumes with hostPath. */
  claim(namespace: string, name: string): string | undefined;
}

/** The volumes of one pod on its node. */
export class PodVolumes {
  private readonly folders: VolumeFolders;
  private readonly fingerprints = new Map<string, string>();
  private generation = 0;

  constructor(folders: VolumeFolders) {
    this.folders = folders;
  }

  /** Makes or refreshes all volumes. Rejects with {@link ConfigError} that names the volume. */
  async sync(pod: BoundPod, deps: VolumeDeps): Promise<void> {
    for (const volume of pod.spec.volumes ?? []) {
      try {
        await this.syncOne(pod, volume, deps);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new ConfigError(`MountVolume.SetUp failed for volume "${volume.name}" : ${why}`);
      }
    }
  }

  private async syncOne(pod: BoundPod, volume: Volume, deps: VolumeDeps): Promise<void> {
    const gid = pod.spec.securityContext?.fsGroup;
    const ownership = gid === undefined ? {} : { gid };
    const files = await volumeFiles(pod, volume, deps);
    if (files) {
      const print = fingerprint(files);
      if (this.fingerprints.get(volume.name) === print) return;
      writeAtomically(this.source(volume, pod), files, { generation: `v${++this.generation}`, ownership });
      this.fingerprints.set(volume.name, print);
      return;
    }
    if (volume.emptyDir) makeEmptyDir(this.source(volume, pod), gid);
    else if (volume.hostPath) checkHostPath(this.source(volume, pod), volume.hostPath);
    else if (volume.persistentVolumeClaim) mkdirSync(this.source(volume, pod), { recursive: true });
    else throw new ConfigError(`volume kind is not supported: ${Object.keys(volume).find((key) => key !== 'name')}`);
  }

  /** The folder or file of the node that is a volume. */
  private source(volume: Volume, pod: BoundPod): string {
    if (volume.hostPath) return join(this.folders.node, normalize(`/${volume.hostPath.path}`));
    if (volume.persistentVolumeClaim) {
      const name = volume.persistentVolumeClaim.claimName;
      const folder = this.folders.claim(pod.metadata.namespace ?? '', name);
      if (!folder) throw new ConfigError(`persistentvolumeclaim "${name}" not found or not bound`);
      return folder;
    }
    const onDisk = volume.emptyDir !== undefined && volume.emptyDir.medium !== 'Memory';
    return join(onDisk ? this.folders.disk : this.folders.memory, volume.name);
  }

  /** What a container sees of the volumes. */
  bindsFor(pod: BoundPod, container: AnyContainer, env: ReadonlyMap<string, string>): VolumeBind[] {
    return (container.volumeMounts ?? []).map((mount) => {
      const volume = pod.spec.volumes?.find(({ name }) => name === mount.name);
      if (!volume) throw new ConfigError(`volume "${mount.name}" of container "${container.name}" is not in the pod`);
      const subPath = mount.subPathExpr ? expand(mount.subPathExpr, env) : mount.subPath;
      const fromApi = !volume.emptyDir && !volume.hostPath && !volume.persistentVolumeClaim;
      return {
        source: this.source(volume, pod),
        mountPath: mount.mountPath,
        readOnly: mount.readOnly === true || fromApi,
        ...(subPath && { subPath: this.settled(volume, pod, subPath) }),
      };
    });
  }

  /** A sub path of an API volume names the file of now: it does not follow updates. */
  private settled(volume: Volume, pod: BoundPod, subPath: string): string {
    const data = join(this.source(volume, pod), '..data', subPath);
    return existsSync(data) ? join('..data', subPath) : subPath;
  }

  async remove(): Promise<void> {
    for (const folder of [this.folders.disk, this.folders.memory]) await rm(folder, { recursive: true, force: true });
  }
}

function makeEmptyDir(folder: string, gid: number | undefined): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true });
  if (gid !== undefined) chownSync(folder, 0, gid);
  chmodSync(folder, gid === undefined ? 0o777 : 0o2777);
}

/** The checks and creations that a hostPath's type asks for, inside the node's own root. */
function checkHostPath(path: string, { type = '', path: shown }: HostPathVolumeSource): void {
  const found = existsSync(path) ? (statSync(path).isDirectory() ? 'folder' : 'file') : undefined;
  if (found === undefined) {
    if (type === 'Directory' || type === 'File' || type === 'Socket' || type === 'CharDevice' || type === 'BlockDevice')
      throw new ConfigError(`hostPath type check failed: ${shown} is not a ${type.toLowerCase()}`);
    mkdirSync(type === 'FileOrCreate' ? dirname(path) : path, { recursive: true });
    if (type === 'FileOrCreate') writeFileSync(path, '');
    return;
  }
  if (type.startsWith('Directory') && found !== 'folder')
    throw new ConfigError(`hostPath type check failed: ${shown} is not a directory`);
  if (type.startsWith('File') && found !== 'file')
    throw new ConfigError(`hostPath type check failed: ${shown} is not a file`);
}
