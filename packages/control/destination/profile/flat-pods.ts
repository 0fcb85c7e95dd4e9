/** Pods of linked clusters by their addresses, where these clusters are used flat: their pods are dialled directly, by name or not. */
import type { ClusterIndex, PodRecord } from '../cluster/index.ts';
import type { ClusterStore, RemoteCluster } from '../cluster-store.ts';
import { podAt } from './workload-at.ts';

/** A pod, and the cluster that it is in. */
export interface FlatPod {
  cluster: RemoteCluster;
  pod: PodRecord;
}

export class FlatPods {
  readonly #home: ClusterIndex;
  readonly #clusters: Pick<ClusterStore, 'get' | 'onChange'>;

  constructor(home: ClusterIndex, clusters: Pick<ClusterStore, 'get' | 'onChange'>) {
    this.#home = home;
    this.#clusters = clusters;
  }

  /**
   * The pod with this IP of its own. Undefined when none has it, and when it is not certain which: networks that overlap. Addresses
   * of nodes are never looked up: those of different clusters are often the same.
   */
  at(ip: string): FlatPod | undefined {
    const found = this.#used().filter(({ index }) => index.podsByIp(ip).length > 0);
    const [cluster, ...more] = found;
    if (!cluster || more.length > 0) return undefined;
    try {
      const pod = podAt(cluster.index, ip);
      return pod && { cluster, pod };
    } catch {
      return undefined; // several pods there have the address: nobody knows which one answers
    }
  }

  /** Calls `changed` when another pod of a linked cluster, or none, may be at this IP, or something about the one that is. */
  on(ip: string, changed: () => void): () => void {
    const followed = new Map<ClusterIndex, () => void>();
    const follow = (): void => {
      // Most addresses that are asked for are our own: nobody else is listened to for them.
      const indexes = new Set(this.#isOurs(ip) ? [] : this.#used().map(({ index }) => index));
      for (const [index, stop] of [...followed]) {
        if (indexes.has(index)) continue;
        stop();
        followed.delete(index);
      }
      for (const index of indexes) if (!followed.has(index)) followed.set(index, index.onIp(ip, changed));
    };
    const again = (): void => {
      follow();
      changed();
    };
    follow();
    const stops = [this.#clusters.onChange(again), this.#home.onFlatClusters(again), this.#home.onIp(ip, follow)];
    return () => {
      for (const stop of [...stops, ...followed.values()]) stop();
      followed.clear();
    };
  }

  #isOurs(ip: string): boolean {
    const home = this.#home;
    return [home.servicesByIp(ip), home.podsByIp(ip), home.workloadsByIp(ip)].some((found) => found.length > 0);
  }

  /** The clusters used flat that are known by now. */
  #used(): RemoteCluster[] {
    return this.#home.flatClusters().flatMap((name) => this.#clusters.get(name) ?? []);
  }
}
