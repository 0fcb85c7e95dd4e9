import type { Timer } from '#runtime/clock';
import type { Deps } from '../deps.ts';
import {
  type Backend,
  type DestinationUpdate,
  keepWatching,
  type MeshClients,
  type Meta,
  type WatchConfig,
} from '../discover/index.ts';
import type { Upstream } from '../http/index.ts';
import { backendLabels, type Metrics, parentLabels } from '../telemetry/index.ts';
import { type Discovered, HttpBalancer, HttpForward, type TcpBackend, TcpBalancer, TcpForward } from './backend.ts';
import type { Balancer } from './balancer.ts';
import type { EndpointConfig } from './endpoint.ts';

export interface BackendsConfig extends EndpointConfig {
  readonly http: { readonly failfastMs: number; readonly queueMax: number };
  readonly tcp: { readonly failfastMs: number; readonly queueMax: number };
  readonly backoff: { readonly minMs: number; readonly maxMs: number; readonly jitter: number };
  readonly watch: WatchConfig;
  /** How long an unused backend and its endpoint stream are kept. */
  readonly idleMs: number;
}

/** A backend in use; `release` when not any more. */
export interface Held<T> {
  readonly backend: T;
  readonly release: () => void;
}

export type HttpBackend = Upstream & Discovered & { readonly available: boolean };

/** Backends by what they are, shared by every route that leads to them. */
export class Backends {
  readonly #config: BackendsConfig;
  readonly #deps: Deps;
  readonly #clients: Pick<MeshClients, 'watchDestination'>;
  readonly #entries = new Map<string, Entry>();

  constructor(config: BackendsConfig, deps: Deps, clients: Pick<MeshClients, 'watchDestination'>) {
    this.#config = config;
    this.#deps = deps;
    this.#clients = clients;
  }

  /** Undefined when the backend leads nowhere. */
  http(backend: Backend, parent: Meta): Held<HttpBackend> | undefined {
    const { target } = backend;
    if (target.kind === 'none') return undefined;
    return this.#hold<HttpBackend>(`http ${JSON.stringify(target)}`, () => {
      if (target.kind === 'forward') return { backend: new HttpForward(target.endpoint, this.#config, this.#deps) };
      const gauges = balancerMetrics(this.#deps.metrics, 'outbound_http', parent, backend.meta);
      const config = { ...this.#config, ...this.#config.http, ewma: target.ewma };
      const made = new HttpBalancer(target.path, config, this.#deps, (event) => gauges(event, made.balancer));
      return { backend: made, path: target.path };
    });
  }

  tcp(backend: Backend, parent: Meta): Held<TcpBackend> | undefined {
    const { target } = backend;
    if (target.kind === 'none') return undefined;
    return this.#hold<TcpBackend>(`tcp ${JSON.stringify(target)}`, () => {
      if (target.kind === 'forward') return { backend: new TcpForward(target.endpoint, this.#config, this.#deps) };
      const gauges = balancerMetrics(this.#deps.metrics, 'outbound_tcp', parent, backend.meta);
      const config = { ...this.#config, ...this.#config.tcp, ewma: target.ewma };
      const made = new TcpBalancer(target.path, config, this.#deps, (event) => gauges(event, made.balancer));
      return { backend: made, path: target.path };
    });
  }

  stop(): void {
    for (const entry of this.#entries.values()) entry.stop();
    this.#entries.clear();
  }

  #hold<T extends Discovered>(key: string, make: () => { backend: T; path?: string }): Held<T> {
    let entry = this.#entries.get(key);
    if (!entry) {
      const { backend, path } = make();
      const cancel = path === undefined ? undefined : this.#watch(path, backend);
      const stop = (): void => {
        cancel?.();
        backend.stop();
      };
      entry = { backend, holders: 0, idle: undefined, stop };
      this.#entries.set(key, entry);
    }
    const held = entry;
    held.holders++;
    held.idle?.cancel();
    return { backend: held.backend as T, release: () => this.#release(key, held) };
  }

  #release(key: string, entry: Entry): void {
    if (--entry.holders > 0) return;
    entry.idle = this.#deps.clock.after(this.#config.idleMs, () => {
      if (entry.holders > 0) return;
      this.#entries.delete(key);
      entry.stop();
    });
  }

  #watch(path: string, backend: Discovered): () => void {
    return keepWatching<DestinationUpdate>(
      (sink) => this.#clients.watchDestination(path, sink),
      this.#config.watch,
      {
        value: (update, first) => backend.update(update, first),
        refused: (error) => {
          this.#deps.log.warn('Resolution refused', { path, error: error.message });
          backend.update({ kind: 'none', exists: false }, true);
        },
      },
      this.#deps,
    );
  }
}

interface Entry {
  readonly backend: Discovered;
  readonly stop: () => void;
  holders: number;
  idle: Timer | undefined;
}

/** Keeps the metrics of one balancer; called after each event. */
function balancerMetrics(metrics: Metrics, family: 'outbound_http' | 'outbound_tcp', parent: Meta, backend: Meta) {
  const labels = { ...parentLabels(parent), ...backendLabels(backend) };
  const ready = metrics.gauge(`${family}_balancer_endpoints`, { endpoint_state: 'ready', ...labels });
  const pending = metrics.gauge(`${family}_balancer_endpoints`, { endpoint_state: 'pending', ...labels });
  const all = metrics.gauge(`${family}_balancer_p2c_endpoints`, labels);
  const queue = metrics.gauge(`${family}_balancer_queue_length`, labels);
  const queued = metrics.counter(`${family}_balancer_queue_requests_total`, labels);
  const opened = metrics.counter(`${family}_balancer_queue_gate_open_total`, labels);
  const shut = metrics.counter(`${family}_balancer_queue_gate_shut_total`, labels);
  const update = (op: string) => metrics.counter(`${family}_balancer_p2c_updates_total`, { op, ...labels });
  const updates = { reset: update('Reset'), add: update('Add'), remove: update('Remove') };
  return (event: string, balancer: Pick<Balancer<unknown, unknown>, 'size' | 'readyCount' | 'queueLength'>): void => {
    if (event in updates) updates[event as keyof typeof updates].inc();
    if (event === 'queued') queued.inc();
    if (event === 'open') opened.inc();
    if (event === 'shut') shut.inc();
    ready.set(balancer.readyCount);
    pending.set(balancer.size - balancer.readyCount);
    all.set(balancer.size);
    queue.set(balancer.queueLength);
  };
}
