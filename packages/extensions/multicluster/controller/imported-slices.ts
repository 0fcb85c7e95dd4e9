import type { EndpointSlice } from '#api/kube';
import type { KubeClient } from '#kube/client';
import type { Log } from '#runtime/log';
import { reconcileSlices } from '../mcs/index.ts';
import type { LocalView } from '../mirror/index.ts';
import type { ApplyResult } from './apply.ts';
import { applySlices } from './apply-exports.ts';
import { ourSlices, watchSlices } from './exports.ts';
import { UnnamedPods } from './unnamed-pods.ts';

/** The EndpointSlices here that stand for the pods of one linked cluster. */
export class ImportedSlices {
  readonly #client: KubeClient;
  readonly #changed: () => void;
  readonly #unnamed: UnnamedPods;
  #cluster: string | undefined;
  /** Undefined until seen in full. */
  #existing: ReadonlyMap<string, EndpointSlice> | undefined;
  #stop: () => void = () => {};

  constructor({ client, log }: { client: KubeClient; log: Log }, changed: () => void) {
    this.#client = client;
    this.#unnamed = new UnnamedPods(log);
    this.#changed = changed;
  }

  /** Brings the pods of exported Services, and of those that are headless here, too, once both sides are known. `slices` and `members` are the remote cluster's. */
  async apply(
    cluster: string,
    members: LocalView['services'],
    slices: ReadonlyMap<string, EndpointSlice> | undefined,
    services: LocalView['services'],
  ): Promise<ApplyResult> {
    this.#follow(cluster);
    if (!this.#existing || !slices) return { failures: new Map(), conflicts: 0 };
    const existing = this.#existing.values();
    const { note: unnamed } = this.#unnamed;
    const scene = { cluster, clusterName: cluster, members, slices: slices.values(), services, existing, unnamed };
    return applySlices(this.#client, reconcileSlices(scene));
  }

  stop(): void {
    this.#stop();
  }

  #follow(cluster: string): void {
    if (this.#cluster === cluster) return;
    this.#stop();
    this.#cluster = cluster;
    this.#existing = undefined;
    this.#stop = watchSlices(this.#client, ourSlices(cluster), (existing) => {
      this.#existing = existing;
      this.#changed();
    });
  }
}
