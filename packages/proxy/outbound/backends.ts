import type { EwmaConfig, ZoneBand } from '#model/balance';
import type { Timer } from '#runtime/clock';
import type { Deps } from '../deps.ts';
import {
  type Backend,
  type BackoffConfig,
  type BreakerPolicy,
  type DestinationUpdate,
  keepWatching,
  type MeshClients,
  type Meta,
  type WatchConfig,
} from '../discover/index.ts';
import {
  type BalancerFamily,
  type BalancerLabels,
  BalancerMetrics,
  backendLabels,
  parentLabels,
} from '../telemetry/index.ts';
import { type Discovered, type HttpBackend, HttpBalancer } from './backend.ts';
import type { EndpointConfig } from './endpoint.ts';
import { type TcpBackend, TcpBalancer, TcpForward } from './tcp-backend.ts';

export type { HttpBackend } from './backend.ts';

/** Of single endpoints, where it decides nothing. */
const EWMA_DEFAULT: EwmaConfig = { defaultRttMs: 30, decayMs: 10_000 };

interface QueueConfig {
  readonly failfastMs: number;
  readonly queueMax: number;
}

export interface BackendsConfig extends EndpointConfig {
  readonly http: QueueConfig;
  readonly tcp: QueueConfig;
  readonly backoff: BackoffConfig;
  /** How requests are kept in the zone; absent: zones play no role. */
  readonly zones?: ZoneBand | undefined;
  readonly watch: WatchConfig;
  /** How long an unused backend and its endpoint stream are kept. */
  readonly idleMs: number;
  /** Backends known at once; past it unused ones make room, or a new one leads nowhere. */
  readonly countMax: number;
}

/** A backend in use; `release` when not any more. */
export interface Held<T> {
  readonly backend: T;
  readonly release: () => void;
}

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
    deps.metrics.onCollect(() => {
      for (const { backend } of this.#entries.values()) backend.collect?.();
    });
  }

  /** Undefined when the backend leads nowhere. `breaker`: of each of its endpoints. */
  http(backend: Backend, parent: Meta, breaker?: BreakerPolicy): Held<HttpBackend> | undefined {
    const { target } = backend;
    if (target.kind === 'none') return undefined;
    return this.#hold<HttpBackend>(`http ${JSON.stringify([target, breaker])}`, () => {
      const deps = this.#deps;
      const usual = { ...this.#config, ...this.#config.http };
      if (target.kind === 'forward') {
        const config = { ...usual, ewma: EWMA_DEFAULT, zones: undefined };
        return { backend: new HttpBalancer({ authority: undefined, config, deps, forward: target.endpoint }) };
      }
      const config = { ...usual, ewma: target.ewma, breaker, zones: target.zones ?? this.#config.zones };
      const labels = { ...parentLabels(parent), ...backendLabels(backend.meta) };
      const watch = this.#watchOf('outbound_http', labels, config);
      return { backend: new HttpBalancer({ authority: target.path, config, deps, watch }), path: target.path };
    });
  }

  tcp(
    backend: Backend,
    parent: Meta,
    family: Exclude<BalancerFamily, 'outbound_http'> = 'outbound_tcp',
  ): Held<TcpBackend> | undefined {
    const { target } = backend;
    if (target.kind === 'none') return undefined;
    return this.#hold<TcpBackend>(`${family} ${JSON.stringify(target)}`, () => {
      if (target.kind === 'forward') return { backend: new TcpForward(target.endpoint, this.#config, this.#deps) };
      // The load of connections is no measure for what crosses zones.
      const config = { ...this.#config, ...this.#config.tcp, ewma: target.ewma, zones: undefined };
      const name = { logical: target.path, concrete: target.path };
      const watch = this.#watchOf(family, { ...parentLabels(parent), ...backendLabels(backend.meta), ...name }, config);
      return { backend: new TcpBalancer(target.path, config, this.#deps, watch), path: target.path };
    });
  }

  stop(): void {
    for (const entry of this.#entries.values()) entry.stop();
    this.#entries.clear();
  }

  #watchOf(
    family: BalancerFamily,
    labels: BalancerLabels,
    { failfastMs }: Pick<QueueConfig, 'failfastMs'>,
  ): BalancerMetrics {
    const { metrics, clock } = this.#deps;
    return new BalancerMetrics(family, labels, { failfastMs, metrics, clock });
  }

  #hold<T extends Discovered>(key: string, make: () => { backend: T; path?: string }): Held<T> | undefined {
    let entry = this.#entries.get(key);
    if (!entry) {
      if (!this.#hasRoom()) {
        this.#deps.log.warn('Backend left out: too many are in use', { backends_max: this.#config.countMax });
        return undefined;
      }
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

  /** Lets the first unused backend go where none more fits. */
  #hasRoom(): boolean {
    if (this.#entries.size < this.#config.countMax) return true;
    for (const [key, entry] of this.#entries) {
      if (entry.holders > 0) continue;
      this.#entries.delete(key);
      entry.idle?.cancel();
      entry.stop();
      return true;
    }
    return false;
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
