/**
 * The linked clusters: Secrets with credentials, each turned into an index of that cluster. Whatever happens there, nothing
 * here waits for it: a cluster that does not answer keeps what was last known of it, or has nothing yet.
 */
import type { Gvr, KubeObject } from '#api/kube';
import { isNotFound, type KubeClient, type WatchSink } from '#kube/client';
import { ANNOTATION_KEYS, KUBECONFIG_KEY, LABELS, REMOTE_KUBECONFIG_TYPE } from '#model/names';
import type { Clock, Timer } from '#runtime/clock';
import type { Log } from '#runtime/log';
import { type FaultName, faultMessage, faultOf, type LinkedObserver } from '../linked/index.ts';
import { ClusterIndex, type IndexWarning } from './cluster/index.ts';
import { type EndpointsObserver, EndpointWatches, type ListConfig } from './endpoints/index.ts';

const SECRETS: Gvr = { group: '', version: 'v1', resource: 'secrets' };
/** A cluster whose API has not answered for so long is stale: what is known of it may be wrong by now. */
const STALE_AFTER_MS = 60_000;

/** A linked cluster that was listed completely at least once. */
export interface RemoteCluster {
  name: string;
  clusterDomain: string;
  index: ClusterIndex;
  watches: EndpointWatches;
  /** How its endpoints are described: with its own trust domain. */
  endpoints: ListConfig;
}

export interface ClusterStoreDeps {
  kube: Pick<KubeClient, 'watch'>;
  /** Connects to the cluster of a kubeconfig; throws when it cannot be read. */
  connect(kubeconfig: string, observer: LinkedObserver): Pick<KubeClient, 'watch' | 'close'>;
  clock: Clock;
  log: Log;
  endpointConfig: ListConfig;
  observer(cluster: string): EndpointsObserver;
  /** Told of objects there that cannot be read. */
  warn(cluster: string): IndexWarning;
  /** Told of a remote API that stops or begins to answer. */
  reachable(cluster: string, up: boolean): void;
  /** Told of what is wrong with it now. */
  faults(cluster: string, reasons: ReadonlySet<FaultName>): void;
  /** Looks on at a watch, of the own cluster where none is named; see WatchHealth. */
  noted<T>(cluster: string | undefined, resource: string, sink: WatchSink<T>): { sink: WatchSink<T>; stop(): void };
}

/** What a Secret says, and what became of it. */
interface Entry {
  secretName: string;
  /** Changes with anything that matters. */
  credentials: string;
  stop(): void;
}

export class ClusterStore {
  readonly #deps: ClusterStoreDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #ready = new Map<string, RemoteCluster>();
  readonly #listeners = new Set<() => void>();
  readonly #stale = new Set<string>();
  /** Of clusters that do not answer, before they are stale. */
  readonly #silent = new Map<string, Timer>();
  readonly #starting = new Set<Promise<unknown>>();
  #stopWatch: (() => void) | undefined;
  #listed: (() => void) | undefined;
  readonly #firstList = new Promise<void>((resolve) => {
    this.#listed = resolve;
  });

  constructor(deps: ClusterStoreDeps) {
    this.#deps = deps;
  }

  /** Begins to follow the Secrets of the control plane's namespace. */
  start(namespace: string): void {
    const noted = this.#deps.noted<KubeObject>(undefined, SECRETS.resource, {
      reset: (secrets) => {
        const named = new Set(secrets.map((secret) => secret.metadata.name));
        for (const secret of secrets) this.#apply(secret);
        for (const [cluster, entry] of [...this.#entries]) if (!named.has(entry.secretName)) this.#remove(cluster);
        this.#listed?.();
      },
      applied: (secret) => this.#apply(secret),
      deleted: (secret) => this.#removeSecret(secret.metadata.name ?? ''),
      failed: ({ error, attempt }) => {
        if (attempt === 1)
          this.#deps.log.warn('cannot watch the credentials of linked clusters', { error: error.message });
      },
    });
    const stop = this.#deps.kube.watch(SECRETS, { namespace }, noted.sink);
    this.#stopWatch = () => {
      stop();
      noted.stop();
    };
  }

  stop(): void {
    this.#stopWatch?.();
    for (const cluster of [...this.#entries.keys()]) this.#remove(cluster);
  }

  /** The cluster, once it is known completely. */
  get(cluster: string): RemoteCluster | undefined {
    return this.#ready.get(cluster);
  }

  /** Whether there are usable credentials for the cluster, answering or not. */
  has(cluster: string): boolean {
    return this.#entries.has(cluster);
  }

  /** Whether its API has been silent for long. */
  isStale(cluster: string): boolean {
    return this.#stale.has(cluster);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The clusters that are known completely. */
  clusters(): RemoteCluster[] {
    return [...this.#ready.values()];
  }

  /** Calls `listener` whenever a cluster came, was replaced or went, and when one becomes stale or ceases to be. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when all clusters that had credentials at the start are known, at the latest after `maxMs`. */
  async settled(maxMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, maxMs);
    });
    await Promise.race([overdue, this.#firstList.then(() => Promise.all(this.#starting))]);
    clearTimeout(timer);
  }

  #apply(secret: KubeObject): void {
    const name = secret.metadata.name ?? '';
    const read = readSecret(secret);
    if (read === undefined || 'problem' in read) {
      if (read)
        this.#deps.log.warn('ignoring credentials of a linked cluster', { secret: name, problem: read.problem });
      this.#removeSecret(name);
      return;
    }
    const credentials = JSON.stringify(read);
    const entry = this.#entries.get(read.cluster);
    if (entry?.credentials === credentials) return;
    // The name of the cluster in a Secret may have changed.
    for (const [cluster, other] of [...this.#entries])
      if (other.secretName === name && cluster !== read.cluster) this.#remove(cluster);
    this.#connect(name, credentials, read, entry);
  }

  /** Follows a cluster; what was known of it under older credentials stays until the new ones have listed everything. */
  #connect(secretName: string, credentials: string, read: RemoteAccess, old: Entry | undefined): void {
    const { log } = this.#deps;
    const { cluster } = read;
    const faults = new Faults((reasons) => this.#deps.faults(cluster, reasons));
    const refused = new Set<string>();
    let kube: Pick<KubeClient, 'watch' | 'close'>;
    try {
      kube = this.#deps.connect(read.kubeconfig, {
        refused: (object, why) => {
          if (why === undefined) refused.delete(object);
          else refused.add(object);
          if (why !== undefined) log.warn('endpoints of a linked cluster are left out', { cluster, object, why });
          faults.set('addresses', refused.size > 0 ? 'AddressesRefused' : undefined);
        },
      });
    } catch (error) {
      log.warn('cannot use the kubeconfig of a linked cluster', { cluster, error: (error as Error).message });
      return;
    }
    const index = new ClusterIndex(this.#deps.warn(cluster));
    const endpoints = { ...this.#deps.endpointConfig, trustDomain: read.trustDomain, cluster };
    const watches = new EndpointWatches(index, endpoints, this.#deps.observer(cluster));
    const failing = new Set<string>();
    const run = index.start(kube, false, {
      failed: (resource, error) => {
        // A cluster without some kind of object answers for all that.
        if (isNotFound(error)) return;
        failing.add(resource);
        const fault = faultOf(error);
        faults.set(resource, fault.reason);
        log.warn('cannot watch a linked cluster', {
          cluster,
          resource,
          reason: fault.reason,
          error: faultMessage(fault),
        });
        this.#reachable(cluster, false);
      },
      recovered: (resource) => {
        faults.set(resource, undefined);
        if (failing.delete(resource) && failing.size === 0) this.#reachable(cluster, true);
      },
      noted: (resource, sink) => this.#deps.noted(cluster, resource, sink),
    });
    const entry: Entry = {
      secretName,
      credentials,
      stop: () => {
        run.stop();
        kube.close();
        faults.clear();
        old?.stop();
      },
    };
    this.#entries.set(cluster, entry);
    const starting = run.synced.then(() => {
      this.#starting.delete(starting);
      if (this.#entries.get(cluster) !== entry) return;
      log.info('linked cluster is known', { cluster });
      this.#reachable(cluster, true);
      this.#ready.set(cluster, { name: cluster, clusterDomain: read.clusterDomain, index, watches, endpoints });
      this.#notify();
      old?.stop();
      old = undefined;
    });
    this.#starting.add(starting);
  }

  #removeSecret(name: string): void {
    for (const [cluster, entry] of [...this.#entries]) if (entry.secretName === name) this.#remove(cluster);
  }

  #remove(cluster: string): void {
    const entry = this.#entries.get(cluster);
    if (!entry) return;
    this.#entries.delete(cluster);
    this.#ready.delete(cluster);
    this.#answers(cluster);
    entry.stop();
    this.#deps.log.info('linked cluster is gone', { cluster });
    this.#notify();
  }

  #reachable(cluster: string, up: boolean): void {
    const { clock, log, reachable } = this.#deps;
    reachable(cluster, up);
    if (up) {
      if (this.#answers(cluster)) this.#notify();
    } else if (!this.#silent.has(cluster) && !this.#stale.has(cluster)) {
      const timer = clock.after(STALE_AFTER_MS, () => {
        this.#silent.delete(cluster);
        this.#stale.add(cluster);
        log.warn('linked cluster is stale', { cluster, silentSeconds: STALE_AFTER_MS / 1000 });
        this.#notify();
      });
      this.#silent.set(cluster, timer);
    }
  }

  /** Whether it was stale until now. */
  #answers(cluster: string): boolean {
    this.#silent.get(cluster)?.cancel();
    this.#silent.delete(cluster);
    return this.#stale.delete(cluster);
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** What is wrong with a cluster, by what it is wrong with. */
class Faults {
  readonly #of = new Map<string, FaultName>();
  readonly #changed: (reasons: ReadonlySet<FaultName>) => void;

  constructor(changed: (reasons: ReadonlySet<FaultName>) => void) {
    this.#changed = changed;
  }

  set(what: string, reason: FaultName | undefined): void {
    if (this.#of.get(what) === reason) return;
    if (reason === undefined) this.#of.delete(what);
    else this.#of.set(what, reason);
    this.#changed(new Set(this.#of.values()));
  }

  clear(): void {
    this.#of.clear();
    this.#changed(new Set());
  }
}

interface RemoteAccess {
  cluster: string;
  trustDomain: string;
  clusterDomain: string;
  kubeconfig: string;
}

/** Undefined for Secrets of other types. */
function readSecret(secret: KubeObject): RemoteAccess | { problem: string } | undefined {
  const { type, data } = secret as KubeObject & { type?: string; data?: Record<string, string> };
  if (type !== REMOTE_KUBECONFIG_TYPE) return undefined;
  const { labels = {}, annotations = {} } = secret.metadata;
  const cluster = labels[LABELS.clusterName];
  if (!cluster) return { problem: `label ${LABELS.clusterName} is missing` };
  const trustDomain = annotations[ANNOTATION_KEYS.trustDomain];
  if (!trustDomain) return { problem: `annotation ${ANNOTATION_KEYS.trustDomain} is missing` };
  const clusterDomain = annotations[ANNOTATION_KEYS.clusterDomain];
  if (!clusterDomain) return { problem: `annotation ${ANNOTATION_KEYS.clusterDomain} is missing` };
  const kubeconfig = data?.[KUBECONFIG_KEY];
  if (!kubeconfig) return { problem: `data key ${KUBECONFIG_KEY} is missing` };
  return { cluster, trustDomain, clusterDomain, kubeconfig: Buffer.from(kubeconfig, 'base64').toString('utf8') };
}
