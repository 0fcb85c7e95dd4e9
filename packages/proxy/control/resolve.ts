import dns from 'node:dns';
import type { HostPort } from '#model/proxy-config';
import { isLoopback } from '#model/proxy-config';
import type { Clock } from '#runtime/clock';
import { LIMITS } from '../limits.ts';
import type { Metrics } from '../telemetry/index.ts';

/** Questions to a name server; an empty list where there is no such record. Source: `dns.promises.Resolver` of Node. */
export interface NameServer {
  resolveSrv(name: string): Promise<{ name: string; port: number }[]>;
  resolve4(name: string, options: { ttl: true }): Promise<{ address: string; ttl: number }[]>;
  resolve6(name: string, options: { ttl: true }): Promise<{ address: string; ttl: number }[]>;
}

export interface ResolverConfig {
  /** Bounds on how long answers are used, in milliseconds. */
  readonly minTtlMs: number | undefined;
  readonly maxTtlMs: number | undefined;
}

export interface ResolverDeps {
  readonly metrics: Metrics;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Absent: those of the host. */
  readonly names?: NameServer;
}

interface Found<T> {
  readonly list: readonly T[];
  readonly ttlMs: number;
}

interface Entry {
  readonly addrs: readonly HostPort[];
  readonly untilMs: number;
}

export type ResolverClient = 'identity' | 'destination' | 'policy' | 'trace_collector';

/** Addresses of control-plane services; answers are used again as long as they live. */
export class Resolver {
  readonly #client: ResolverClient;
  readonly #config: ResolverConfig;
  readonly #deps: ResolverDeps;
  readonly #names: NameServer;
  readonly #known = new Map<string, Entry>();
  readonly #asking = new Map<string, Promise<readonly HostPort[]>>();

  constructor(client: ResolverClient, config: ResolverConfig, deps: ResolverDeps) {
    this.#client = client;
    this.#config = config;
    this.#deps = deps;
    this.#names = deps.names ?? new dns.promises.Resolver({ timeout: QUERY_MS, tries: 2 });
  }

  /**
   * All addresses: from SRV records if there are any, else from A and AAAA. When the name server does not answer, the last known ones
   * are used on. Rejects when there is none.
   */
  async resolve(addr: HostPort): Promise<readonly HostPort[]> {
    if (/^localhost\.?$/.test(addr.host)) return [{ host: '127.0.0.1', port: addr.port }];
    if (isLoopback(addr.host) || /^[\d.]+$|:/.test(addr.host)) return [addr];
    const key = `${addr.host}:${addr.port}`;
    const known = this.#known.get(key);
    if (known && known.untilMs > this.#deps.clock.nowMs()) return known.addrs;
    let asking = this.#asking.get(key);
    if (!asking) {
      asking = this.#ask(addr, known).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return asking;
  }

  /**
   * The addresses do not answer, or the one in use went away, as those of a replaced pod: who asks next asks the name server, however
   * long its last answer was to live.
   */
  distrust(addr: HostPort): void {
    const key = `${addr.host}:${addr.port}`;
    const known = this.#known.get(key);
    if (known) this.#known.set(key, { ...known, untilMs: 0 });
  }

  async #ask(addr: HostPort, known: Entry | undefined): Promise<readonly HostPort[]> {
    const name = addr.host.replace(/\.$/, '');
    let found = await this.#count('SRV', this.#srv(name));
    if (found.list.length === 0) {
      const { list, ttlMs } = await this.#count('A/AAAA', this.#ips(name));
      found = { list: list.map((host) => ({ host, port: addr.port })), ttlMs };
    }
    if (found.list.length === 0) {
      if (known) return known.addrs;
      throw new Error(`no address found for ${addr.host}; is cluster DNS reachable?`);
    }
    const { minTtlMs = LIMITS.dnsTtlMsMin, maxTtlMs = Number.POSITIVE_INFINITY } = this.#config;
    const untilMs = this.#deps.clock.nowMs() + Math.min(maxTtlMs, Math.max(minTtlMs, found.ttlMs));
    this.#known.set(`${addr.host}:${addr.port}`, { addrs: found.list, untilMs });
    return found.list;
  }

  /** The runtime does not tell how long SRV records live; their targets' addresses stand for them. */
  async #srv(name: string): Promise<Found<HostPort>> {
    const records = await orNone(this.#names.resolveSrv(name));
    const list: HostPort[] = [];
    let ttlMs: number = LIMITS.dnsTtlMsDefault;
    for (const record of records) {
      const literal = dashedIp(record.name);
      const ips = literal === undefined ? await this.#ips(record.name.replace(/\.$/, '')) : undefined;
      if (ips) ttlMs = Math.min(ttlMs, ips.ttlMs);
      for (const host of ips?.list ?? [literal ?? '']) list.push({ host, port: record.port });
    }
    return { list, ttlMs };
  }

  async #ips(name: string): Promise<Found<string>> {
    const [v4, v6] = await Promise.all([
      orNone(this.#names.resolve4(name, { ttl: true })),
      orNone(this.#names.resolve6(name, { ttl: true })),
    ]);
    const all = [...v4, ...v6];
    const ttlMs = Math.min(...all.map(({ ttl }) => ttl * 1000));
    if (all.length > 0) return { list: all.map(({ address }) => address), ttlMs };
    // Names that only the host's files know.
    const listed = await orNone(dns.promises.lookup(name, { all: true }));
    return { list: listed.map(({ address }) => address), ttlMs: LIMITS.dnsTtlMsDefault };
  }

  async #count<T>(record_type: 'SRV' | 'A/AAAA', asked: Promise<Found<T>>): Promise<Found<T>> {
    const found = await asked;
    const result = found.list.length > 0 ? 'ok' : 'not_found';
    this.#deps.metrics.counter('control_dns_resolutions_total', { client: this.#client, record_type, result }).inc();
    return found;
  }
}

const QUERY_MS = 2_000;

/** Kubernetes names the targets of headless services after their addresses: `10-0-0-1.svc…`. */
function dashedIp(name: string): string | undefined {
  const [label = ''] = name.split('.');
  if (/^\d{1,3}(-\d{1,3}){3}$/.test(label)) return label.replaceAll('-', '.');
  return /^[0-9a-f]{0,4}(-[0-9a-f]{0,4}){2,7}$/i.test(label) ? label.replaceAll('-', ':') : undefined;
}

/** A name without such records is an empty list; so is a failing server, which the caller retries. */
async function orNone<T>(query: Promise<T[]>): Promise<T[]> {
  try {
    return await query;
  } catch {
    return []; // what is missing is reported by whoever finds nothing at all
  }
}
