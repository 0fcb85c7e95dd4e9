import { type Link, type MirrorOutcome, selects } from '../link/index.ts';
import type { ObservedExport } from '../mcs/facts.ts';
import type { EndpointsChange, ObservedEndpoints } from './endpoints.ts';
import { isFederated, joinFederated, leaveFederated } from './federated.ts';
import { reconcileFlat } from './flat.ts';
import { type GatewayScene, reconcileGateway } from './gateway.ts';
import { isMirrorOf } from './keep.ts';
import { federatedName, MIRROR, readMembers } from './names.ts';
import { type Change, type ObservedService, serviceKey } from './service.ts';

/** What the local cluster has, by `namespace/name`. */
export interface LocalView {
  services: ReadonlyMap<string, ObservedService>;
  namespaces: ReadonlySet<string>;
  /** Of mirrors and probes. */
  endpoints: ReadonlyMap<string, ObservedEndpoints>;
}

/** A Link's settings with defaults filled in. */
export interface LinkSettings {
  cluster: string;
  clusterDomain: string;
  excludedLabels: readonly string[];
  excludedAnnotations: readonly string[];
}

/** What is to be changed in a federated Service; `now`: as it was read just now, instead of as the watch last told. */
export type Join = (now?: ObservedService) => Change | undefined;

export interface LinkReconciliation {
  changes: Change[];
  /** By `namespace/name` of federated Services with a member of ours: all Links write these. */
  joins: Map<string, Join>;
  /** To be made after {@link changes}: Endpoints belong to Services. */
  endpoints: EndpointsChange[];
  mirrors: MirrorOutcome[];
  federated: MirrorOutcome[];
  /** Whose mirror a local Service is: `namespace/name` to the remote Service's `namespace/name`. */
  originals: Map<string, string>;
  /** Remote Services whose pods are dialled directly, by `namespace/name`. */
  direct: Set<string>;
}

export const settingsOf = (link: Link): LinkSettings => ({
  cluster: link.spec?.targetClusterName || (link.metadata.name ?? ''),
  clusterDomain: link.spec?.targetClusterDomain || 'cluster.local',
  excludedLabels: link.spec?.excludedLabels ?? [],
  excludedAnnotations: link.spec?.excludedAnnotations ?? [],
});

/** Why a Service is not mirrored as it should be. */
export type Problem = Pick<MirrorOutcome, 'reason' | 'message' | 'skipped'>;

/** What becomes of one exported Service. */
export interface Mirrored {
  outcome: MirrorOutcome;
  changes: Change[];
  endpoints: EndpointsChange[];
  /** Local names of the Services that are to stay or to come, the mirror's own first. */
  wanted: string[];
}

/** Puts together what a kind of mirroring found out about a remote Service. */
export function mirrored(
  { namespace, name }: ObservedService,
  localName: string,
  found: Partial<Omit<Mirrored, 'outcome'>> & { problem?: Problem | undefined },
): Mirrored {
  const { changes = [], endpoints = [], wanted = [], problem } = found;
  const outcome: MirrorOutcome = problem
    ? { namespace, name, ...problem }
    : { namespace, name, reason: 'Mirrored', message: '', localName };
  return { outcome, changes, endpoints, wanted };
}

/**
 * Everything that one Link should change in the local cluster, and what its status should say. `remote` is the whole remote
 * cluster; pass an empty map when the Link is gone, and all that it made goes, too. Without `scene` nothing is reached through
 * a gateway. `exports`: ServiceExports of the remote cluster by `namespace/name`; they make members as the selector does.
 */
export function reconcileLink(
  link: Link,
  remote: ReadonlyMap<string, ObservedService>,
  local: LocalView,
  linkedAt: ReadonlyMap<string, string>,
  scene?: GatewayScene,
  exports: ReadonlyMap<string, ObservedExport> = new Map(),
): LinkReconciliation {
  const settings = settingsOf(link);
  const joiner = { ...settings, linkedAt };
  const result: LinkReconciliation = {
    changes: [],
    joins: new Map(),
    endpoints: [],
    mirrors: [],
    federated: [],
    originals: new Map(),
    direct: new Set(),
  };
  const wanted: Wanted = { mirrors: new Set(), gateways: new Set(), members: new Set() };
  for (const service of remote.values()) {
    const exported = exports.get(serviceKey(service.namespace, service.name));
    const wants = wantsOf(service, link, exported !== undefined);
    if (isMade(service)) {
      if (wants.flat || wants.gateway || wants.member) result.mirrors.push(loopOf(service));
      continue;
    }
    if (wants.flat || (wants.gateway && scene)) {
      const found =
        wants.flat || !scene
          ? reconcileFlat(service, settings, local)
          : reconcileGateway(service, settings, local, scene);
      note(result, wanted, service, found, !wants.flat);
    }
    if (wants.flat || wants.member) result.direct.add(serviceKey(service.namespace, service.name));
    if (wants.member) {
      const key = serviceKey(service.namespace, federatedName(service.name));
      const joined = (now = local.services.get(key)) => joinFederated(service, joiner, local, now, exported);
      const { outcome, change } = joined();
      result.federated.push(outcome);
      if (change) result.changes.push(change);
      result.joins.set(key, (now) => joined(now).change);
      wanted.members.add(serviceKey(service.namespace, service.name));
    }
  }
  for (const service of local.services.values()) {
    const change = leftBehind(service, settings.cluster, wanted);
    if (change) result.changes.push(change);
  }
  for (const [key, { name, namespace, resourceVersion, labels }] of local.endpoints)
    if (isMirrorOf({ labels }, settings.cluster) && !wanted.gateways.has(key))
      result.endpoints.push({ do: 'delete', name, namespace, resourceVersion });
  return result;
}

/**
 * Whether a local Service that changed is anything to a Link. Of a federated one that looks to clients as it did before, only its own
 * membership is: those of others are changed by them. `joins`: those of the last reconciliation.
 */
export function concernsLink(
  cluster: string,
  joins: LinkReconciliation['joins'],
  now: ObservedService,
  before: ObservedService | undefined,
): boolean {
  if (!before || !isFederated(now) || !looksTheSame(now, before)) return true;
  const join = joins.get(serviceKey(now.namespace, now.name));
  return join ? join() !== undefined : readMembers(now.annotations).remote.some((entry) => entry.cluster === cluster);
}

/** Whether what is said of members comes out the same. */
const looksTheSame = (a: ObservedService, b: ObservedService): boolean =>
  JSON.stringify([a.ports, a.headless, a.traffic]) === JSON.stringify([b.ports, b.headless, b.traffic]);

/** What a Link still wants, by `namespace/name`. */
interface Wanted {
  /** Local Services. */
  mirrors: Set<string>;
  /** Those of them that have Endpoints. */
  gateways: Set<string>;
  /** Remote Services that are members. */
  members: Set<string>;
}

function note(
  result: LinkReconciliation,
  wanted: Wanted,
  { namespace, name: original }: ObservedService,
  found: Mirrored,
  throughGateway: boolean,
): void {
  result.mirrors.push(found.outcome);
  result.changes.push(...found.changes);
  result.endpoints.push(...found.endpoints);
  for (const name of found.wanted) {
    const key = serviceKey(namespace, name);
    result.originals.set(key, serviceKey(namespace, original));
    wanted.mirrors.add(key);
    if (throughGateway) wanted.gateways.add(key);
  }
}

interface Wants {
  flat: boolean;
  gateway: boolean;
  member: boolean;
}

function wantsOf(service: ObservedService, link: Link, isExported: boolean): Wants {
  const { selector, remoteDiscoverySelector, federatedServiceSelector } = link.spec ?? {};
  return {
    flat: selects(remoteDiscoverySelector, service.labels),
    gateway: selects(selector, service.labels),
    member: isExported || selects(federatedServiceSelector, service.labels),
  };
}

const isMade = ({ labels }: ObservedService): boolean => labels[MIRROR.mirroredService] !== undefined;

/** Whatever the selectors say: a mirror is never mirrored on, or two linked clusters would do so for ever. */
function loopOf({ namespace, name, labels }: ObservedService): MirrorOutcome {
  const origin = labels[MIRROR.clusterName];
  const what = origin === undefined ? 'a federated service' : `a mirror of a service of cluster ${origin}`;
  const message = `Service is ${what}, which is not mirrored on although a selector of the Link matches it`;
  return { namespace, name, reason: 'InvalidService', message };
}

/** A mirror or membership of this cluster whose original is gone or no longer wanted. */
function leftBehind(service: ObservedService, cluster: string, wanted: Wanted): Change | undefined {
  const { name, namespace, resourceVersion, annotations } = service;
  if (isMirrorOf(service, cluster))
    return wanted.mirrors.has(serviceKey(namespace, name))
      ? undefined
      : { do: 'delete', name, namespace, resourceVersion };
  if (!isFederated(service)) return undefined;
  const gone = readMembers(annotations).remote.find(
    (entry) => entry.cluster === cluster && !wanted.members.has(serviceKey(namespace, entry.service)),
  );
  return gone && leaveFederated(service, gone.service, cluster);
}
