import type { AnyObject } from '#api/kube';
import { cause, type FieldCause, invalid } from '../errors.ts';
import type { HookContext, Strategy } from '../resource.ts';
import type { ServiceAddresses } from './service-addresses.ts';

interface ServiceSpec {
  type?: string;
  clusterIP?: string;
  clusterIPs?: string[];
  ipFamilies?: string[];
  ipFamilyPolicy?: string;
  externalTrafficPolicy?: string;
  internalTrafficPolicy?: string;
  healthCheckNodePort?: number;
  allocateLoadBalancerNodePorts?: boolean;
  loadBalancerClass?: string;
  externalName?: string;
  ports?: ServicePort[];
}
interface ServicePort {
  name?: string;
  port: number;
  protocol?: string;
  nodePort?: number;
}

function specOf(service: AnyObject): ServiceSpec {
  service['spec'] ??= {};
  return service['spec'] as ServiceSpec;
}
const hasNodePorts = ({ type, allocateLoadBalancerNodePorts = true }: ServiceSpec): boolean =>
  type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts);
/** A load balancer asks the nodes which of them have endpoints of their own. */
const hasHealthPort = ({ type, externalTrafficPolicy }: ServiceSpec): boolean =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
const isHeadless = ({ clusterIP }: ServiceSpec): boolean => clusterIP === 'None';

/** Services: cluster IPs and node ports are taken before the object is stored, and given back when it goes. */
export function serviceStrategy(addresses: ServiceAddresses): Strategy {
  return {
    initialStatus: () => ({ loadBalancer: {} }),
    returnsDeleted: true,
    prepareCreate: (service, context) => allocate(addresses, service, undefined, context),
    prepareUpdate: (service, old, context) => {
      const before = specOf(structuredClone(old));
      keepAllocations(specOf(service), before);
      keepBalancing(specOf(service), before);
      allocate(addresses, service, old, context);
    },
    validate: (service, old) => (old ? validateChange(specOf(service), (old['spec'] ?? {}) as ServiceSpec) : []),
    written: (service, old) => {
      const [now, before] = [taken(service), old && taken(old)];
      for (const ip of before?.ips ?? []) if (!now.ips.has(ip)) addresses.releaseIp(ip);
      for (const port of before?.ports ?? []) if (!now.ports.has(port)) addresses.releasePort(port);
    },
    released: (service) => {
      const { ips, ports } = taken(service);
      for (const ip of ips) addresses.releaseIp(ip);
      for (const port of ports) addresses.releasePort(port);
    },
  };
}

/** Marks what stored Services hold; once at start. */
export function recoverAddresses(addresses: ServiceAddresses, services: Iterable<AnyObject>): void {
  for (const service of services) {
    const { ips, ports } = taken(service);
    for (const ip of ips) addresses.takeIp(ip);
    for (const port of ports) addresses.takePort(port);
  }
}

function taken(service: AnyObject): { ips: Set<string>; ports: Set<number> } {
  const spec = (service['spec'] ?? {}) as ServiceSpec;
  const ips = spec.clusterIP && spec.clusterIP !== 'None' ? [spec.clusterIP] : [];
  const ports = (spec.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [nodePort] : []));
  const health = spec.healthCheckNodePort ? [spec.healthCheckNodePort] : [];
  return { ips: new Set(ips), ports: new Set([...ports, ...health]) };
}

/** What a client may leave out of an update: addresses stay as they were. */
function keepAllocations(spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.type === 'ExternalName') {
    delete spec.clusterIP;
    delete spec.clusterIPs;
    delete spec.ipFamilies;
    delete spec.ipFamilyPolicy;
    return;
  }
  if (!spec.clusterIP && old.clusterIP) {
    spec.clusterIP = old.clusterIP;
    if (old.clusterIPs) spec.clusterIPs = [...old.clusterIPs];
  }
  if (!spec.ipFamilies && old.ipFamilies) spec.ipFamilies = [...old.ipFamilies];
  if (!hasNodePorts(spec)) {
    stripNodePorts(spec, old);
    return;
  }
  for (const port of spec.ports ?? []) port.nodePort ||= oldNodePort(port, old, spec) as number;
  for (const port of spec.ports ?? []) if (!port.nodePort) delete port.nodePort;
}

/** The port of health checks stays as it was; what only came along from the former type goes. */
function keepBalancing(spec: ServiceSpec, old: ServiceSpec): void {
  if (hasHealthPort(spec)) {
    if (!spec.healthCheckNodePort && old.healthCheckNodePort) spec.healthCheckNodePort = old.healthCheckNodePort;
  } else if (spec.healthCheckNodePort === old.healthCheckNodePort) delete spec.healthCheckNodePort;
  if (spec.type !== 'LoadBalancer' && spec.loadBalancerClass === old.loadBalancerClass) delete spec.loadBalancerClass;
}

/** Node ports that only came along from the former type go; ones newly asked for stay and fail validation. */
function stripNodePorts(spec: ServiceSpec, old: ServiceSpec): void {
  for (const port of spec.ports ?? []) {
    const same = (old.ports ?? []).some(({ nodePort }) => nodePort !== undefined && nodePort === port.nodePort);
    if (same) delete port.nodePort;
  }
}

function oldNodePort(port: ServicePort, old: ServiceSpec, spec: ServiceSpec): number | undefined {
  const found = (old.ports ?? []).find((other) => other.port === port.port && other.protocol === port.protocol);
  const claimed = (spec.ports ?? []).some(({ nodePort }) => nodePort === found?.nodePort);
  return claimed ? undefined : found?.nodePort;
}

function allocate(
  addresses: ServiceAddresses,
  service: AnyObject,
  old: AnyObject | undefined,
  context: HookContext,
): void {
  const spec = specOf(service);
  const held = old ? taken(old) : { ips: new Set<string>(), ports: new Set<number>() };
  spec.type ??= 'ClusterIP';
  if (spec.type === 'ExternalName') return;
  const refuse = (found: FieldCause) => invalid('', 'Service', service.metadata.name ?? '', [found]);
  if (!spec.clusterIP && spec.clusterIPs?.[0]) spec.clusterIP = spec.clusterIPs[0];
  if (!isHeadless(spec)) spec.clusterIP = takeClusterIp(addresses, spec, held.ips, refuse, context);
  spec.clusterIPs = [spec.clusterIP ?? 'None'];
  spec.ipFamilies ??= ['IPv4'];
  spec.ipFamilyPolicy ??= 'SingleStack';
  spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') spec.externalTrafficPolicy ??= 'Cluster';
  else delete spec.externalTrafficPolicy;
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
  if (hasNodePorts(spec)) takeNodePorts(addresses, spec, held.ports, refuse, context);
  if (hasHealthPort(spec)) takeHealthPort(addresses, spec, held.ports, refuse, context);
}

type Refuse = (found: FieldCause) => Error;

function takeClusterIp(
  addresses: ServiceAddresses,
  spec: ServiceSpec,
  held: ReadonlySet<string>,
  refuse: Refuse,
  context: HookContext,
): string {
  const asked = spec.clusterIP;
  if (asked && held.has(asked)) return asked;
  if (!asked) {
    const ip = addresses.nextIp();
    if (!ip) throw refuse(cause.invalid('spec.clusterIPs', spec.clusterIPs, 'failed to allocate IP: range is full'));
    context.onAbandon(() => addresses.releaseIp(ip));
    return ip;
  }
  const failed = (why: string) =>
    refuse(cause.invalid('spec.clusterIPs', [asked], `failed to allocate IP ${asked}: ${why}`));
  if (!addresses.holdsIp(asked))
    throw failed(`the provided IP (${asked}) is not in the valid range. The range of valid IPs is ${addresses.cidr}`);
  if (!addresses.takeIp(asked)) throw failed('provided IP is already allocated');
  context.onAbandon(() => addresses.releaseIp(asked));
  return asked;
}

function takeNodePorts(
  addresses: ServiceAddresses,
  spec: ServiceSpec,
  held: ReadonlySet<number>,
  refuse: Refuse,
  context: HookContext,
): void {
  const own = new Map<string, number>();
  (spec.ports ?? []).forEach((port, at) => {
    const { nodePort } = port;
    const field = `spec.ports[${at}].nodePort`;
    const shared = [...own].some(([key, other]) => other === nodePort && !key.startsWith(`${port.protocol}/`));
    if (nodePort && (held.has(nodePort) || shared)) {
      own.set(`${port.protocol}/${at}`, nodePort);
      return;
    }
    port.nodePort = takePort(addresses, { asked: nodePort, field }, refuse, context);
    own.set(`${port.protocol}/${at}`, port.nodePort);
  });
}

function takeHealthPort(
  addresses: ServiceAddresses,
  spec: ServiceSpec,
  held: ReadonlySet<number>,
  refuse: Refuse,
  context: HookContext,
): void {
  const asked = spec.healthCheckNodePort;
  if (asked && held.has(asked)) return;
  spec.healthCheckNodePort = takePort(addresses, { asked, field: 'spec.healthCheckNodePort' }, refuse, context);
}

/** The asked-for port, or the next free one. */
function takePort(
  addresses: ServiceAddresses,
  { asked, field }: { asked: number | undefined; field: string },
  refuse: Refuse,
  context: HookContext,
): number {
  if (asked && !addresses.holdsPort(asked))
    throw refuse(
      cause.invalid(
        field,
        asked,
        `provided port is not in the valid range. The range of valid ports is ${addresses.portRange}`,
      ),
    );
  if (asked && !addresses.takePort(asked))
    throw refuse(cause.invalid(field, asked, 'provided port is already allocated'));
  const found = asked || addresses.nextPort();
  if (!found) throw refuse(cause.invalid(field, 0, 'failed to allocate a nodePort: range is full'));
  context.onAbandon(() => addresses.releasePort(found));
  return found;
}

const IMMUTABLE = 'field is immutable';

function validateChange(spec: ServiceSpec, old: ServiceSpec): FieldCause[] {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return [];
  const causes: FieldCause[] = [];
  if (old.clusterIP && spec.clusterIP !== old.clusterIP)
    causes.push(cause.invalid('spec.clusterIPs[0]', [spec.clusterIP], 'may not change once set'));
  if (spec.type !== 'LoadBalancer' || old.type !== 'LoadBalancer') return causes;
  if (spec.loadBalancerClass !== old.loadBalancerClass)
    causes.push(cause.invalid('spec.loadBalancerClass', spec.loadBalancerClass ?? null, IMMUTABLE));
  if (hasHealthPort(spec) && hasHealthPort(old) && spec.healthCheckNodePort !== old.healthCheckNodePort)
    causes.push(cause.invalid('spec.healthCheckNodePort', spec.healthCheckNodePort, IMMUTABLE));
  return causes;
}
