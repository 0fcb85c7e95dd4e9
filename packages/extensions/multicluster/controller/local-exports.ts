import type { EndpointSlice, KubeObject } from '#api/kube';
import type { KubeClient } from '#kube/client';
import type { Clock } from '#runtime/clock';
import type { Log } from '#runtime/log';
import {
  type Exported,
  exportConditions,
  exportedServices,
  exportKey,
  isForeign,
  MCS,
  type ObservedExport,
  observeExport,
  orphanSlices,
  reconcileImports,
  reconcileSlices,
  SERVICE_IMPORTS,
  type ServiceExport,
  type ServiceImport,
  servicesWithPodNames,
} from '../mcs/index.ts';
import { federatedName, type LocalView, serviceKey } from '../mirror/index.ts';
import { applyImports, applySlices, writeConditions } from './apply-exports.ts';
import { ourSlices, SliceWatch, watchExports, watchSlices } from './exports.ts';
import { UnnamedPods } from './unnamed-pods.ts';

/** What the local controller has to do with the Multi-Cluster Services API. In a cluster without its kinds: nothing. */
export class LocalExports {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #clusterName: string;
  readonly #exports = new Map<string, ServiceExport>();
  readonly #imports = new Map<string, ServiceImport>();
  #known = { exports: false, imports: false };
  readonly #own: SliceWatch;
  readonly #unnamed: UnnamedPods;
  #slices: ReadonlyMap<string, EndpointSlice> | undefined;
  readonly #stops: (() => void)[];

  constructor(deps: { client: KubeClient; clock: Clock; log: Log }, clusterName: string, changed: () => void) {
    this.#client = deps.client;
    this.#clock = deps.clock;
    this.#clusterName = clusterName;
    this.#own = new SliceWatch(changed);
    this.#unnamed = new UnnamedPods(deps.log);
    this.#stops = [
      watchExports(
        deps.client,
        this.#exports,
        (object) => object,
        () => {
          this.#known.exports = true;
          changed();
        },
      ),
      this.#watchImports(deps.client, changed),
      watchSlices(deps.client, ourSlices(), (slices) => {
        this.#slices = slices;
        changed();
      }),
    ];
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#own.stop();
  }

  /** Until then nobody knows which services leave. */
  get synced(): boolean {
    return this.#known.exports;
  }

  /** What the own ServiceExports say, by `namespace/name`. */
  get exports(): Map<string, ObservedExport> {
    const live = [...this.#exports].filter(([, { metadata }]) => metadata.deletionTimestamp === undefined);
    return new Map(live.map(([key, object]) => [key, observeExport(object)]));
  }

  /** Imports, slices and conditions as they follow from the federated Services that stand. `failures`: of writing those. */
  async reconcile(
    local: LocalView,
    linkedClusters: ReadonlySet<string> | undefined,
    failures: ReadonlyMap<string, string>,
  ): Promise<{ failures: Map<string, string>; conflicts: number }> {
    const exported = exportedServices(local.services.values());
    const scene = { clusterName: this.#clusterName, nowIso: this.#nowIso() };
    const imports = this.#known.imports ? reconcileImports(exported, this.#imports, scene) : [];
    const results = [
      await applyImports(this.#client, imports),
      await applySlices(this.#client, this.#sliceChanges(local, linkedClusters)),
    ];
    const failed = new Map([...failures, ...results.flatMap((result) => [...result.failures])]);
    await this.#writeConditions(local, exported, failed);
    return {
      failures: new Map(results.flatMap((result) => [...result.failures])),
      conflicts: results.reduce((sum, { conflicts }) => sum + conflicts, 0),
    };
  }

  #sliceChanges(local: LocalView, linkedClusters: ReadonlySet<string> | undefined) {
    const exported = [...this.#exports.values()].map(({ metadata }) => ({ name: metadata.name ?? '' }));
    this.#own.follow(this.#client, [...exported, ...servicesWithPodNames(local.services.values(), '')]);
    const own = this.#own.slices;
    if (!own || !this.#slices) return [];
    const ours = [...this.#slices.values()];
    const clusterName = this.#clusterName;
    const mine = ours.filter(({ metadata }) => metadata.labels?.[MCS.sourceCluster] === clusterName);
    const { services } = local;
    return [
      ...reconcileSlices({
        cluster: '',
        clusterName,
        members: services,
        slices: own.values(),
        services,
        existing: mine,
        unnamed: this.#unnamed.note,
      }),
      ...(linkedClusters ? orphanSlices(ours, new Set([...linkedClusters, clusterName])) : []),
    ];
  }

  async #writeConditions(
    local: LocalView,
    exported: ReadonlyMap<string, Exported>,
    failures: ReadonlyMap<string, string>,
  ): Promise<void> {
    const nowIso = this.#nowIso();
    for (const [key, { metadata, status }] of this.#exports) {
      const { name = '', namespace = '', generation } = metadata;
      const federatedKey = serviceKey(namespace, federatedName(name));
      const federated = local.services.get(federatedKey);
      const foreign = isForeign(this.#imports.get(key))
        ? 'The ServiceImport of this name is not ours to change'
        : undefined;
      const conditions = exportConditions(status?.conditions, {
        service: local.services.get(key),
        exported: exported.get(key),
        heard: federated?.annotations[exportKey('')] !== undefined,
        failure: failures.get(federatedKey) ?? failures.get(key) ?? foreign,
        generation,
        nowIso,
      });
      if (conditions) await writeConditions(this.#client, { name, namespace }, conditions);
    }
  }

  #watchImports(client: KubeClient, changed: () => void): () => void {
    const keyOf = ({ metadata }: KubeObject): string => serviceKey(metadata.namespace ?? '', metadata.name ?? '');
    return client.watch<ServiceImport>(
      SERVICE_IMPORTS,
      {},
      {
        reset: (objects) => {
          this.#imports.clear();
          for (const object of objects) this.#imports.set(keyOf(object), object);
          this.#known.imports = true;
          changed();
        },
        applied: (object) => {
          this.#imports.set(keyOf(object), object);
          changed();
        },
        deleted: (object) => {
          this.#imports.delete(keyOf(object));
          changed();
        },
        // Without the kind there is nothing to keep.
        failed: () => {
          this.#known.imports = false;
        },
        recovered: () => {
          this.#known.imports = true;
          changed();
        },
      },
    );
  }

  #nowIso(): string {
    return new Date(this.#clock.wallMs()).toISOString().replace(/\.\d+Z$/, 'Z');
  }
}
