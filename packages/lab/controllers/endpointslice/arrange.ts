import type { EndpointSlice, SliceEndpoint, SlicePort } from '../../kinds/index.ts';
import { canonicalJson } from '../hash.ts';

/** Endpoints that share one list of ports. */
export interface PortGroup {
  ports: SlicePort[];
  endpoints: SliceEndpoint[];
}

/** A slice as it shall be: an existing one with new contents, or a new one. */
export interface ArrangedSlice {
  slice: EndpointSlice | undefined;
  ports: SlicePort[];
  endpoints: SliceEndpoint[];
}

export interface Arranged {
  kept: ArrangedSlice[];
  removed: EndpointSlice[];
}

const identity = (endpoint: SliceEndpoint): string => `${endpoint.targetRef?.uid ?? ''} ${endpoint.addresses.join()}`;
const portsKey = (ports: readonly SlicePort[] | undefined): string => canonicalJson(ports ?? []);

/**
 * Spreads endpoints over slices of at most `sizeMax`, changing as few existing slices as it can: endpoints stay where they are,
 * new ones fill slices that change anyway, then others with room, then new slices. Slices left empty go; but one is kept as a
 * sign that the Service was seen.
 */
export function arrange(existing: readonly EndpointSlice[], groups: readonly PortGroup[], sizeMax: number): Arranged {
  const byPorts = Map.groupBy(existing, (slice) => portsKey(slice.ports));
  const wanted = new Set(groups.map((group) => portsKey(group.ports)));
  const arranged = groups.map((group) => arrangeGroup(byPorts.get(portsKey(group.ports)) ?? [], group, sizeMax));
  const kept = arranged.flatMap((each) => each.kept);
  const removed = [
    ...arranged.flatMap((each) => each.removed),
    ...existing.filter((slice) => !wanted.has(portsKey(slice.ports))),
  ];
  if (kept.length > 0) return { kept, removed };
  const [placeholder, ...rest] = [...removed].sort(byName);
  return { kept: [{ slice: placeholder, ports: [], endpoints: [] }], removed: rest };
}

function arrangeGroup(existing: readonly EndpointSlice[], group: PortGroup, sizeMax: number): Arranged {
  const missing = new Map(group.endpoints.map((endpoint) => [identity(endpoint), endpoint]));
  const slices = [...existing].sort(byName).map((slice) => {
    const endpoints = slice.endpoints.flatMap((old) => {
      const endpoint = missing.get(identity(old));
      missing.delete(identity(old));
      return endpoint ? [endpoint] : [];
    });
    return {
      slice,
      ports: group.ports,
      endpoints,
      changed: canonicalJson(endpoints) !== canonicalJson(slice.endpoints),
    };
  });
  const queue = [...missing.values()];
  for (const each of [...slices].sort((a, b) => Number(b.changed) - Number(a.changed)))
    each.endpoints.push(...queue.splice(0, sizeMax - each.endpoints.length));
  const fresh: ArrangedSlice[] = [];
  while (queue.length > 0) fresh.push({ slice: undefined, ports: group.ports, endpoints: queue.splice(0, sizeMax) });
  return {
    kept: [
      ...slices.filter((each) => each.endpoints.length > 0).map(({ changed: _changed, ...each }) => each),
      ...fresh,
    ],
    removed: slices.filter((each) => each.endpoints.length === 0).map((each) => each.slice),
  };
}

const byName = (a: EndpointSlice, b: EndpointSlice): number =>
  (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;

/** Groups endpoints by their ports. Order of first appearance. */
export function groupByPorts(rows: readonly { ports: SlicePort[]; endpoint: SliceEndpoint }[]): PortGroup[] {
  const groups = Map.groupBy(rows, ({ ports }) => portsKey(ports));
  return [...groups.values()].map((same) => ({
    ports: same[0]?.ports ?? [],
    endpoints: same.map(({ endpoint }) => endpoint),
  }));
}
