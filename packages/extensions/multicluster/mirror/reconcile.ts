import { type Link, type MirrorOutcome, selects } from '../link/index.ts';
import { isFederated, joinFederated, leaveFederated } from './federated.ts';
import { isMirrorOf, reconcileFlat } from './flat.ts';
import { MIRROR, readMembers } from './names.ts';
import { type Change, type ObservedService, serviceKey } from './service.ts';

/** What the local cluster has, by `namespace/name`. */
export interface LocalView {
  services: ReadonlyMap<string, ObservedService>;
  namespaces: ReadonlySet<string>;
}

/** A Link's settings with defaults filled in. */
export interface LinkSettings {
  cluster: string;
  clusterDomain: string;
  excludedLabels: readonly string[];
  excludedAnnotations: readonly string[];
}

export interface LinkReconciliation {
  changes: Change[];
  mirrors: MirrorOutcome[];
  federated: MirrorOutcome[];
}

export const settingsOf = (link: Link): LinkSettings => ({
  cluster: link.spec?.targetClusterName || (link.metadata.name ?? ''),
  clusterDomain: link.spec?.targetClusterDomain || 'cluster.local',
  excludedLabels: link.spec?.excludedLabels ?? [],
  excludedAnnotations: link.spec?.excludedAnnotations ?? [],
});

/**
 * Everything that one Link should change in the local cluster, and what its status should say. `remote` is the whole remote
 * cluster; pass an empty map when the Link is gone, and all that it made goes, too.
 */
export function reconcileLink(
  link: Link,
  remote: ReadonlyMap<string, ObservedService>,
  local: LocalView,
  linkedAt: ReadonlyMap<string, string>,
): LinkReconciliation {
  const settings = settingsOf(link);
  const joiner = { ...settings, linkedAt };
  const result: LinkReconciliation = { changes: [], mirrors: [], federated: [] };
  /** Local Services that this Link still wants, and members that it still has. */
  const mirrored = new Set<string>();
  const joined = new Set<string>();
  for (const service of remote.values()) {
    const { mirror, member } = wantsOf(service, link);
    if (mirror === 'flat') {
      const { outcome, change } = reconcileFlat(service, settings, local);
      result.mirrors.push(outcome);
      if (change) result.changes.push(change);
      mirrored.add(serviceKey(service.namespace, service.name));
    } else if (mirror === 'gateway') result.mirrors.push(gatewayOutcome(service));
    if (member) {
      const { outcome, change } = joinFederated(service, joiner, local);
      result.federated.push(outcome);
      if (change) result.changes.push(change);
      joined.add(serviceKey(service.namespace, service.name));
    }
  }
  for (const service of local.services.values()) {
    const change = leftBehind(service, settings.cluster, mirrored, joined);
    if (change) result.changes.push(change);
  }
  return result;
}

interface Wants {
  mirror: 'flat' | 'gateway' | undefined;
  member: boolean;
}

function wantsOf(service: ObservedService, link: Link): Wants {
  // Whatever the selectors say: a mirror is never mirrored on, or two linked clusters would do so for ever.
  if (service.labels[MIRROR.mirroredService] !== undefined) return { mirror: undefined, member: false };
  const { selector, remoteDiscoverySelector, federatedServiceSelector, gatewayAddress } = link.spec ?? {};
  const flat = selects(remoteDiscoverySelector, service.labels);
  const gateway = Boolean(gatewayAddress) && selects(selector, service.labels);
  return {
    mirror: flat ? 'flat' : gateway ? 'gateway' : undefined,
    member: selects(federatedServiceSelector, service.labels),
  };
}

const gatewayOutcome = ({ namespace, name }: ObservedService): MirrorOutcome => ({
  namespace,
  name,
  reason: 'Error',
  message:
    'Failed to create mirror service: mirroring through a gateway is not supported; label the Service mirror.linkerd.io/exported=remote-discovery to reach its pods directly',
});

/** A mirror or membership of this cluster whose original is gone or no longer wanted. */
function leftBehind(
  service: ObservedService,
  cluster: string,
  mirrored: ReadonlySet<string>,
  joined: ReadonlySet<string>,
): Change | undefined {
  const { name, namespace, resourceVersion, labels, annotations } = service;
  if (isMirrorOf(service, cluster)) {
    const original = labels[MIRROR.remoteService];
    // Mirrors that go through a gateway are somebody else's work.
    if (original === undefined || mirrored.has(serviceKey(namespace, original))) return undefined;
    return { do: 'delete', name, namespace, resourceVersion };
  }
  if (!isFederated(service)) return undefined;
  const gone = readMembers(annotations).remote.find(
    (entry) => entry.cluster === cluster && !joined.has(serviceKey(namespace, entry.service)),
  );
  return gone && leaveFederated(service, gone.service, cluster);
}
