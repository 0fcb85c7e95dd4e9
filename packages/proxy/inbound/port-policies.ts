import type { Clock, Timer } from '#runtime/clock';
import type { Log } from '#runtime/log';
import type { Random } from '#runtime/random';
import { type Cancel, keepWatching, type MeshClients, type ServerPolicy, type WatchConfig } from '../discover/index.ts';
import { LIMITS } from '../limits.ts';

/** The policy of one port, as it is now. */
export interface PortPolicy {
  readonly port: number;
  readonly current: ServerPolicy;
  /** Called after each change. Returns a stop function. */
  onChange(listener: () => void): () => void;
  /** The holder needs it no longer; unused ports are forgotten after a while. */
  release(): void;
}

export interface PortPoliciesConfig {
  readonly fallback: (port: number) => ServerPolicy;
  /** Watched from the start and for ever. */
  readonly permanentPorts: readonly number[];
  readonly idleMs: number;
  readonly watch: WatchConfig;
}

export interface PortPoliciesDeps {
  readonly clients: Pick<MeshClients, 'watchPort'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** One watch a port, started when first asked for; until it answers, the default applies. */
export class PortPolicies {
  readonly #ports = new Map<number, Port>();
  readonly #config: PortPoliciesConfig;
  readonly #deps: PortPoliciesDeps;

  constructor(config: PortPoliciesConfig, deps: PortPoliciesDeps) {
    this.#config = config;
    this.#deps = deps;
    for (const port of config.permanentPorts) this.get(port);
  }

  /** Counts as a holder until `release`. */
  get(port: number): PortPolicy {
    let found = this.#ports.get(port);
    if (!found) {
      found = new Port(port, this.#config, this.#deps, () => this.#ports.delete(port));
      if (this.#ports.size < LIMITS.portPoliciesMax) this.#ports.set(port, found);
    }
    found.hold();
    return found;
  }

  stop(): void {
    for (const port of this.#ports.values()) port.stop();
    this.#ports.clear();
  }
}

class Port implements PortPolicy {
  readonly port: number;
  current: ServerPolicy;
  readonly #config: PortPoliciesConfig;
  readonly #deps: PortPoliciesDeps;
  readonly #forget: () => void;
  readonly #listeners = new Set<() => void>();
  readonly #cancel: Cancel;
  #holders = 0;
  #idle: Timer | undefined;

  constructor(port: number, config: PortPoliciesConfig, deps: PortPoliciesDeps, forget: () => void) {
    this.port = port;
    this.current = config.fallback(port);
    this.#config = config;
    this.#deps = deps;
    this.#forget = forget;
    this.#cancel = keepWatching<ServerPolicy>(
      (sink) => deps.clients.watchPort(port, sink),
      config.watch,
      {
        value: (policy) => this.#set(policy),
        refused: (error) => deps.log.warn('Port policy refused; the last one stays', { port, error: error.message }),
      },
      deps,
    );
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  hold(): void {
    this.#holders++;
    this.#idle?.cancel();
  }

  release(): void {
    if (--this.#holders > 0) return;
    this.#idle = this.#deps.clock.after(this.#config.idleMs, () => {
      if (this.#holders > 0) return;
      this.stop();
      this.#forget();
    });
  }

  stop(): void {
    this.#idle?.cancel();
    this.#cancel();
  }

  #set(given: ServerPolicy): void {
    const policy = withSameLimit(given, this.current);
    if (policy.invalid !== undefined)
      this.#deps.log.warn('Invalid port policy from the control plane', { port: this.port, error: policy.invalid });
    this.current = policy;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** What clients have used of a rate limit is kept with it: an update that says the same again must not give them more. */
function withSameLimit(policy: ServerPolicy, before: ServerPolicy): ServerPolicy {
  const { rateLimit } = before;
  const isSame = rateLimit && JSON.stringify(rateLimit) === JSON.stringify(policy.rateLimit);
  return isSame ? { ...policy, rateLimit } : policy;
}
