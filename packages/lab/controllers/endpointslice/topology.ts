import { isTrue, type Node, type Service, type SliceEndpoint } from '../../kinds/index.ts';
import { quantityNumber } from '../../schema/index.ts';

const ZONE_LABEL = 'topology.kubernetes.io/zone';
const MODE_ANNOTATIONS = ['service.kubernetes.io/topology-mode', 'service.kubernetes.io/topology-aware-hints'];
const CONTROL_PLANE_LABELS = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];
/** How much busier than even the endpoints of a zone may become. */
const OVERLOAD = 0.2;

/** The zone that a node's label names. */
export const zoneOfNode = (node: { metadata: Node['metadata'] } | undefined): string | undefined =>
  node?.metadata.labels?.[ZONE_LABEL];

/** Whether a Service asks for hints by the share of each zone in the cluster's CPUs. */
export const isTopologyAware = ({ metadata: { annotations } }: Service): boolean =>
  MODE_ANNOTATIONS.some((key) => /^auto$/i.test(annotations?.[key] ?? ''));

/** CPUs of ready nodes by zone; undefined when a node does not tell its zone, for then shares mean nothing. */
export function cpusByZone(nodes: readonly Node[]): Map<string, number> | undefined {
  const cpus = new Map<string, number>();
  for (const node of nodes) {
    if (CONTROL_PLANE_LABELS.some((key) => node.metadata.labels?.[key] !== undefined)) continue;
    if (!isTrue(node.status?.conditions, 'Ready')) continue;
    const zone = zoneOfNode(node);
    const amount = quantityNumber(node.status?.allocatable?.['cpu']);
    if (zone === undefined || !(amount > 0)) return undefined;
    cpus.set(zone, (cpus.get(zone) ?? 0) + amount);
  }
  return cpus;
}

/**
 * Endpoints with hints such that each zone gets endpoints by its share of CPUs: its own first, then some of zones that have too
 * many. Without hints when that cannot be done within the overload allowed: fewer than two zones, fewer endpoints than zones, an
 * endpoint without a zone.
 */
export function withZoneHints(
  endpoints: readonly SliceEndpoint[],
  cpus: ReadonlyMap<string, number> | undefined,
): SliceEndpoint[] {
  const ready = endpoints.filter((endpoint) => endpoint.conditions?.ready);
  const shares = cpus && allocate(ready.length, cpus);
  if (!shares || ready.some(({ zone }) => zone === undefined || !shares.has(zone))) return [...endpoints];
  const zones = redistribute(ready, shares);
  return endpoints.map((endpoint) => {
    const name = zones.get(endpoint);
    return name === undefined ? endpoint : { ...endpoint, hints: { forZones: [{ name }] } };
  });
}

interface Share {
  least: number;
  fair: number;
}

function allocate(count: number, cpus: ReadonlyMap<string, number>): Map<string, Share> | undefined {
  if (cpus.size < 2 || cpus.size > count) return undefined;
  const total = [...cpus.values()].reduce((sum, amount) => sum + amount, 0);
  const shares = new Map(
    [...cpus].map(([zone, amount]) => {
      const fair = (amount / total) * count;
      const least = Math.ceil(fair / (1 + OVERLOAD));
      return [zone, { least, fair: Math.max(fair, least) }] as const;
    }),
  );
  const needed = [...shares.values()].reduce((sum, { least }) => sum + least, 0);
  return needed > count ? undefined : shares;
}

function redistribute(ready: readonly SliceEndpoint[], shares: ReadonlyMap<string, Share>): Map<SliceEndpoint, string> {
  const zones = new Map(ready.map((endpoint) => [endpoint, endpoint.zone ?? ''] as const));
  const count = (zone: string): number => [...zones.values()].filter((each) => each === zone).length;
  const spare = ready.filter((endpoint) => count(endpoint.zone ?? '') > (shares.get(endpoint.zone ?? '')?.fair ?? 0));
  for (const [zone, { least }] of shares)
    for (const endpoint of spare) {
      if (count(zone) >= least) break;
      const giver = zones.get(endpoint) ?? '';
      if (giver !== zone && count(giver) - 1 >= (shares.get(giver)?.least ?? 0)) zones.set(endpoint, zone);
    }
  return zones;
}
