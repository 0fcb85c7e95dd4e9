/** Which endpoints a Service has among the workloads outside the cluster. Pure. */
import type { DiscoveryEndpointPort, Endpoint } from '#api/kube';
import { isDnsLabel, LABELS } from '#model/names';
import { type AddressType, MANAGED_BY, type SelectingService, type Workload } from './records.ts';

/** Endpoints of one family that share their ports; they may stand in one slice. */
export interface DesiredGroup {
  addressType: AddressType;
  ports: readonly DiscoveryEndpointPort[];
  endpoints: readonly Endpoint[];
}

/**
 * The endpoints that a Service should have, of the workloads that its selector matches. A workload that has none of the Service's
 * ports is left out.
 */
export function desiredGroups(service: SelectingService, workloads: readonly Workload[]): DesiredGroup[] {
  const families: readonly AddressType[] = service.families.length > 0 ? service.families : ['IPv4', 'IPv6'];
  const groups = new Map<string, { addressType: AddressType; ports: DiscoveryEndpointPort[]; endpoints: Endpoint[] }>();
  // In the order of names, so that the same workloads make the same slices.
  for (const workload of workloads.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const ports = portsOf(service, workload);
    if (ports.length === 0 && service.ports.length > 0) continue;
    for (const addressType of families) {
      const ip = workload.ips.find((each) => each.includes(':') === (addressType === 'IPv6'));
      if (ip === undefined) continue;
      const key = groupKey({ addressType, ports });
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
      groups.set(key, group);
      group.endpoints.push(endpointOf(service, workload, ip));
    }
  }
  return [...groups.values()];
}

/** Equal for slices whose endpoints may stand in one. */
export function groupKey({ addressType, ports }: Pick<DesiredGroup, 'addressType' | 'ports'>): string {
  const flat = ports.map(({ name = '', protocol = '', port = 0, appProtocol = '' }) => [
    name,
    protocol,
    port,
    appProtocol,
  ]);
  return JSON.stringify([addressType, ...flat]);
}

function portsOf(service: SelectingService, workload: Workload): DiscoveryEndpointPort[] {
  return service.ports.flatMap(({ name, protocol, appProtocol, target }) => {
    const found = workload.ports.find(
      (port) => port.protocol === protocol && (typeof target === 'number' ? port.port : port.name) === target,
    );
    return found ? { name, port: found.port, protocol, ...(appProtocol !== undefined && { appProtocol }) } : [];
  });
}

function endpointOf(service: SelectingService, workload: Workload, ip: string): Endpoint {
  const { namespace, name, uid, ready, zone } = workload;
  return {
    addresses: [ip],
    conditions: { ready, serving: ready, terminating: false },
    ...(service.headless && isDnsLabel(name) && { hostname: name }),
    targetRef: { kind: 'ExternalWorkload', namespace, name, uid },
    ...(zone && { zone }),
  };
}

/** Labels that Kubernetes and we give slices; a Service's own labels of these names do not reach them. */
const HEADLESS = 'service.kubernetes.io/headless';
const RESERVED = new Set<string>([MANAGED_BY.label, LABELS.serviceName, HEADLESS]);

/** The labels of a Service's slices. */
export function sliceLabels(service: SelectingService): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(service.labels).filter(([key]) => !RESERVED.has(key))),
    [LABELS.serviceName]: service.name,
    [MANAGED_BY.label]: MANAGED_BY.value,
    ...(service.headless && { [HEADLESS]: '' }),
  };
}
