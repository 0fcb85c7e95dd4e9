import { quantityNumber } from '../schema/index.ts';
import type { BoundPod } from './types.ts';

/** What a pod knows of its place before its containers start. */
export interface PodPlace {
  podIp: string;
  nodeIp: string;
  /** cpu in cores, memory and ephemeral-storage in bytes: the default of unset limits. */
  nodeAllocatable: Readonly<Record<string, number>>;
}

const SUBSCRIPT = /^metadata\.(labels|annotations)\['(.*)'\]$/;

/** `k="v"` lines, sorted, values quoted as Go does: what volumes show of labels and annotations. */
const formatMap = (map: Record<string, string> = {}): string =>
  Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join('\n');

const FIELDS: Readonly<Record<string, (pod: BoundPod, place: PodPlace) => string>> = {
  'metadata.name': (pod) => pod.metadata.name ?? '',
  'metadata.namespace': (pod) => pod.metadata.namespace ?? '',
  'metadata.uid': (pod) => pod.metadata.uid ?? '',
  'metadata.labels': (pod) => formatMap(pod.metadata.labels),
  'metadata.annotations': (pod) => formatMap(pod.metadata.annotations),
  'spec.nodeName': (pod) => pod.spec.nodeName ?? '',
  'spec.serviceAccountName': (pod) => pod.spec.serviceAccountName ?? '',
  'status.podIP': (_pod, place) => place.podIp,
  'status.podIPs': (_pod, place) => place.podIp,
  'status.hostIP': (_pod, place) => place.nodeIp,
  'status.hostIPs': (_pod, place) => place.nodeIp,
};

/** The value of a `fieldRef`; undefined when the path is not one that Kubernetes knows. */
export function fieldValue(pod: BoundPod, path: string, place: PodPlace): string | undefined {
  const subscript = SUBSCRIPT.exec(path);
  if (subscript) {
    const map = subscript[1] === 'labels' ? pod.metadata.labels : pod.metadata.annotations;
    return map?.[subscript[2] ?? ''] ?? '';
  }
  return FIELDS[path]?.(pod, place);
}

/** The value of a `resourceFieldRef`, in units of the divisor, rounded up. Unset limits are what the node can give. */
export function resourceValue(
  container: { resources?: { limits?: Record<string, unknown>; requests?: Record<string, unknown> } } | undefined,
  reference: { resource: string; divisor?: unknown },
  place: PodPlace,
): string {
  const [list, name = ''] = reference.resource.split('.') as [string, string?];
  const limits = container?.resources?.limits ?? {};
  const own = list === 'limits' ? limits[name] : (container?.resources?.requests?.[name] ?? 0);
  const value = own === undefined ? (place.nodeAllocatable[name] ?? 0) : quantityNumber(own as string | number);
  const divisor = quantityNumber((reference.divisor as string | number | undefined) ?? '1') || 1;
  return String(Math.ceil(value / divisor - 1e-9));
}
