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

  /**
   * Watches until stopped; `changed` is called after every change, but for mirrors of others that came or changed: each is
   * the concern of one controller, and all see it.
   */
  constructor(
    client: Pick<KubeClient, 'watch'>,
    log: Log,
    changed: () => void,
    isOthers: (object: Labelled) => boolean = () => false,
  ) {
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
            const [key, now] = [keyOf(object), observeEndpoints(object)];
            const before = this.endpoints.get(key);
            this.endpoints.set(key, now);
            if (!isOthers(now) || (before && !isOthers(before))) changed();
          },
          deleted: (object) => {
            this.endpoints.delete(keyOf(object));
            changed();
          },
          failed: failed('endpoints'),
        },
      ),
      watchServices(client, this.services, {
        changed: (now, before) => {
          this.#synced.services = true;
          if (!now || !isOthers(now) || (before && !isOthers(before))) changed();
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

/** What says whose mirror an object is. */
export interface Labelled {
  labels: Readonly<Record<string, string>>;
}

interface ServiceWatch {
  /** One Service that came or changed, and how it was before; without any: some went, or all are known. */
  changed(now?: ObservedService, before?: ObservedService): void;
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
        const [key, now] = [keyOf(object), observe(object)];
        const before = services.get(key);
        services.set(key, now);
        watch.changed(now, before);
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
