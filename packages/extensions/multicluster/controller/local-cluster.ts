import { ENDPOINTS, type Endpoints, type Gvr, type KubeObject, NAMESPACES, SERVICES } from '#api/kube';
import { isOlder, type KubeClient } from '#kube/client';
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

/** What somebody sees of the cluster, and what wakes them. */
export interface LocalScope {
  /** Mirrors of this linked cluster alone, not those of others; undefined: all. */
  cluster?: string;
  /** Whether a Service that changed is anything to them. */
  concerns?(now: ObservedService, before: ObservedService | undefined): boolean;
}

type WritingClient = Pick<KubeClient, 'get' | 'create' | 'update' | 'delete'>;

/** Services, namespaces, and Endpoints of mirrors and probes of the cluster that we run in. */
export class LocalCluster implements LocalView {
  readonly services = new Map<string, ObservedService>();
  readonly namespaces = new Set<string>();
  readonly endpoints = new Map<string, ObservedEndpoints>();
  /** Services by the watch that told of them: one that is relabelled goes from one to the other, in any order. */
  readonly #parts: Map<string, ObservedService>[];
  readonly #synced: boolean[];
  readonly #stops: (() => void)[];

  /** Watches until stopped; `changed` is called after every change that concerns the scope. */
  constructor(
    client: Pick<KubeClient, 'watch'>,
    log: Log,
    changed: () => void,
    { cluster, concerns }: LocalScope = {},
  ) {
    const failed = (what: string) => (failure: { error: Error; attempt: number }) =>
      log.warn(`cannot watch ${what}`, { error: failure.error.message, attempt: failure.attempt });
    const ofCluster = cluster === undefined ? MIRROR.clusterName : `${MIRROR.clusterName}=${cluster}`;
    const selectors = cluster === undefined ? [undefined] : [`!${MIRROR.clusterName}`, ofCluster];
    this.#parts = selectors.map(() => new Map());
    this.#synced = [...selectors, ENDPOINTS, NAMESPACES].map(() => false);
    const known = (at: number): void => {
      this.#synced[at] = true;
      changed();
    };
    this.#stops = [
      ...selectors.map((labelSelector, at) =>
        watchServices(client, this.#part(at), {
          ...(labelSelector !== undefined && { labelSelector }),
          changed: (now, before) => {
            if (!now) known(at);
            else if (!concerns || concerns(now, before)) changed();
          },
          failed: failed('services'),
        }),
      ),
      client.watch<Endpoints>(
        ENDPOINTS,
        { labelSelector: ofCluster },
        {
          reset: (objects) => {
            this.endpoints.clear();
            for (const object of objects) this.endpoints.set(keyOf(object), observeEndpoints(object));
            known(selectors.length);
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
      client.watch(
        NAMESPACES,
        { metadataOnly: true },
        {
          reset: (namespaces) => {
            this.namespaces.clear();
            for (const { metadata } of namespaces) this.#apply(metadata);
            known(selectors.length + 1);
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

  /**
   * A client like this one: Services that it reads and writes are known here before the watch tells of them. While many write, watches
   * lag behind, and what was written would be written again.
   */
  learning(client: WritingClient): WritingClient {
    const learned = async <T extends KubeObject>(gvr: Gvr, work: Promise<T>): Promise<T> => {
      const object = await work;
      if (gvr === SERVICES) this.#learn(observe(object));
      return object;
    };
    return {
      get: (gvr, ...rest) => learned(gvr, client.get(gvr, ...rest)),
      update: (gvr, ...rest) => learned(gvr, client.update(gvr, ...rest)),
      create: (...args) => client.create(...args),
      delete: (...args) => client.delete(...args),
    };
  }

  get synced(): boolean {
    return this.#synced.every(Boolean);
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  /** Of one that is not known the watch may have told already that it went. */
  #learn(service: ObservedService): void {
    const key = serviceKey(service.namespace, service.name);
    for (const part of this.#parts) {
      const known = part.get(key);
      if (known && isOlder(known.resourceVersion, service.resourceVersion)) this.#set(part, key, service);
    }
  }

  #set(part: Map<string, ObservedService>, key: string, service: ObservedService): void {
    part.set(key, service);
    this.services.set(key, service);
  }

  /** The Services that one watch tells of, kept in step with all of them. */
  #part(at: number): ServiceStore {
    const part = this.#parts[at] ?? new Map<string, ObservedService>();
    const forget = (key: string): void => {
      part.delete(key);
      const elsewhere = this.#parts.find((other) => other.has(key))?.get(key);
      if (elsewhere) this.services.set(key, elsewhere);
      else this.services.delete(key);
    };
    return {
      get: (key) => part.get(key),
      set: (key, service) => {
        const known = part.get(key);
        if (!known || !isOlder(service.resourceVersion, known.resourceVersion)) this.#set(part, key, service);
      },
      delete: forget,
      clear: () => [...part.keys()].forEach(forget),
    };
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

/** Where what a watch tells of is kept, by `namespace/name`. */
interface ServiceStore {
  get(key: string): ObservedService | undefined;
  set(key: string, service: ObservedService): void;
  delete(key: string): void;
  clear(): void;
}

interface ServiceWatch {
  labelSelector?: string;
  /** One Service that came or changed, and how it was before; without any: some went, or all are known. */
  changed(now?: ObservedService, before?: ObservedService): void;
  failed(failure: { error: Error; attempt: number; retryInMs: number }): void;
  recovered?(): void;
}

/** Keeps Services of a cluster, all or those that a selector takes, reduced to what matters. */
export function watchServices(
  client: Pick<KubeClient, 'watch'>,
  services: ServiceStore,
  watch: ServiceWatch,
): () => void {
  const { labelSelector } = watch;
  return client.watch<ServiceObject>(SERVICES, labelSelector === undefined ? {} : { labelSelector }, {
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
  });
}
