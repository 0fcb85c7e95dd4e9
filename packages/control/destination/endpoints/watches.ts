/** Endpoints of services, worked out once for any number of streams that follow them. */
import type { ClusterIndex } from '../cluster/index.ts';
import { EndpointLister, type EndpointSet, type ListConfig } from './service-endpoints.ts';

export interface EndpointsSubscription {
  current(): EndpointSet;
  /** Counts a stream that came (1) or went (-1). */
  count(change: 1 | -1): void;
  stop(): void;
}

/** Counts what happens; see the metrics endpoints_*. */
export interface EndpointsObserver {
  /** A service's port is followed from now on. */
  follow(serviceKey: string, port: number): FollowedPort;
}

export interface FollowedPort {
  /** A stream came (1) or went (-1). */
  subscribers(change: 1 | -1): void;
  updated(set: EndpointSet): void;
  /** Nobody follows it any more. */
  stop(): void;
}

interface Watch {
  set: EndpointSet;
  listeners: Set<() => void>;
  observer: FollowedPort;
  stop(): void;
}

export class EndpointWatches {
  readonly #index: ClusterIndex;
  readonly #config: ListConfig;
  readonly #observer: EndpointsObserver;
  readonly #watches = new Map<string, Watch>();

  constructor(index: ClusterIndex, config: ListConfig, observer: EndpointsObserver) {
    this.#index = index;
    this.#config = config;
    this.#observer = observer;
  }

  /** Follows a service's port; `changed` is called after each difference. */
  subscribe(serviceKey: string, port: number, changed: () => void): EndpointsSubscription {
    const key = `${serviceKey}:${port}`;
    const watch = this.#watches.get(key) ?? this.#open(key, serviceKey, port);
    watch.listeners.add(changed);
    return {
      current: () => watch.set,
      count: (change) => watch.observer.subscribers(change),
      stop: () => {
        if (!watch.listeners.delete(changed) || watch.listeners.size > 0) return;
        watch.stop();
        watch.observer.stop();
        this.#watches.delete(key);
      },
    };
  }

  #open(key: string, serviceKey: string, port: number): Watch {
    const lister = new EndpointLister(this.#index, serviceKey, port, this.#config);
    const observer = this.#observer.follow(serviceKey, port);
    const watch: Watch = {
      set: lister.list(),
      listeners: new Set(),
      observer,
      stop: this.#index.onEndpoints(serviceKey, () => {
        const set = lister.list();
        if (isSame(set, watch.set)) return;
        watch.set = set;
        observer.updated(set);
        for (const listener of [...watch.listeners]) listener();
      }),
    };
    this.#watches.set(key, watch);
    observer.updated(watch.set);
    return watch;
  }
}

function isSame(a: EndpointSet, b: EndpointSet): boolean {
  return (
    a.exists === b.exists &&
    a.localTraffic === b.localTraffic &&
    a.endpoints.length === b.endpoints.length &&
    a.endpoints.every((endpoint, at) => endpoint === b.endpoints[at]) &&
    labelsKey(a.labels) === labelsKey(b.labels)
  );
}

/** Equal for equal labels. */
export function labelsKey(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
