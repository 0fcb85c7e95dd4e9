import type { Network } from '#model/proxy-config';
import type { Timer } from '#runtime/clock';
import { formatAddr } from '#runtime/net';
import type { Deps } from '../deps.ts';
import {
  bareEndpoint,
  type Cancel,
  Cidr,
  type Distribution,
  defaultMeta,
  keepWatching,
  type MeshClients,
  type OutboundPolicy,
  type Profile,
  parseIp,
  type WatchConfig,
} from '../discover/index.ts';
import { LIMITS } from '../limits.ts';
import type { Backends } from './backends.ts';
import { type Compiled, compile } from './compile.ts';

export interface TargetsConfig {
  /** Addresses outside have no profile. */
  readonly profileNetworks: readonly Network[];
  readonly profileWatch: WatchConfig;
  readonly policyWatch: WatchConfig;
  readonly idleMs: number;
}

/** Everything known about one original destination. */
export interface Target {
  readonly current: Compiled | undefined;
  /** Why it cannot be used. */
  readonly refused: string | undefined;
  /** Handled as bytes whatever the policy says. */
  readonly opaque: boolean;
  release(): void;
}

/** Discovery by original destination: a profile and a policy each, watched while they are used and a little longer. */
export class Targets {
  readonly #config: TargetsConfig;
  readonly #deps: Deps;
  readonly #clients: MeshClients;
  readonly #backends: Backends;
  readonly #networks: readonly Cidr[];
  readonly #entries = new Map<string, Entry>();

  constructor(config: TargetsConfig, deps: Deps, clients: MeshClients, backends: Backends) {
    this.#config = config;
    this.#deps = deps;
    this.#clients = clients;
    this.#backends = backends;
    this.#networks = config.profileNetworks.flatMap((network) => Cidr.of(network) ?? []);
  }

  /**
   * Calls `ready` when profile and policy are known, perhaps at once; undefined when they did not come in time. Whoever gets a
   * target holds it until `release`.
   */
  get(dst: { ip: string; port: number }, ready: (target: Target | undefined) => void): void {
    const key = formatAddr(dst.ip, dst.port);
    let entry = this.#entries.get(key);
    if (!entry) {
      if (this.#entries.size >= LIMITS.discoveryEntriesMax) this.#evictIdle();
      entry = new Entry(dst, this.#config, this.#deps, this.#clients, this.#backends, this.#hasProfile(dst.ip), () =>
        this.#entries.delete(key),
      );
      this.#entries.set(key, entry);
    }
    entry.hold(ready);
  }

  stop(): void {
    for (const entry of this.#entries.values()) entry.stop();
    this.#entries.clear();
  }

  #hasProfile(ip: string): boolean {
    const bytes = parseIp(ip);
    return bytes !== undefined && this.#networks.some((network) => network.contains(bytes));
  }

  #evictIdle(): void {
    for (const [key, entry] of this.#entries) {
      if (!entry.idle) continue;
      this.#entries.delete(key);
      entry.stop();
      return;
    }
  }
}

type Answer<T> = { kind: 'pending' } | { kind: 'value'; value: T } | { kind: 'none' };

class Entry implements Target {
  current: Compiled | undefined;
  refused: string | undefined;
  readonly #dst: { ip: string; port: number };
  readonly #config: TargetsConfig;
  readonly #deps: Deps;
  readonly #backends: Backends;
  readonly #forget: () => void;
  readonly #cancels: Cancel[] = [];
  #profile: Answer<Profile> = { kind: 'pending' };
  #policy: Answer<OutboundPolicy> = { kind: 'pending' };
  #waiting: ((target: Target | undefined) => void)[] = [];
  #holders = 0;
  #idleTimer: Timer | undefined;

  constructor(
    dst: { ip: string; port: number },
    config: TargetsConfig,
    deps: Deps,
    clients: MeshClients,
    backends: Backends,
    hasProfile: boolean,
    forget: () => void,
  ) {
    this.#dst = dst;
    this.#config = config;
    this.#deps = deps;
    this.#backends = backends;
    this.#forget = forget;
    if (hasProfile) this.#cancels.push(this.#watchProfile(clients));
    else this.#profile = { kind: 'none' };
    this.#cancels.push(this.#watchPolicy(clients));
  }

  get idle(): boolean {
    return this.#holders === 0;
  }

  get opaque(): boolean {
    return this.#profile.kind === 'value' && this.#profile.value.opaque;
  }

  hold(ready: (target: Target | undefined) => void): void {
    this.#holders++;
    this.#idleTimer?.cancel();
    if (this.current || this.refused !== undefined) {
      ready(this);
      return;
    }
    const waiter = (target: Target | undefined): void => {
      timer.cancel();
      if (!target) this.release();
      ready(target);
    };
    const timer = this.#deps.clock.after(LIMITS.discoveryWaitMs, () => {
      this.#waiting = this.#waiting.filter((other) => other !== waiter);
      waiter(undefined);
    });
    this.#waiting.push(waiter);
  }

  release(): void {
    if (--this.#holders > 0) return;
    this.#idleTimer = this.#deps.clock.after(this.#config.idleMs, () => {
      if (this.#holders > 0) return;
      this.#forget();
      this.stop();
    });
  }

  stop(): void {
    this.#idleTimer?.cancel();
    for (const cancel of this.#cancels) cancel();
    this.current?.release();
    for (const waiter of this.#waiting.splice(0)) waiter(undefined);
  }

  #watchProfile(clients: MeshClients): Cancel {
    return keepWatching<Profile>(
      (sink) => clients.watchProfile(formatAddr(this.#dst.ip, this.#dst.port), sink),
      this.#config.profileWatch,
      {
        value: (value) => {
          this.#profile = { kind: 'value', value };
          this.#settle();
        },
        refused: () => {
          if (this.#profile.kind === 'pending') this.#profile = { kind: 'none' };
          this.#settle();
        },
      },
      this.#deps,
    );
  }

  #watchPolicy(clients: MeshClients): Cancel {
    return keepWatching<OutboundPolicy>(
      (sink) => clients.watchOutbound(this.#dst, sink),
      this.#config.policyWatch,
      {
        value: (value) => {
          this.#policy = { kind: 'value', value };
          this.#settle();
        },
        refused: (error) => {
          if (this.#policy.kind !== 'pending') return;
          if (error.code === 'NOT_FOUND' || error.code === 'UNIMPLEMENTED') this.#policy = { kind: 'none' };
          else this.refused = `${error.code}: ${error.message}`;
          this.#settle();
        },
      },
      this.#deps,
    );
  }

  /** Makes what connections use from what is known; wakes those who wait for it. */
  #settle(): void {
    if (this.refused === undefined) {
      if (this.#profile.kind === 'pending' || this.#policy.kind === 'pending') return;
      const profile = this.#profile.kind === 'value' ? this.#profile.value : undefined;
      const policy = this.#policy.kind === 'value' ? this.#policy.value : fallbackPolicy(this.#dst, profile);
      if (policy.invalid !== undefined)
        this.#deps.log.warn('Invalid outbound policy', {
          addr: formatAddr(this.#dst.ip, this.#dst.port),
          error: policy.invalid,
        });
      const before = this.current;
      this.current = compile(policy, this.#backends, this.#deps.metrics);
      before?.release();
    }
    for (const waiter of this.#waiting.splice(0)) waiter(this);
  }
}

/** For addresses of which the policy controller knows nothing: the profile's endpoint, else the address itself in plain text. */
function fallbackPolicy(dst: { ip: string; port: number }, profile: Profile | undefined): OutboundPolicy {
  const endpoint = profile?.endpoint ?? bareEndpoint(dst.ip, dst.port);
  const meta = defaultMeta(profile ? 'endpoint' : 'fallback');
  const distribution: Distribution = {
    kind: 'first',
    backends: [{ backend: { meta, target: { kind: 'forward', endpoint } }, weight: 1, filters: [] }],
  };
  const http = {
    routes: [{ meta, hosts: [], rules: [{ matches: [], filters: [], distribution }] }],
    breaker: undefined,
  };
  return {
    protocol: profile?.opaque ? 'opaque' : 'detect',
    parent: meta,
    http1: http,
    http2: http,
    opaqueRoute: { meta, distribution, refuse: undefined },
    tlsRoutes: [],
  };
}
