import dns from 'node:dns';
import type { HostPort } from '#model/proxy-config';
import { isLoopback } from '#model/proxy-config';
import type { Metrics } from '../telemetry/index.ts';

/** Addresses of control-plane services. */
export class Resolver {
  readonly #client: string;
  readonly #metrics: Metrics;
  readonly #dns: dns.promises.Resolver;

  constructor(client: 'identity' | 'destination' | 'policy', metrics: Metrics) {
    this.#client = client;
    this.#metrics = metrics;
    this.#dns = new dns.promises.Resolver({ timeout: QUERY_MS, tries: 2 });
  }

  /** All addresses: from SRV records if there are any, else from A and AAAA. Rejects when there is none. */
  async resolve(addr: HostPort): Promise<HostPort[]> {
    if (/^localhost\.?$/.test(addr.host)) return [{ host: '127.0.0.1', port: addr.port }];
    if (isLoopback(addr.host) || /^[\d.]+$|:/.test(addr.host)) return [addr];
    const name = addr.host.replace(/\.$/, '');
    const bySrv = await this.#count('SRV', this.#srv(name));
    if (bySrv.length > 0) return bySrv;
    const ips = await this.#count('A/AAAA', this.#ips(name));
    if (ips.length === 0) throw new Error(`no address found for ${addr.host}; is cluster DNS reachable?`);
    return ips.map((host) => ({ host, port: addr.port }));
  }

  async #srv(name: string): Promise<HostPort[]> {
    const records = await orNone(this.#dns.resolveSrv(name));
    const found: HostPort[] = [];
    for (const record of records) {
      const literal = dashedIp(record.name);
      const ips = literal === undefined ? await this.#ips(record.name.replace(/\.$/, '')) : [literal];
      for (const host of ips) found.push({ host, port: record.port });
    }
    return found;
  }

  async #ips(name: string): Promise<string[]> {
    const [v4, v6] = await Promise.all([orNone(this.#dns.resolve4(name)), orNone(this.#dns.resolve6(name))]);
    if (v4.length + v6.length > 0) return [...v4, ...v6];
    // Names that only the host's files know.
    return (await orNone(dns.promises.lookup(name, { all: true }))).map(({ address }) => address);
  }

  async #count<T>(record_type: 'SRV' | 'A/AAAA', found: Promise<T[]>): Promise<T[]> {
    const list = await found;
    const result = list.length > 0 ? 'ok' : 'not_found';
    this.#metrics.counter('control_dns_resolutions_total', { client: this.#client, record_type, result }).inc();
    return list;
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
