/** What outbound routes are attached to: a port of a Service, or an address outside the cluster under an EgressNetwork. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { destination, encodeTcpAddress, type Feature, meta, type outbound } from '#api/mesh';
import { serviceFqdn } from '#model/names';
import type { ParentRef } from '../routes/index.ts';
import { durationOf, readLoad, readLoadBand, type Warn } from './annotations.ts';

export type BackendInit = MessageInitShape<typeof outbound.BackendSchema>;

/** One parent as one proxy asks about it. */
export interface OutboundParent {
  kind: 'service' | 'egressnetwork';
  namespace: string;
  name: string;
  port: number;
  annotations: Readonly<Record<string, string>>;
  metadata: meta.Metadata;
  /** Itself, where requests go that no route sends elsewhere. */
  backend: BackendInit;
}

/** What waits for a backend at most, and how long. */
export const QUEUE = { capacity: 100, failfastTimeout: durationOf(3000) };

/** A name for what no object stands for. */
export const named = (name: string): meta.Metadata =>
  create(meta.MetadataSchema, { kind: { case: 'default', value: name } });

/** A name for an object; core's group is spelled out here. */
export function resource(
  group: 'core' | 'policy.linkerd.io',
  kind: string,
  { namespace, name, port }: { namespace: string; name: string; port: number },
): meta.Metadata {
  return create(meta.MetadataSchema, { kind: { case: 'resource', value: { group, kind, namespace, name, port } } });
}

/** How the endpoints of a Service are found and compared; the parent's annotations decide for all backends of its routes. */
export interface Balancing {
  clusterDomain: string;
  annotations: Readonly<Record<string, string>>;
  features: ReadonlySet<Feature>;
  warn: Warn;
}

/** A Service's port as a backend. */
export function serviceBackend(
  service: { namespace: string; name: string; port: number },
  { clusterDomain, annotations, features, warn }: Balancing,
): BackendInit {
  const band = features.has('zone-preference') ? readLoadBand(annotations, warn) : undefined;
  return {
    metadata: resource('core', 'Service', service),
    queue: QUEUE,
    kind: {
      case: 'balancer',
      value: {
        discovery: { kind: { case: 'dst', value: { path: `${serviceFqdn(service, clusterDomain)}:${service.port}` } } },
        load: readLoad(annotations, warn),
        ...(band && { zonePreference: band }),
      },
    },
  };
}

/** The address that was dialled. Undefined when `ip` is no address. */
export function forwardBackend(metadata: meta.Metadata, ip: string, port: number): BackendInit | undefined {
  const addr = encodeTcpAddress(ip, port);
  if (!addr) return undefined;
  const endpoint = create(destination.WeightedAddrSchema, { addr, weight: 1 });
  return { metadata, queue: QUEUE, kind: { case: 'forward', value: endpoint } };
}

/** Whether a route's reference is to this port of the parent. */
export function isAt(parent: Pick<OutboundParent, 'kind' | 'port'>, ref: ParentRef): boolean {
  return ref.port === undefined ? parent.kind === 'service' : ref.port === parent.port;
}
