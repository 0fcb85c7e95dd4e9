/**
 * Pods of linked clusters by their addresses: those that headless mirrors, federated services and imports give out here, in slices of the
 * cluster that mirror controllers keep. Whoever resolved a name has its address from there.
 */
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
   * The pod with this IP. No linked cluster is believed about other addresses than those that are given out here in its name. Undefined
   * when the slices name none, and when they name several: networks that overlap.
   */
  at(ip: string): FlatPod | undefined {
    const cluster = this.#clusterAt(ip);
    if (!cluster) return undefined;
    try {
      const pod = podAt(cluster.index, ip);
      return pod && { cluster, pod };
    } catch {
      return undefined; // several pods there have the address: nobody knows which one answers
    }
  }

  /**
   * Calls `changed` when there may be another pod of a linked cluster at this IP, or none, or something about the one that is. That
   * the own cluster's slices change is told by its index.
   */
  on(ip: string, changed: () => void): () => void {
    let followed: ClusterIndex | undefined;
    let stopFollowed = (): void => {};
    const follow = (): void => {
      const index = this.#clusterAt(ip)?.index;
      if (index === followed) return;
      stopFollowed();
      followed = index;
      stopFollowed = index ? index.onIp(ip, changed) : () => {};
    };
    const again = (): void => {
      const before = followed;
      follow();
      if (followed !== before) changed();
    };
    follow();
    const stops = [this.#clusters.onChange(again), this.#home.onIp(ip, follow)];
    return () => {
      for (const stop of [...stops, stopFollowed]) stop();
    };
  }

  /** The one cluster, known by now, of which the slices have the address. */
  #clusterAt(ip: string): RemoteCluster | undefined {
    const [name, ...more] = this.#home.clustersByIp(ip);
    return name === undefined || more.length > 0 ? undefined : this.#clusters.get(name);
  }
}
