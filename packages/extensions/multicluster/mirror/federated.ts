import type { MirrorOutcome } from '../link/index.ts';
import { exportKey, type ObservedExport, readExports, saidExports, sayExport } from '../mcs/facts.ts';
import { type Resolved, resolveExports } from '../mcs/resolve.ts';
import { copyLabels, federatedAnnotations } from './copy.ts';
import { federatedName, type Members, MIRROR, memberOf, readMembers, writeMembers } from './names.ts';
import { readPodNames } from './pod-names.ts';
import { portConflict, portCoverage, portsKey, saidPorts, sayPorts, unitePorts } from './ports.ts';
import type { LocalView } from './reconcile.ts';
import { agrees, type Change, type ObservedService, sameTraffic, serviceObject } from './service.ts';

/** Who joins or leaves: a linked cluster by name, or the local cluster (`''`). */
export interface Joiner {
  cluster: string;
  excludedLabels: readonly string[];
  excludedAnnotations: readonly string[];
  /** Creation time of each cluster's Link, RFC 3339; clusters without one are unknown. */
  linkedAt: ReadonlyMap<string, string>;
}

/** Brings `<svc>-federated`, here `existing`, to where this member belongs to it, by its label or because it is exported. */
export function joinFederated(
  member: ObservedService,
  joiner: Joiner,
  { namespaces }: Pick<LocalView, 'namespaces'>,
  existing: ObservedService | undefined,
  exported?: ObservedExport,
): { outcome: MirrorOutcome; change?: Change } {
  const { namespace } = member;
  const name = federatedName(member.name);
  const say = (reason: MirrorOutcome['reason'], message: string): { outcome: MirrorOutcome } => ({
    outcome: { namespace, name: member.name, reason, message },
  });
  const podNames = readPodNames(member);
  if (member.external || (member.headless && !exported && !podNames.wanted)) {
    const what = member.headless ? 'Headless' : 'ExternalName';
    const why = podNames.problem === undefined ? '' : `: ${podNames.problem}`;
    const refused = say('InvalidService', `${what} service cannot join federated service${why}`);
    const leave = existing && leaveFederated(existing, member.name, joiner.cluster);
    return leave ? { ...refused, change: leave } : refused;
  }
  if (!namespaces.has(namespace)) return say('MissingNamespace', 'Namespace does not exist');
  if (existing && !isFederated(existing))
    return say(
      'Error',
      `Failed to update federated service: Service ${namespace}/${name} exists and is not ours to change`,
    );
  const outcome: MirrorOutcome = { namespace, name: member.name, reason: 'Mirrored', message: '', localName: name };
  const wanted = wantedFederated(member, joiner, existing, exported);
  const conflict = conflictOf(member, wanted);
  if (conflict) outcome.conflict = conflict;
  outcome.ports = portCoverage(member.ports, wanted.ports);
  const { ports, headless, traffic, ...metadata } = wanted;
  const make = (version: { resourceVersion?: string }) =>
    serviceObject({ name, namespace, ...version, ...metadata }, ports, headless, traffic);
  if (!existing) return { outcome, change: { do: 'create', service: make({}) } };
  if (agrees(existing, wanted) && existing.headless === headless && sameTraffic(existing.traffic, traffic))
    return { outcome };
  return { outcome, change: { do: 'update', service: make({ resourceVersion: existing.resourceVersion }) } };
}

/** How a member differs from what clients see; undefined when it does not. */
function conflictOf(
  member: ObservedService,
  seen: Pick<ObservedService, 'ports' | 'headless'>,
): MirrorOutcome['conflict'] {
  const found: [reason: string, message: string | undefined][] = [
    ['PortConflict', portConflict(member.ports, seen.ports)],
    ['TypeConflict', typeConflict(member.headless, seen.headless)],
  ];
  const said = found.filter(([, message]) => message !== undefined);
  return said.length === 0
    ? undefined
    : { reason: said.map(([reason]) => reason).join(), message: said.map(([, message]) => message).join('; ') };
}

const typeConflict = (member: boolean, seen: boolean): string | undefined => {
  if (member === seen) return undefined;
  return member
    ? 'The service is headless, the federated service is not: pods have no names there'
    : 'The federated service is headless, the service is not: its pods have no names there';
};

/** What the federated service should be, as far as this member has a say in it: who does not lead only says what it has. */
function wantedFederated(
  member: ObservedService,
  joiner: Joiner,
  existing: ObservedService | undefined,
  exported: ObservedExport | undefined,
) {
  const before = existing ? readMembers(existing.annotations) : { remote: [] };
  const members = withMember(before, member.name, joiner.cluster);
  const {
    [portsKey(joiner.cluster)]: _ports,
    [exportKey(joiner.cluster)]: _export,
    ...others
  } = withoutDiscovery(existing?.annotations ?? {});
  const said = {
    ...(exported && { [exportKey(joiner.cluster)]: sayExport(exported, member) }),
    ...writeMembers(members),
  };
  if (existing && !isAuthoritative(before, joiner)) {
    const { labels, ports, headless, traffic } = existing;
    const annotations = { ...others, [portsKey(joiner.cluster)]: sayPorts(member.ports), ...said };
    return { labels, ports, headless, traffic, annotations };
  }
  const exportsBefore = saidExports(existing?.annotations ?? {});
  const saidByOthers = { ...saidPorts(others), ...saidExports(others) };
  const resolved = resolveExports(readExports({ ...saidByOthers, ...said }));
  const otherPorts = members.remote.flatMap(({ cluster }) => saidByOthers[portsKey(cluster)] ?? []);
  return {
    labels: copyLabels(member.labels, joiner.excludedLabels),
    ports: federatedPorts(member, otherPorts, resolved),
    headless: resolved ? resolved.type === 'Headless' : member.headless,
    // Without exports it is as somebody may have set it by hand.
    traffic: resolved ? resolved.traffic : Object.keys(exportsBefore).length > 0 ? undefined : existing?.traffic,
    annotations: {
      ...federatedAnnotations(member.annotations, existing?.annotations ?? {}, joiner.excludedAnnotations),
      ...saidByOthers,
      ...said,
    },
  };
}

/** Of several ports of one number or name, an export's comes first, and among these that of the oldest. */
const federatedPorts = (leader: ObservedService, said: readonly string[], resolved: Resolved | undefined) =>
  resolved
    ? unitePorts([], [JSON.stringify(resolved.ports), sayPorts(leader.ports), ...said])
    : unitePorts(leader.ports, said);

/** Takes a member out; the last one takes the Service with it. Undefined when it is no member. */
export function leaveFederated(federated: ObservedService, service: string, cluster: string): Change | undefined {
  if (!isFederated(federated)) return undefined;
  const before = readMembers(federated.annotations);
  const members: Members = {
    remote: before.remote.filter((entry) => !(entry.service === service && entry.cluster === cluster)),
  };
  if (before.local && !(cluster === '' && before.local === service)) members.local = before.local;
  if (members.remote.length === before.remote.length && members.local === before.local) return undefined;
  const { name, namespace, resourceVersion, labels, ports, headless, traffic } = federated;
  if (members.remote.length === 0 && members.local === undefined)
    return { do: 'delete', name, namespace, resourceVersion };
  const {
    [portsKey(cluster)]: _ports,
    [exportKey(cluster)]: _export,
    ...rest
  } = withoutDiscovery(federated.annotations);
  const metadata = { name, namespace, resourceVersion, labels, annotations: { ...rest, ...writeMembers(members) } };
  return { do: 'update', service: serviceObject(metadata, ports, headless, traffic) };
}

/** A federated service of ours: marked as mirrored, of no one cluster, named after its members. */
export const isFederated = (service: ObservedService): boolean =>
  service.labels[MIRROR.mirroredService] === 'true' &&
  service.labels[MIRROR.clusterName] === undefined &&
  memberOf(service.name) !== undefined;

function withMember(members: Members, service: string, cluster: string): Members {
  if (cluster === '') return { ...members, local: service };
  const there = members.remote.some((entry) => entry.service === service && entry.cluster === cluster);
  return there ? members : { ...members, remote: [...members.remote, { service, cluster }] };
}

/**
 * Whose labels, annotations and ports the federated service has: the local member's; without one, those of the member whose
 * Link is oldest. Members of clusters without a Link do not count.
 */
function isAuthoritative(members: Members, joiner: Joiner): boolean {
  if (joiner.cluster === '') return true;
  if (members.local !== undefined) return false;
  const mine = joiner.linkedAt.get(joiner.cluster) ?? '';
  return members.remote.every(({ cluster }) => {
    const other = joiner.linkedAt.get(cluster);
    if (cluster === joiner.cluster || other === undefined) return true;
    // Links made in the same second are ordered by name, so that exactly one of them leads.
    return mine < other || (mine === other && joiner.cluster < cluster);
  });
}

function withoutDiscovery(annotations: Record<string, string>): Record<string, string> {
  const { [MIRROR.remoteDiscovery]: _remote, [MIRROR.localDiscovery]: _local, ...rest } = annotations;
  return rest;
}
