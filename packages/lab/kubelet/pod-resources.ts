import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type AttachedPod, addressOf, type NodeNetwork } from './cni/index.ts';
import { hostnameOf } from './env.ts';
import type { PodPlace } from './field-ref.ts';
import type { KubeletDeps } from './kubelet.ts';
import { createSandbox, type NodeSite, nodeNetPath, type Sandbox, type SandboxSpec } from './sandbox.ts';
import { type ProcessHolder, startProcessHolder } from './shared-processes.ts';
import type { BoundPod } from './types.ts';
import { PodVolumes } from './volumes.ts';

/** The node's side of a pod's address and its start. */
export interface ResourceSite {
  readonly node: NodeSite;
  readonly network: NodeNetwork;
  takeAddress(uid: string): string | undefined;
  releaseAddress(uid: string): void;
  /** Runs a start when there is room for one: bounded per node. */
  limited<T>(task: () => Promise<T>): Promise<T>;
}

/** Where a node's own files are, which hostPath volumes show. */
export const nodeRoot = (disk: string, { name }: NodeSite): string => join(disk, 'nodes', name);

/** What a pod holds on its node: namespaces and address, volumes, folders. */
export class PodResources {
  readonly volumes: PodVolumes;
  /** Folder for the containers' layers. */
  readonly layersFolder: string;
  readonly logFolder: string;
  /** Network namespace of the node. */
  readonly nodeNet: string;
  sandbox: Sandbox | undefined;
  place: PodPlace;
  private readonly deps: KubeletDeps;
  private readonly site: ResourceSite;
  private readonly uid: string;
  private readonly memoryFolder: string;
  private readonly diskFolder: string;
  private processHolder: ProcessHolder | undefined;
  private attached: AttachedPod | undefined;
  private hasVolumes = false;

  constructor(deps: KubeletDeps, site: ResourceSite, { metadata }: BoundPod) {
    this.deps = deps;
    this.site = site;
    this.uid = metadata.uid ?? '';
    const { disk, memory, layers } = deps.folders;
    this.diskFolder = join(disk, 'pods', this.uid);
    this.memoryFolder = join(memory, 'pods', this.uid);
    this.layersFolder = join(layers, 'pods', this.uid);
    this.logFolder = join(disk, 'logs', `${metadata.namespace}_${metadata.name}_${this.uid}`);
    this.nodeNet = nodeNetPath(site.node);
    this.place = { podIp: '', nodeIp: site.node.ip, nodeAllocatable: deps.allocatable };
    this.volumes = new PodVolumes({
      disk: join(this.diskFolder, 'volumes'),
      memory: join(this.memoryFolder, 'volumes'),
      node: nodeRoot(disk, site.node),
      claim: (namespace, name) => deps.claimFolder(namespace, name),
    });
  }

  /** Whether containers can start. */
  get isComplete(): boolean {
    return this.sandbox !== undefined && this.hasVolumes;
  }

  /** A pid in the process namespace that all containers share, if they do. */
  get sharedPid(): number | undefined {
    return this.processHolder?.pid();
  }

  /** Makes the namespaces and connects them; nothing to do when they are there. */
  async ensureSandbox(pod: BoundPod): Promise<void> {
    if (this.sandbox) return;
    await this.site.limited(() => this.makeSandbox(pod));
    if (pod.spec.shareProcessNamespace) this.processHolder = await startProcessHolder();
  }

  private async makeSandbox(pod: BoundPod): Promise<void> {
    const { network } = this.site;
    const list = pod.spec.hostNetwork === true ? undefined : network.read();
    const ip = list && network.isOwn(list) ? this.takeAddress() : undefined;
    const sandbox = await this.createSandbox(pod, list ? (ip === undefined ? 'unconnected' : { ip }) : 'node');
    try {
      this.attached = list && (await network.add(list, pod, { net: sandbox.namespaces.net, ip }));
    } catch (error) {
      await sandbox.destroy();
      throw error;
    }
    const address = (this.attached && addressOf(this.attached)) || sandbox.ip;
    this.sandbox = { ...sandbox, ip: address };
    this.place = { ...this.place, podIp: address };
  }

  private takeAddress(): string {
    const ip = this.site.takeAddress(this.uid);
    if (ip === undefined) throw new Error(`no free address in ${this.site.node.podCidr}`);
    return ip;
  }

  private createSandbox(pod: BoundPod, network: SandboxSpec['network']): Promise<Sandbox> {
    const sysctls = (pod.spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value] as const);
    return createSandbox({
      uid: this.uid,
      folder: join(this.memoryFolder, 'ns'),
      hostname: network === 'node' ? this.site.node.name : hostnameOf(pod),
      node: this.site.node,
      network,
      sysctls: Object.fromEntries(sysctls),
    });
  }

  /** Asks network plug-ins whether the pod's network is as they made it. @throws PluginError */
  async checkNetwork(): Promise<void> {
    if (this.attached) await this.site.network.check(this.attached);
  }

  /** Makes the volumes, or brings them up to date with what they show. Rejects with ConfigError. */
  async syncVolumes(pod: BoundPod): Promise<void> {
    const { config, tokens } = this.deps;
    await this.volumes.sync(pod, { config, place: this.place, token: (of, options) => tokens.token(of, options) });
    this.hasVolumes = true;
  }

  /** Gives back namespaces and address; volumes and logs stay until the pod is deleted. */
  async release(): Promise<void> {
    this.processHolder?.stop();
    this.processHolder = undefined;
    if (this.attached) await this.site.network.remove(this.attached);
    this.attached = undefined;
    await this.sandbox?.destroy();
    this.sandbox = undefined;
    this.hasVolumes = false;
    this.site.releaseAddress(this.uid);
  }

  /** Removes all that is left of the pod on the node. */
  async remove(): Promise<void> {
    this.deps.tokens.forget(this.uid);
    await this.volumes.remove();
    for (const folder of [this.diskFolder, this.layersFolder, this.logFolder, this.memoryFolder])
      await rm(folder, { recursive: true, force: true });
  }
}
