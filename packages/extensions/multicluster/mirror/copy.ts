import { CLUSTER_ANNOTATIONS } from '#model/annotations';
import { isExportKey } from '../mcs/facts.ts';
import { MIRROR } from './names.ts';
import { isPortsKey } from './ports.ts';

/** What a mirror takes over from its original. */

/** Annotations that speak about the original's cluster, or about whoever applied it. */
const NEVER_COPIED = new Set([
  'service.kubernetes.io/topology-aware-hints',
  'service.kubernetes.io/topology-mode',
  'kubectl.kubernetes.io/last-applied-configuration',
]);
const ALWAYS_COPIED = 'config.linkerd.io/opaque-ports';

/** All labels but the mesh's own about mirroring (the loop guard) and the excluded ones, plus the mark of a mirror. */
export function copyLabels(labels: Record<string, string>, excluded: readonly string[]): Record<string, string> {
  const copied = Object.entries(labels).filter(
    ([key]) => !key.startsWith('mirror.linkerd.io') && !isExcluded(key, excluded),
  );
  return { ...Object.fromEntries(copied), [MIRROR.mirroredService]: 'true' };
}

export function copyAnnotations(
  annotations: Record<string, string>,
  excluded: readonly string[],
): Record<string, string> {
  const copied = Object.entries(annotations).filter(
    ([key]) =>
      key === ALWAYS_COPIED ||
      !(
        NEVER_COPIED.has(key) ||
        DISCOVERY.has(key) ||
        isPortsKey(key) ||
        isExportKey(key) ||
        isExcluded(key, excluded)
      ),
  );
  return Object.fromEntries(copied);
}

/**
 * The annotations of a federated service that follows this member. How its clusters share the traffic may be said on the member, which
 * then rules, or on the federated service itself, where it stays; which it was stands in an annotation of its own.
 */
export function federatedAnnotations(
  member: Record<string, string>,
  existing: Record<string, string>,
  excluded: readonly string[],
): Record<string, string> {
  const copied = copyAnnotations(member, excluded);
  const fromMember = CLUSTER_ANNOTATIONS.filter((key) => copied[key] !== undefined);
  const before = new Set(existing[MIRROR.fromMember]?.split(','));
  const own = CLUSTER_ANNOTATIONS.filter((key) => existing[key] !== undefined && !before.has(key));
  return {
    ...Object.fromEntries(own.map((key) => [key, existing[key] ?? ''])),
    ...copied,
    ...(fromMember.length > 0 && { [MIRROR.fromMember]: fromMember.join() }),
  };
}

/** Ours to write; an original that carries them would make members up. */
const DISCOVERY = new Set<string>([
  MIRROR.remoteDiscovery,
  MIRROR.localDiscovery,
  MIRROR.fqName,
  MIRROR.resourceVersion,
  MIRROR.fromMember,
]);

/** An exact key, or `group/*` for all keys of a group. */
const isExcluded = (key: string, excluded: readonly string[]): boolean =>
  excluded.some((pattern) => (pattern.endsWith('/*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern));
