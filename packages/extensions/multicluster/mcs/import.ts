import type { Condition } from '#api/kube';
import { LOCAL_CLUSTER } from '#model/federation';
import { keepTime, sameJson } from '../link/status.ts';
import { isFederated } from '../mirror/federated.ts';
import { MIRROR, memberOf } from '../mirror/names.ts';
import { foreignKeys, ownKeys, withForeignKeys } from '../mirror/ownership.ts';
import { type ObservedService, serviceKey } from '../mirror/service.ts';
import { readExports } from './facts.ts';
import { MCS_API_VERSION, type ServiceImport } from './kinds.ts';
import { type Resolved, resolveExports } from './resolve.ts';

/** What should happen to one ServiceImport. */
export type ImportChange =
  | { do: 'create' | 'update'; object: ServiceImport }
  | { do: 'status'; name: string; namespace: string; status: NonNullable<ServiceImport['status']> }
  | { do: 'delete'; name: string; namespace: string; resourceVersion: string };

/** A service that some clusters export: its federated Service and what they say of it together. */
export interface Exported {
  federated: ObservedService;
  resolved: Resolved;
}

/** All services that some cluster exports, by `namespace/name` of the exported Service. */
export function exportedServices(services: Iterable<ObservedService>): Map<string, Exported> {
  const found = new Map<string, Exported>();
  for (const federated of services) {
    const name = memberOf(federated.name);
    const resolved = name && isFederated(federated) && resolveExports(readExports(federated.annotations));
    if (resolved) found.set(serviceKey(federated.namespace, name), { federated, resolved });
  }
  return found;
}

export interface ImportScene {
  /** What this cluster is called among all. */
  clusterName: string;
  nowIso: string;
}

/** Keeps a ServiceImport for every exported service; those that somebody else made are left alone. */
export function reconcileImports(
  exported: ReadonlyMap<string, Exported>,
  existing: ReadonlyMap<string, ServiceImport>,
  scene: ImportScene,
): ImportChange[] {
  const changes: ImportChange[] = [];
  for (const [key, each] of exported) {
    const change = keepImport(key, each, existing.get(key), scene);
    if (change) changes.push(change);
  }
  for (const [key, { metadata }] of existing)
    if (isOurs(metadata) && !exported.has(key))
      changes.push({
        do: 'delete',
        name: metadata.name ?? '',
        namespace: metadata.namespace ?? '',
        resourceVersion: metadata.resourceVersion ?? '',
      });
  return changes;
}

const isOurs = ({ labels }: ServiceImport['metadata']): boolean => labels?.[MIRROR.mirroredService] === 'true';
/** Whether an import of this name is there that is not ours to change. */
export const isForeign = (existing: ServiceImport | undefined): boolean =>
  existing !== undefined && !isOurs(existing.metadata);

function keepImport(
  key: string,
  { federated, resolved }: Exported,
  existing: ServiceImport | undefined,
  scene: ImportScene,
): ImportChange | undefined {
  if (isForeign(existing)) return undefined;
  const { namespace } = federated;
  const name = key.slice(namespace.length + 1);
  const labels = { ...resolved.labels, [MIRROR.mirroredService]: 'true' };
  const { annotations } = resolved;
  const spec = specOf(federated, resolved);
  if (!existing) {
    const metadata = { name, namespace, labels, annotations };
    return { do: 'create', object: { apiVersion: MCS_API_VERSION, kind: 'ServiceImport', metadata, spec } };
  }
  const { metadata } = existing;
  const own = ownKeys(metadata);
  if (!sameJson([own.labels, own.annotations, existing.spec], [labels, annotations, spec])) {
    const keys = withForeignKeys(foreignKeys(metadata), { labels, annotations });
    return { do: 'update', object: { ...existing, metadata: { ...metadata, ...keys }, spec } };
  }
  const status = statusOf(federated, resolved, existing.status, scene);
  // A server whose definition is older drops what it does not know: that it is missing is no difference.
  const { endpointSliceObjects: _slices, ...standing } = existing.status ?? {};
  const { endpointSliceObjects: _present, ...wanted } = status;
  return sameJson(standing, wanted) ? undefined : { do: 'status', name, namespace, status };
}

function specOf(federated: ObservedService, { type, ports, traffic }: Resolved): NonNullable<ServiceImport['spec']> {
  const { clusterIPs, ipFamilies } = federated;
  const families = ipFamilies ?? clusterIPs?.map((ip) => (ip.includes(':') ? 'IPv6' : 'IPv4'));
  return {
    type,
    ports,
    ...(type === 'ClusterSetIP' && clusterIPs && { ips: clusterIPs }),
    ...(families && { ipFamilies: families }),
    sessionAffinity: 'None',
    internalTrafficPolicy: 'Cluster',
    ...traffic,
  };
}

function statusOf(
  federated: ObservedService,
  { type, clusters }: Resolved,
  current: ServiceImport['status'],
  { clusterName, nowIso }: ImportScene,
): NonNullable<ServiceImport['status']> {
  const ready = type === 'Headless' || federated.clusterIP !== undefined;
  const fresh: Condition = {
    lastTransitionTime: nowIso,
    message: ready ? '' : 'No address has been given out yet',
    reason: ready ? 'Ready' : 'Pending',
    status: ready ? 'True' : 'False',
    type: 'Ready',
  };
  const old = current?.conditions?.find((each) => each.type === fresh.type);
  return {
    clusters: clusters.map((cluster) => ({ cluster: cluster === LOCAL_CLUSTER ? clusterName : cluster })),
    conditions: [keepTime(fresh, old)],
    endpointSliceObjects: 'Present',
  };
}
