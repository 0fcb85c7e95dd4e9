import type { LabelSelector } from '#api/kube';
import { selects } from '../link/index.ts';
import type { ObservedExport } from '../mcs/facts.ts';
import { isFederated, joinFederated, leaveFederated } from './federated.ts';
import { isMirrorOf } from './keep.ts';
import { federatedName, MIRROR, readMembers } from './names.ts';
import type { LocalView } from './reconcile.ts';
import { type Change, type ObservedService, serviceKey } from './service.ts';

export interface LocalSettings {
  federatedServiceSelector: LabelSelector;
  excludedLabels: readonly string[];
  excludedAnnotations: readonly string[];
}

/**
 * What the local cluster's own members change, and the clearing away after Links that are gone: their mirrors, and their
 * members of federated services. `exports`: own ServiceExports by `namespace/name`. `linkedClusters` undefined: Links are not known yet, so nothing is cleared.
 */
export function reconcileLocal(
  settings: LocalSettings,
  local: LocalView,
  linkedClusters: ReadonlySet<string> | undefined,
  exports: ReadonlyMap<string, ObservedExport> = new Map(),
): Change[] {
  const changes: Change[] = [];
  const joined = new Set<string>();
  const touched = new Set<string>();
  for (const { outcome, change } of localMembers(settings, local, exports)) {
    joined.add(serviceKey(outcome.namespace, outcome.name));
    if (!change) continue;
    changes.push(change);
    if (change.do !== 'delete') touched.add(serviceKey(outcome.namespace, change.service.metadata.name ?? ''));
  }
  for (const service of local.services.values()) {
    // One change to an object at a time: the next round sees what the first one made of it.
    if (touched.has(serviceKey(service.namespace, service.name))) continue;
    const change = leftMember(service, joined) ?? (linkedClusters && orphan(service, linkedClusters));
    if (change) changes.push(change);
  }
  return changes;
}

/** What becomes of every Service of the cluster that a selector or an export makes a member, and what that changes. */
export function* localMembers(
  settings: LocalSettings,
  local: Pick<LocalView, 'services' | 'namespaces'>,
  exports: ReadonlyMap<string, ObservedExport>,
): Generator<ReturnType<typeof joinFederated>> {
  const joiner = { ...settings, cluster: '', linkedAt: new Map<string, string>() };
  for (const service of local.services.values()) {
    if (service.labels[MIRROR.mirroredService] !== undefined) continue;
    const exported = exports.get(serviceKey(service.namespace, service.name));
    if (!exported && !selects(settings.federatedServiceSelector, service.labels)) continue;
    const existing = local.services.get(serviceKey(service.namespace, federatedName(service.name)));
    yield joinFederated(service, joiner, local, existing, exported);
  }
}

function leftMember(service: ObservedService, joined: ReadonlySet<string>): Change | undefined {
  if (!isFederated(service)) return undefined;
  const member = readMembers(service.annotations).local;
  if (member === undefined || joined.has(serviceKey(service.namespace, member))) return undefined;
  return leaveFederated(service, member, '');
}

function orphan(service: ObservedService, linkedClusters: ReadonlySet<string>): Change | undefined {
  const { name, namespace, resourceVersion, labels, annotations } = service;
  const cluster = labels[MIRROR.clusterName];
  if (cluster !== undefined && isMirrorOf(service, cluster))
    return linkedClusters.has(cluster) ? undefined : { do: 'delete', name, namespace, resourceVersion };
  if (!isFederated(service)) return undefined;
  const gone = readMembers(annotations).remote.find((entry) => !linkedClusters.has(entry.cluster));
  return gone && leaveFederated(service, gone.service, gone.cluster);
}
