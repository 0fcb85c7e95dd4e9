/** Endpoints of services, worked out once for any number of streams that follow them. */
import type { ClusterIndex } from '../cluster/index.ts';
import type { EndpointConfig } from './endpoint.ts';
import { type EndpointSet, listEndpoints } from './service-endpoints.ts';

export interface EndpointsSubscription {
  current(): EndpointSet;
  stop(): void;
}

/** Counts what happens; see the metrics endpoints_*. */
export interface EndpointsObserver {
  subscribers(serviceKey: string, port: number, count: number): void;
  updated(serviceKey: string, port: number, set: EndpointSet): void;
}

interface Watch {
  set: EndpointSet;
  listeners: Set<() => void>;
  stop(): void;
}

export class EndpointWatches {
  readonly #index: ClusterIndex;
  readonly #config: EndpointConfig & { ipv6: boolean };
  readonly #observer: EndpointsObserver;
  readonly #watches = new Map<string, Watch>();

  constructor(index: ClusterIndex, config: EndpointConfig & { ipv6: boolean }, observer: EndpointsObserver) {
    this.#index = index;
    this.#config = config;
    this.#observer = observer;
  }

  /** Follows a service's port; `changed` is called after each difference. */
  subscribe(serviceKey: string, port: number, changed: () => void): EndpointsSubscription {
    const key = `${serviceKey}:${port}`;
    const watch = this.#watches.get(key) ?? this.#open(key, serviceKey, port);
    watch.listeners.add(changed);
    this.#observer.subscribers(serviceKey, port, watch.listeners.size);
    return {
      current: () => watch.set,
      stop: () => {
        if (!watch.listeners.delete(changed)) return;
        this.#observer.subscribers(serviceKey, port, watch.listeners.size);
        if (watch.listeners.size > 0) return;
        watch.stop();
        this.#watches.delete(key);
      },
    };
  }

  #open(key: string, serviceKey: string, port: number): Watch {
    const list = (previous: EndpointSet['endpoints']) =>
      listEndpoints(this.#index, serviceKey, port, this.#config, previous);
    const watch: Watch = {
      set: list([]),
      listeners: new Set(),
      stop: this.#index.onService(serviceKey, () => {
        const set = list(watch.set.endpoints);
        if (isSame(set, watch.set)) return;
        watch.set = set;
        this.#observer.updated(serviceKey, port, set);
        for (const listener of [...watch.listeners]) listener();
      }),
    };
    this.#watches.set(key, watch);
    this.#observer.updated(serviceKey, port, watch.set);
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
