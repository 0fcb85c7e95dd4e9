import type { EndpointSlice, Service } from '#api/kube';
import { ipBatch } from '#net/routes';
import { backendsOf, type ProxyNode, SERVICE_NAME_LABEL } from './endpoints.ts';

/** A node as the lab's root reaches it. */
export interface RoutedNode extends ProxyNode {
  /** The root's end of its cable. */
  cable: string;
}

/** Marks our routes in the root's table. */
const ROUTE_PROTOCOL = 99;

/**
 * Which nodes a load balancer address leads to: with policy Local those that have endpoints of their own, as health checks would
 * tell a load balancer. Addresses that are absent go where their whole range goes. Pure.
 */
export function balancerRoutes(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  nodes: readonly RoutedNode[],
): Map<string, RoutedNode[]> {
  const routes = new Map<string, RoutedNode[]>();
  for (const service of services) {
    const { spec, status, metadata } = service;
    const addresses = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
    if (spec?.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local' || addresses.length === 0) continue;
    const own = slices.filter(
      (slice) =>
        slice.metadata.namespace === metadata.namespace &&
        slice.metadata.labels?.[SERVICE_NAME_LABEL] === metadata.name,
    );
    const hasLocal = (node: RoutedNode): boolean =>
      (spec.ports ?? []).some((port) => backendsOf(service, port, own, node).some(({ isLocal }) => isLocal));
    const local = nodes.filter(hasLocal);
    // One client shall stay with one endpoint, so all connections take the same way.
    const used = spec.sessionAffinity === 'ClientIP' ? local.slice(0, 1) : local;
    if (used.length > 0) for (const ip of addresses) routes.set(ip, used);
  }
  return routes;
}

/** Keeps the routes of one cluster's load balancer addresses in the lab's root. */
export class BalancerRoutes {
  private readonly options: { netPath: string; cidr: string; rootAddress: string };
  private readonly run: typeof ipBatch;
  private applied: ReadonlyMap<string, string> | undefined;

  /** `cidr`: the cluster's range of such addresses; `rootAddress`: what the root itself speaks from. */
  constructor(options: { netPath: string; cidr: string; rootAddress: string }, run: typeof ipBatch = ipBatch) {
    this.options = options;
    this.run = run;
  }

  async apply(wanted: ReadonlyMap<string, readonly RoutedNode[]>): Promise<void> {
    const { netPath, cidr, rootAddress } = this.options;
    const now = new Map([...wanted].map(([ip, nodes]) => [ip, hops(nodes)]));
    const before = this.applied ?? new Map<string, string>();
    const stale = [...before.keys()].filter((ip) => !now.has(ip));
    const lines = [
      // Those of an earlier process of this cluster.
      ...(this.applied ? [] : [`route flush root ${cidr} proto ${ROUTE_PROTOCOL}`]),
      ...stale.map((ip) => `route del ${ip}/32 proto ${ROUTE_PROTOCOL}`),
      ...[...now]
        .filter(([ip, way]) => before.get(ip) !== way)
        .map(([ip, way]) => `route replace ${ip}/32 proto ${ROUTE_PROTOCOL} src ${rootAddress} ${way}`),
    ];
    if (lines.length === 0) return;
    // Whatever stands if it fails, the next attempt begins anew.
    this.applied = undefined;
    await this.run(lines, { netPath });
    this.applied = now;
  }
}

const hops = (nodes: readonly RoutedNode[]): string =>
  nodes.map(({ ip, cable }) => `nexthop via ${ip} dev ${cable} onlink`).join(' ');
