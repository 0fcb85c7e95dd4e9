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
  /** E.g. `10.96.0.0/16`: addresses in it that nobody uses are refused. */
  serviceCidr: string;
}

/** The rules of one node: chain bodies, map elements and sets, in nft's words. */
export interface RuleSet {
  chains: ReadonlyMap<string, readonly string[]>;
  vips: readonly string[];
  nodePorts: readonly string[];
  refused: readonly string[];
  refusedNodePorts: readonly string[];
  hairpins: readonly string[];
  /** Name -> lifetime of an entry in seconds. */
  affinities: ReadonlyMap<string, number>;
}

/** Set on packets whose source must become the node's, so that the answer comes back this way. */
const MASQUERADE = '0x4000';
/** The node's side of its cable to the lab. */
const UPLINK = 'eth0';
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
    const local = all.filter(({ isLocal }) => isLocal);
    const { internalTrafficPolicy, externalTrafficPolicy } = service.spec ?? {};
    const inside = internalTrafficPolicy === 'Local' ? local : all;
    const outside = externalTrafficPolicy === 'Local' ? local : all;
    const key = `${namespace}/${name}/${port.name ?? port.port}/${port.protocol ?? 'TCP'}`;
    const protocol = PROTOCOLS[port.protocol ?? 'TCP'] ?? 'tcp';
    this.addFrontends(
      [`${clusterIp} . ${protocol} . ${port.port}`],
      this.chain(service, `in-${hash(key)}`, inside, protocol, true),
    );
    const masquerades = externalTrafficPolicy !== 'Local';
    const addresses = externalAddresses(service);
    if (addresses.length === 0 && !port.nodePort) return;
    const external = this.chain(service, `ex-${hash(key)}`, outside, protocol, masquerades);
    this.addFrontends(
      addresses.map((ip) => `${ip} . ${protocol} . ${port.port}`),
      external,
    );
    if (!port.nodePort) return;
    const element = `${protocol} . ${port.nodePort}`;
    if (external === undefined) this.refusedNodePorts.push(`${element} : goto refuse`);
    else this.nodePorts.push(`${element} : goto ${external}`);
  }

  private addFrontends(elements: readonly string[], chain: string | undefined): void {
    for (const element of elements)
      if (chain === undefined) this.refused.push(`${element} : goto refuse`);
      else this.vips.push(`${element} : goto ${chain}`);
  }

  /** Makes the chain that spreads connections over backends; undefined when there are none. */
  private chain(
    service: Service,
    name: string,
    backends: readonly Backend[],
    protocol: string,
    masquerades: boolean,
  ): string | undefined {
    if (backends.length === 0) return undefined;
    for (const { ip, isLocal } of backends) if (isLocal) this.hairpinIps.add(ip);
    const mark = masquerades ? [`iifname "${UPLINK}" meta mark set meta mark | ${MASQUERADE}`] : [];
    const isSticky = service.spec?.sessionAffinity === 'ClientIP';
    const seconds = service.spec?.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS;
    const spread = isSticky ? this.sticky(name, backends, protocol, seconds) : [dnat(backends, protocol)];
    this.chains.set(name, [...mark, ...spread]);
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

function externalAddresses({ spec, status }: Service): string[] {
  const balanced = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  return [...new Set([...(spec?.externalIPs ?? []), ...balanced])].filter((ip) => !ip.includes(':'));
}

/** The table's name; nothing else lives in it. */
export const TABLE = 'lab-services';

/** The table's chains that do not depend on Services. */
function baseChains(serviceCidr: string): Map<string, readonly string[]> {
  const refuseUnknown = [
    'ct state new ip daddr . meta l4proto . th dport vmap @refused',
    `ct state new ip daddr ${serviceCidr} goto refuse`,
  ];
  return new Map([
    ['refuse', ['meta l4proto tcp reject with tcp reset', 'reject']],
    [
      'services',
      [
        'ip daddr . meta l4proto . th dport vmap @vips',
        'fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @nodeports',
      ],
    ],
    ['prerouting', ['type nat hook prerouting priority -100', 'jump services']],
    ['output', ['type nat hook output priority -100', 'jump services']],
    [
      'postrouting',
      [
        'type nat hook postrouting priority 100',
        `meta mark & ${MASQUERADE} == ${MASQUERADE} masquerade`,
        'ip saddr . ip daddr @hairpins masquerade',
      ],
    ],
    ['forward', ['type filter hook forward priority 0', ...refuseUnknown]],
    ['local-out', ['type filter hook output priority 0', ...refuseUnknown]],
    [
      'local-in',
      [
        'type filter hook input priority 0',
        'ct state new fib daddr type local meta l4proto . th dport vmap @refused-nodeports',
      ],
    ],
  ]);
}

const elements = (list: readonly string[]): string => (list.length === 0 ? '' : ` elements = { ${list.join(', ')} };`);

/**
 * The nft script that brings a node from earlier rules to these in one transaction. The table is never dropped, so that clients
 * stay with their backends, and connections under way are not touched.
 */
export function encodeRules(rules: RuleSet, options: { serviceCidr: string; before: RuleSet | undefined }): string {
  const chains = new Map([...baseChains(options.serviceCidr), ...rules.chains]);
  const verdictMap = (name: string, type: string, list: readonly string[]): string =>
    `  map ${name} { type ${type} : verdict;${elements(list)} }`;
  const lines = [`add table ip ${TABLE}`];
  if (options.before === undefined) lines.push(`delete table ip ${TABLE}`, `add table ip ${TABLE}`);
  else
    lines.push(
      `flush table ip ${TABLE}`,
      ...['vips', 'nodeports', 'refused', 'refused-nodeports'].map((name) => `flush map ip ${TABLE} ${name}`),
      `flush set ip ${TABLE} hairpins`,
    );
  lines.push(
    `table ip ${TABLE} {`,
    verdictMap('vips', 'ipv4_addr . inet_proto . inet_service', rules.vips),
    verdictMap('nodeports', 'inet_proto . inet_service', rules.nodePorts),
    verdictMap('refused', 'ipv4_addr . inet_proto . inet_service', rules.refused),
    verdictMap('refused-nodeports', 'inet_proto . inet_service', rules.refusedNodePorts),
    `  set hairpins { type ipv4_addr . ipv4_addr;${elements(rules.hairpins)} }`,
    ...[...rules.affinities].map(([name]) => `  set ${name} { type ipv4_addr; flags dynamic,timeout; }`),
    ...[...chains].map(([name, body]) => `  chain ${name} {\n${body.map((rule) => `    ${rule};\n`).join('')}  }`),
    '}',
  );
  for (const name of options.before?.chains.keys() ?? [])
    if (!rules.chains.has(name)) lines.push(`delete chain ip ${TABLE} ${name}`);
  for (const name of options.before?.affinities.keys() ?? [])
    if (!rules.affinities.has(name)) lines.push(`delete set ip ${TABLE} ${name}`);
  return `${lines.join('\n')}\n`;
}
