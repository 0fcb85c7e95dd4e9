/** How much inbound policy holds, as metrics. */
import type { Gauge } from '#runtime/metrics';
import type { ControlMetrics } from '../../process/index.ts';
import type { RouteRecord, Routes } from '../routes/index.ts';
import type { InboundKind, InboundView } from './view.ts';

type Kind = InboundKind | 'http_route' | 'grpc_route';
type Family = `inbound_index_${Kind}_index_size`;

interface Count {
  family: Family;
  namespace: string;
  size: number;
}

/** Sets `inbound_index_<kind>_index_size{namespace}` whenever metrics are collected. */
export function measureInbound(view: InboundView, routes: Pick<Routes, 'all'>, metrics: ControlMetrics): void {
  const held = new Map<string, { gauge: Gauge; family: Family; namespace: string }>();
  metrics.onCollect(() => {
    const gone = new Set(held.keys());
    for (const { family, namespace, size } of counts(view, routes)) {
      const key = `${family} ${namespace}`;
      const cell = held.get(key) ?? { gauge: metrics.gauge(family, { namespace }), family, namespace };
      cell.gauge.set(size);
      held.set(key, cell);
      gone.delete(key);
    }
    for (const key of gone) {
      const cell = held.get(key);
      held.delete(key);
      cell?.gauge.set(0);
      if (cell) metrics.release(cell.family, { namespace: cell.namespace });
    }
  });
}

function* counts(view: InboundView, routes: Pick<Routes, 'all'>): Iterable<Count> {
  for (const { kind, namespace, size } of view.sizes()) yield { family: familyOf(kind), namespace, size };
  const sizes = { http: new Map<string, number>(), grpc: new Map<string, number>() };
  for (const route of routes.all()) {
    if ((route.type !== 'http' && route.type !== 'grpc') || !isInbound(route)) continue;
    const { namespace, type } = route;
    sizes[type].set(namespace, (sizes[type].get(namespace) ?? 0) + 1);
  }
  for (const [namespace, size] of sizes.http) yield { family: familyOf('http_route'), namespace, size };
  for (const [namespace, size] of sizes.grpc) yield { family: familyOf('grpc_route'), namespace, size };
}

const familyOf = (kind: Kind): Family => `inbound_index_${kind}_index_size`;

const isInbound = ({ parents }: RouteRecord): boolean =>
  parents.some(({ group, kind }) => group === 'policy.linkerd.io' && kind === 'server');
