import { ENDPOINTS, type Endpoints, type KubeObject, NAMESPACES, SERVICES } from '#api/kube';
import type { KubeClient } from '#kube/client';
import type { Log } from '#runtime/log';
import {
  type LocalView,
  MIRROR,
  type ObservedEndpoints,
  type ObservedService,
  observe,
  observeEndpoints,
  serviceKey,
} from '../mirror/index.ts';
import type { ServiceObject } from '../mirror/service.ts';

/** Services, namespaces, and Endpoints of mirrors and probes of the cluster that we run in. */
export class LocalCluster implements LocalView {
  readonly services = new Map<string, ObservedService>();
  readonly namespaces = new Set<string>();
  readonly endpoints = new Map<string, ObservedEndpoints>();
  #synced = { services: false, namespaces: false, endpoints: false };
  readonly #stops: (() => void)[];

  /** Watches until stopped; `changed` is called after every change. */
  constructor(client: Pick<KubeClient, 'watch'>, log: Log, changed: () => void) {
    const failed = (what: string) => (failure: { error: Error; attempt: number }) =>
      log.warn(`cannot watch ${what}`, { error: failure.error.message, attempt: failure.attempt });
    this.#stops = [
      client.watch<Endpoints>(
        ENDPOINTS,
        { labelSelector: MIRROR.clusterName },
        {
          reset: (objects) => {
            this.endpoints.clear();
            for (const object of objects) this.endpoints.set(keyOf(object), observeEndpoints(object));
            this.#synced.endpoints = true;
            changed();
          },
          applied: (object) => {
            this.endpoints.set(keyOf(object), observeEndpoints(object));
            changed();
          },
          deleted: (object) => {
            this.endpoints.delete(keyOf(object));
            changed();
          },
          failed: failed('endpoints'),
        },
      ),
      watchServices(client, this.services, {
        changed: () => {
          this.#synced.services = true;
          changed();
        },
        failed: failed('services'),
      }),
      client.watch(
        NAMESPACES,
        { metadataOnly: true },
        {
          reset: (namespaces) => {
            this.namespaces.clear();
            for (const { metadata } of namespaces) this.#apply(metadata);
            this.#synced.namespaces = true;
            changed();
          },
          applied: ({ metadata }) => {
            if (this.#apply(metadata)) changed();
          },
          deleted: ({ metadata }) => {
            this.namespaces.delete(metadata.name ?? '');
            changed();
          },
          failed: failed('namespaces'),
        },
      ),
    ];
  }

  get synced(): boolean {
    return Object.values(this.#synced).every(Boolean);
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  /** A namespace that is going away takes no new objects. Returns whether the set changed. */
  #apply({ name = '', deletionTimestamp }: { name?: string; deletionTimestamp?: string }): boolean {
    if (deletionTimestamp !== undefined) return this.namespaces.delete(name);
    if (this.namespaces.has(name)) return false;
    this.namespaces.add(name);
    return true;
  }
}

const keyOf = ({ metadata }: KubeObject): string => serviceKey(metadata.namespace ?? '', metadata.name ?? '');

interface ServiceWatch {
  changed(): void;
  failed(failure: { error: Error; attempt: number; retryInMs: number }): void;
  recovered?(): void;
}

/** Keeps a map of all Services of a cluster, reduced to what matters. */
export function watchServices(
  client: Pick<KubeClient, 'watch'>,
  services: Map<string, ObservedService>,
  watch: ServiceWatch,
): () => void {
  return client.watch<ServiceObject>(
    SERVICES,
    {},
    {
      reset: (objects) => {
        services.clear();
        for (const object of objects) services.set(keyOf(object), observe(object));
        watch.changed();
      },
      applied: (object) => {
        services.set(keyOf(object), observe(object));
        watch.changed();
      },
      deleted: (object) => {
        services.delete(keyOf(object));
        watch.changed();
      },
      failed: watch.failed,
      recovered: () => watch.recovered?.(),
    },
  );
}
