import { createHash } from 'node:crypto';
import type { EndpointSlice, Service, ServicePort } from '#api/kube';
import { type Backend, backendsOf, type ProxyNode, SERVICE_NAME_LABEL } from './endpoints.ts';

/** A container port that is published on its node. */
export interface HostPort {
  ip: string;
  port: number;
  hostPort: number;
  protocol: string;
}

/** All that the rules of one node are made from. */
export interface ProxyView {
  services: readonly Service[];
  slices: readonly EndpointSlice[];
  hostPorts: readonly HostPort[];
  node: ProxyNode;
  /** Where the cluster's own pods come from. */
  podCidrs: readonly string[];
}

/** The rules of one node: chain bodies, map elements and sets, in nft's words. */
export interface RuleSet {
  chains: ReadonlyMap<string, readonly string[]>;
  vips: readonly string[];
  nodePorts: readonly string[];
  refused: readonly string[];
  refusedNodePorts: readonly string[];
  /** Load balancer addresses that only some sources may use. */
  guarded: readonly string[];
  hairpins: readonly string[];
  /** Name -> lifetime of an entry in seconds. */
  affinities: ReadonlyMap<string, number>;
}

/** Set on packets whose source must become the node's, so that the answer comes back this way. */
export const MASQUERADE = '0x4000';
/** The node's side of its cable to the lab. */
const UPLINK = 'eth0';
const MASQUERADE_OUTSIDERS = [`iifname "${UPLINK}" meta mark set meta mark | ${MASQUERADE}`];
const PROTOCOLS: Readonly<Record<string, string>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' };
const DEFAULT_AFFINITY_SECONDS = 10_800;

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** Builds a node's rules. Pure. */
export function buildRules(view: ProxyView): RuleSet {
  const builder = new Builder(view);
  for (const service of view.services) builder.addService(service);
  for (const published of view.hostPorts) builder.addHostPort(published);
  return builder;
}

class Builder implements RuleSet {
  readonly chains = new Map<string, string[]>();
  readonly vips: string[] = [];
  readonly nodePorts: string[] = [];
  readonly refused: string[] = [];
  readonly refusedNodePorts: string[] = [];
  readonly guarded: string[] = [];
  readonly affinities = new Map<string, number>();
  private readonly hairpinIps = new Set<string>();
  private readonly view: ProxyView;
  private readonly slicesByService = new Map<string, EndpointSlice[]>();

  constructor(view: ProxyView) {
    this.view = view;
    for (const slice of view.slices) {
      const key = `${slice.metadata.namespace}/${slice.metadata.labels?.[SERVICE_NAME_LABEL]}`;
      const list = this.slicesByService.get(key) ?? [];
      list.push(slice);
      this.slicesByService.set(key, list);
    }
  }

  get hairpins(): string[] {
    return [...this.hairpinIps].map((ip) => `${ip} . ${ip}`);
  }

  addService(service: Service): void {
    const clusterIp = service.spec?.clusterIP;
    if (!clusterIp || clusterIp === 'None' || clusterIp.includes(':')) return;
    for (const port of service.spec?.ports ?? []) this.addPort(service, port, clusterIp);
  }

  private addPort(service: Service, port: ServicePort, clusterIp: string): void {
    const { namespace, name } = service.metadata;
    const slices = this.slicesByService.get(`${namespace}/${name}`) ?? [];
    const all = backendsOf(service, port, slices, this.view.node);
    const inside = service.spec?.internalTrafficPolicy === 'Local' ? all.filter(({ isLocal }) => isLocal) : all;
    const key = hash(`${namespace}/${name}/${port.name ?? port.port}/${port.protocol ?? 'TCP'}`);
    const protocol = PROTOCOLS[port.protocol ?? 'TCP'] ?? 'tcp';
    this.addFrontends(
      [`${clusterIp} . ${protocol} . ${port.port}`],
      this.chain(service, `in-${key}`, inside, protocol, MASQUERADE_OUTSIDERS),
    );
    const balanced = balancedAddresses(service);
    const addresses = [...new Set([...(service.spec?.externalIPs ?? []), ...balanced])].filter(isIpv4);
    if (addresses.length === 0 && !port.nodePort) return;
    const external = this.external(service, key, all, protocol);
    const frontend = (ip: string): string => `${ip} . ${protocol} . ${port.port}`;
    this.addFrontends(addresses.map(frontend), external);
    this.guard(service, key, balanced.filter(isIpv4).map(frontend));
    if (!port.nodePort) return;
    const element = `${protocol} . ${port.nodePort}`;
    if (external === undefined) this.refusedNodePorts.push(`${element} : goto refuse`);
    else this.nodePorts.push(`${element} : goto ${external}`);
  }

  /**
   * The chain of a port's outside addresses. With policy Local, who comes from outside of the cluster meets this node's endpoints
   * under his own address, or nobody; the cluster's own pods and nodes meet all.
   */
  private external(service: Service, key: string, all: readonly Backend[], protocol: string): string | undefined {
    const name = `ex-${key}`;
    if (service.spec?.externalTrafficPolicy !== 'Local')
      return this.chain(service, name, all, protocol, MASQUERADE_OUTSIDERS);
    if (all.length === 0) return undefined;
    const local = all.filter(({ isLocal }) => isLocal);
    const own = `lo-${key}`;
    if (this.chain(service, own, local, protocol, []) === undefined) this.chains.set(own, ['drop']);
    const foreign = `iifname "${UPLINK}" ip saddr != { ${this.view.podCidrs.join(', ')} } goto ${own}`;
    return this.chain(service, name, all, protocol, [foreign, ...MASQUERADE_OUTSIDERS]);
  }

  /** Load balancer addresses let only the asked-for sources in, wherever they are entered. */
  private guard(service: Service, key: string, frontends: readonly string[]): void {
    const sources = (service.spec?.loadBalancerSourceRanges ?? []).map((range) => range.trim()).filter(isIpv4);
    if (sources.length === 0 || frontends.length === 0) return;
    const name = `fw-${key}`;
    this.chains.set(name, [`ip saddr { ${sources.join(', ')} } accept`, 'drop']);
    for (const frontend of frontends) this.guarded.push(`${frontend} : goto ${name}`);
  }

  private addFrontends(elements: readonly string[], chain: string | undefined): void {
    for (const element of elements)
      if (chain === undefined) this.refused.push(`${element} : goto refuse`);
      else this.vips.push(`${element} : goto ${chain}`);
  }

  /** Makes the chain that spreads connections over backends, after some rules of its own; undefined when there are none. */
  private chain(
    service: Service,
    name: string,
    backends: readonly Backend[],
    protocol: string,
    first: readonly string[],
  ): string | undefined {
    if (backends.length === 0) return undefined;
    for (const { ip, isLocal } of backends) if (isLocal) this.hairpinIps.add(ip);
    const isSticky = service.spec?.sessionAffinity === 'ClientIP';
    const seconds = service.spec?.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS;
    const spread = isSticky ? this.sticky(name, backends, protocol, seconds) : [dnat(backends, protocol)];
    this.chains.set(name, [...first, ...spread]);
    return name;
  }

  private sticky(chain: string, backends: readonly Backend[], protocol: string, seconds: number): string[] {
    const targets = backends.map((backend) => {
      const own = `be-${hash(`${chain}/${backend.ip}/${backend.port}`)}`;
      const set = `af-${own.slice(3)}`;
      this.affinities.set(set, seconds);
      this.chains.set(own, [`update @${set} { ip saddr timeout ${seconds}s }`, dnat([backend], protocol)]);
      return { own, set };
    });
    const known = targets.map(({ own, set }) => `ip saddr @${set} goto ${own}`);
    const map = targets.map(({ own }, index) => `${index} : goto ${own}`).join(', ');
    return [...known, `numgen random mod ${targets.length} vmap { ${map} }`];
  }

  addHostPort({ ip, port, hostPort, protocol }: HostPort): void {
    const proto = PROTOCOLS[protocol] ?? 'tcp';
    const name = `hp-${hash(`${proto}/${hostPort}`)}`;
    if (this.chains.has(name)) return;
    this.hairpinIps.add(ip);
    this.chains.set(name, [dnat([{ ip, port, isLocal: true }], proto)]);
    this.nodePorts.push(`${proto} . ${hostPort} : goto ${name}`);
  }
}

function dnat(backends: readonly Backend[], protocol: string): string {
  const [only] = backends;
  if (backends.length === 1 && only) return `meta l4proto ${protocol} dnat to ${only.ip}:${only.port}`;
  const map = backends.map(({ ip, port }, index) => `${index} : ${ip} . ${port}`).join(', ');
  return `meta l4proto ${protocol} dnat ip to numgen random mod ${backends.length} map { ${map} }`;
}

const balancedAddresses = ({ status }: Service): string[] =>
  (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) => (ip && ipMode !== 'Proxy' ? [ip] : []));

const isIpv4 = (address: string): boolean => !address.includes(':');
