import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PODS, type Pod } from '#api/kube';
import type { Clock, Timer } from '#runtime/clock';
import type { ClusterClient, WatchSink } from '../contract/index.ts';
import type { ImageTable } from '../images/index.ts';
import type { BackoffSettings } from './backoff.ts';
import { NetworkNotReadyError, NodeNetwork, NodeView } from './cni/index.ts';
import type { ConfigStore } from './config-store.ts';
import type { DnsSettings } from './etc-files.ts';
import { AddressPool } from './ipam.ts';
import { LIMITS } from './limits.ts';
import { NodeRegistration } from './node-status.ts';
import type { PodEvent } from './pod-context.ts';
import { nodeRoot } from './pod-resources.ts';
import { PodWorker } from './pod-worker.ts';
import { type NodeSite, nodeNetPath } from './sandbox.ts';
import type { Template } from './template.ts';
import type { TokenCache } from './tokens.ts';
import type { BoundPod } from './types.ts';

/** What the kubelets of one cluster share. */
export interface KubeletDeps {
  client: ClusterClient;
  clock: Clock;
  images: ImageTable;
  backoff: BackoffSettings;
  config: ConfigStore;
  template: Template;
  dns: DnsSettings;
  tokens: TokenCache;
  /** `layers` must be able to hold an overlay's upper layer. */
  folders: { disk: string; memory: string; layers: string };
  allocatable: Readonly<Record<string, number>>;
  /** Kubernetes version that nodes report, e.g. `v1.34.4+lab`. */
  version: string;
  claimFolder(namespace: string, name: string): string | undefined;
  event(pod: BoundPod, nodeName: string, event: PodEvent): void;
  log(message: string): void;
}

/** One node: watches the pods bound to it and runs a worker for each. */
export class Kubelet implements WatchSink<Pod> {
  readonly site: NodeSite;
  private readonly deps: KubeletDeps;
  private readonly workers = new Map<string, PodWorker>();
  private readonly pool: AddressPool;
  private readonly network: NodeNetwork;
  private readonly registration: NodeRegistration;
  private readonly waiting: (() => void)[] = [];
  private starts = 0;
  private stopWatch: () => void = () => {};
  private stopConfig: () => void = () => {};
  private refreshTimer: Timer | undefined;
  private tokenTimer: Timer | undefined;
  private readonly changedKeys = new Set<string>();

  constructor(deps: KubeletDeps, site: NodeSite) {
    this.deps = deps;
    this.site = site;
    this.pool = new AddressPool(site.podCidr);
    this.network = networkOf(deps, site);
    this.registration = new NodeRegistration(deps, site, {
      version: deps.version,
      log: deps.log,
      unready: () => this.unready(),
    });
  }

  /** Registers the node, then takes on its pods. */
  async start(): Promise<void> {
    const { disk, memory } = this.deps.folders;
    for (const folder of [disk, memory]) mkdirSync(folder, { recursive: true });
    this.network.prepare();
    await this.registration.start();
    this.stopConfig = this.deps.config.onChange((key) => this.configChanged(key));
    this.stopWatch = this.deps.client.watch<Pod>(PODS, { fieldSelector: `spec.nodeName=${this.site.name}` }, this);
    this.checkTokens();
  }

  /** Ends all containers without a word to the API. */
  async stop(): Promise<void> {
    this.stopWatch();
    this.stopConfig();
    this.registration.stop();
    this.refreshTimer?.cancel();
    this.tokenTimer?.cancel();
    await Promise.all([...this.workers.values()].map((worker) => worker.shutdown()));
  }

  worker(uid: string): PodWorker | undefined {
    return this.workers.get(uid);
  }

  reset(pods: readonly Pod[]): void {
    const present = new Set(pods.map(({ metadata }) => metadata.uid));
    for (const [uid, worker] of this.workers) if (!present.has(uid)) worker.removed();
    for (const pod of pods) this.applied(pod);
  }

  applied(pod: Pod): void {
    if (!isBound(pod)) return;
    const uid = pod.metadata.uid ?? '';
    const worker = this.workers.get(uid) ?? new PodWorker(this.deps, this.workerSite(), pod);
    this.workers.set(uid, worker);
    worker.update(pod);
  }

  deleted(pod: Pod): void {
    this.workers.get(pod.metadata.uid ?? '')?.removed();
  }

  /** Why the node cannot take pods, if so. */
  private unready(): string | undefined {
    try {
      this.network.read();
      return undefined;
    } catch (error) {
      if (error instanceof NetworkNotReadyError) return error.message;
      throw error;
    }
  }

  private workerSite() {
    return {
      node: this.site,
      network: this.network,
      takeAddress: (uid: string) => this.pool.take(uid),
      releaseAddress: (uid: string) => this.pool.release(uid),
      limited: <T>(task: () => Promise<T>) => this.limited(task),
      gone: (worker: PodWorker) => {
        if (this.workers.get(worker.uid) === worker) this.workers.delete(worker.uid);
      },
    };
  }

  /** At most so many starts at once, in order of asking. */
  private async limited<T>(task: () => Promise<T>): Promise<T> {
    if (this.starts >= LIMITS.startsAtOnceMax) await new Promise<void>((go) => this.waiting.push(go));
    this.starts++;
    try {
      return await task();
    } finally {
      this.starts--;
      this.waiting.shift()?.();
    }
  }

  private configChanged(key: string): void {
    this.changedKeys.add(key);
    this.refreshTimer ??= this.deps.clock.after(LIMITS.volumeRefreshMs, () => {
      this.refreshTimer = undefined;
      const keys = new Set(this.changedKeys);
      this.changedKeys.clear();
      for (const worker of this.workers.values()) if (usesAny(worker.pod, keys)) worker.refresh();
    });
  }

  private checkTokens(): void {
    this.tokenTimer = this.deps.clock.after(LIMITS.tokenCheckMs, () => {
      for (const worker of this.workers.values()) if (this.deps.tokens.isDue(worker.uid)) worker.refresh();
      this.checkTokens();
    });
  }
}

function networkOf({ folders, template, log }: KubeletDeps, site: NodeSite): NodeNetwork {
  const root = nodeRoot(folders.disk, site);
  const layers = join(folders.layers, 'node-runs', site.name);
  const programs = new NodeView({ root, layers, template, net: nodeNetPath(site), hostname: site.name });
  return new NodeNetwork({ root, gateway: site.ip, programs, log: (text) => log(`node ${site.name}: ${text}`) });
}

const isBound = (pod: Pod): pod is BoundPod => pod.spec !== undefined;

/** Whether a pod names one of the changed ConfigMaps or Secrets, in volumes or environments. */
function usesAny(pod: BoundPod, keys: ReadonlySet<string>): boolean {
  const namespace = pod.metadata.namespace ?? '';
  for (const key of keys) {
    const [kind = '', reference = ''] = key.split(':');
    if (!reference.startsWith(`${namespace}/`)) continue;
    const name = reference.slice(namespace.length + 1);
    if (mentions(pod, kind, name)) return true;
  }
  return false;
}

function mentions(pod: BoundPod, kind: string, name: string): boolean {
  const isMap = kind === 'configmap';
  const inVolumes = (pod.spec.volumes ?? []).some((volume) => {
    const sources = [volume, ...(volume.projected?.sources ?? [])];
    return sources.some((source) =>
      isMap
        ? source.configMap?.name === name
        : (source.secret as { name?: string; secretName?: string } | undefined)?.name === name ||
          (source.secret as { secretName?: string } | undefined)?.secretName === name,
    );
  });
  if (inVolumes) return true;
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some(({ env = [], envFrom = [] }) => {
    const own = env.some(
      ({ valueFrom }) => (isMap ? valueFrom?.configMapKeyRef : valueFrom?.secretKeyRef)?.name === name,
    );
    return own || envFrom.some((source) => (isMap ? source.configMapRef : source.secretRef)?.name === name);
  });
}
