import type { Network } from '#model/proxy-config';
import { formatAddr } from '#runtime/net';
import type { Deps } from '../deps.ts';
import { Cidr, type MeshClients, parseIp, type WatchConfig } from '../discover/index.ts';
import { LIMITS } from '../limits.ts';
import type { CompileDeps } from './compile.ts';
import { Discovery, type Target } from './discovery.ts';

export interface TargetsConfig {
  /** Addresses outside have no profile. */
  readonly profileNetworks: readonly Network[];
  /** Nor have names that do not end so; '' is any. */
  readonly profileSuffixes: readonly string[];
  readonly profileWatch: WatchConfig;
  readonly policyWatch: WatchConfig;
  readonly idleMs: number;
}

/**
 * What is looked up: an address that the application connected to, or a name that a request (`ingress`) or a peer (`gateway`)
 * gave. Names are lower case and without a dot at the end.
 */
export type TargetKey =
  | { readonly kind: 'address'; readonly ip: string; readonly port: number }
  | { readonly kind: 'ingress' | 'gateway'; readonly host: string; readonly port: number };

/** Text of a key: `10.0.0.1:80`, `web.a.svc.cluster.local:80`. */
export function targetText(key: TargetKey): string {
  return key.kind === 'address' ? formatAddr(key.ip, key.port) : `${key.host}:${key.port}`;
}

/** Discovery by address or name: a profile and a policy each, watched while they are used and a little longer. */
export class Targets {
  readonly #config: TargetsConfig;
  readonly #deps: Deps;
  readonly #clients: MeshClients;
  readonly #compiling: CompileDeps;
  readonly #networks: readonly Cidr[];
  readonly #entries = new Map<string, Discovery>();

  constructor(config: TargetsConfig, deps: Deps, clients: MeshClients, compiling: CompileDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#clients = clients;
    this.#compiling = compiling;
    this.#networks = config.profileNetworks.flatMap((network) => Cidr.of(network) ?? []);
  }

  /**
   * Calls `ready` when profile and policy are known, perhaps at once; undefined when they did not come in time. Whoever gets a
   * target holds it until `release`.
   */
  get(key: TargetKey, ready: (target: Target | undefined) => void): void {
    const id = `${key.kind} ${targetText(key)}`;
    let entry = this.#entries.get(id);
    if (!entry) {
      if (this.#entries.size >= LIMITS.discoveryEntriesMax) this.#evictIdle();
      entry = new Discovery(key, {
        ...this.#deps,
        config: this.#config,
        clients: this.#clients,
        compiling: this.#compiling,
        hasProfile: this.#hasProfile(key),
        forget: () => this.#entries.delete(id),
      });
      this.#entries.set(id, entry);
    }
    entry.hold(ready);
  }

  stop(): void {
    for (const entry of this.#entries.values()) entry.stop();
    this.#entries.clear();
  }

  #hasProfile(key: TargetKey): boolean {
    if (key.kind !== 'address') return this.#config.profileSuffixes.some((suffix) => isWithin(key.host, suffix));
    const bytes = parseIp(key.ip);
    return bytes !== undefined && this.#networks.some((network) => network.contains(bytes));
  }

  #evictIdle(): void {
    for (const [id, entry] of this.#entries) {
      if (!entry.idle) continue;
      this.#entries.delete(id);
      entry.stop();
      return;
    }
  }
}

/** Whether a name is the suffix or ends with it, by whole labels; '' holds every name. */
export function isWithin(name: string, suffix: string): boolean {
  return suffix === '' || name === suffix || name.endsWith(`.${suffix}`);
}
