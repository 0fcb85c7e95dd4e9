import { controllerOf, type Pod, type TopologySpreadConstraint } from '../kinds/index.ts';
import { matchesLabelSelector } from '../selectors/index.ts';
import { fitsNode } from './node-affinity.ts';
import { narrowed } from './pod-affinity.ts';
import { domainOf, type NodeInfo, type Snapshot } from './snapshot.ts';
import { untolerated } from './taints.ts';

const MISMATCH = "node(s) didn't match pod topology spread constraints";

/** Pods by domain of one constraint, over the nodes that the constraint counts. */
function countByDomain(snapshot: Snapshot, pod: Pod, constraint: TopologySpreadConstraint): Map<string, number> {
  const selector = narrowed(constraint.labelSelector, pod, constraint.matchLabelKeys);
  const counts = new Map<string, number>();
  for (const info of snapshot.nodes) {
    const domain = domainOf(info, constraint.topologyKey);
    if (domain === undefined || !counted(info, pod, constraint)) continue;
    const matching = info.pods.filter(
      (other) =>
        other.metadata.namespace === pod.metadata.namespace &&
        !other.metadata.deletionTimestamp &&
        constraint.labelSelector !== undefined &&
        matchesLabelSelector(selector, other.metadata.labels),
    );
    counts.set(domain, (counts.get(domain) ?? 0) + matching.length);
  }
  return counts;
}

const counted = (
  { node }: NodeInfo,
  pod: Pod,
  { nodeAffinityPolicy, nodeTaintsPolicy }: TopologySpreadConstraint,
): boolean =>
  (nodeAffinityPolicy === 'Ignore' || fitsNode(pod, node)) &&
  (nodeTaintsPolicy !== 'Honor' || untolerated(pod, node, ['NoSchedule', 'NoExecute']).length === 0);

/** A reusable check of nodes against constraints that forbid scheduling: the reason against a node, if any. */
export function spreadFilter(snapshot: Snapshot, pod: Pod): (info: NodeInfo) => string | undefined {
  const hard = (pod.spec.topologySpreadConstraints ?? []).filter((each) => each.whenUnsatisfiable === 'DoNotSchedule');
  const checks = hard.map((constraint) => {
    const counts = countByDomain(snapshot, pod, constraint);
    const fewest = counts.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...counts.values());
    const itself = matchesLabelSelector(constraint.labelSelector, pod.metadata.labels) ? 1 : 0;
    return { constraint, counts, fewest, itself };
  });
  return (info) => {
    for (const { constraint, counts, fewest, itself } of checks) {
      const domain = domainOf(info, constraint.topologyKey);
      if (domain === undefined) return `${MISMATCH} (missing required label)`;
      if ((counts.get(domain) ?? 0) + itself - fewest > constraint.maxSkew) return MISMATCH;
    }
    return undefined;
  };
}

/** Topologies over which pods of one owner are spread when the pod itself says nothing. */
const DEFAULT_KEYS = ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'];

/** How crowded a node's domains are with the pod's like: lower is better. */
export function crowdingScorer(snapshot: Snapshot, pod: Pod): (info: NodeInfo) => number {
  const soft = (pod.spec.topologySpreadConstraints ?? []).filter((each) => each.whenUnsatisfiable === 'ScheduleAnyway');
  const counts =
    soft.length > 0 || pod.spec.topologySpreadConstraints?.length
      ? soft.map((constraint) => ({ key: constraint.topologyKey, counts: countByDomain(snapshot, pod, constraint) }))
      : DEFAULT_KEYS.map((key) => ({ key, counts: siblingsByDomain(snapshot, pod, key) }));
  return (info) => counts.reduce((sum, { key, counts: by }) => sum + (by.get(domainOf(info, key) ?? '\u0000') ?? 0), 0);
}

function siblingsByDomain(snapshot: Snapshot, pod: Pod, key: string): Map<string, number> {
  const owner = controllerOf(pod)?.uid;
  const counts = new Map<string, number>();
  for (const info of snapshot.nodes) {
    const domain = domainOf(info, key);
    if (domain === undefined || owner === undefined) continue;
    const siblings = info.pods.filter(
      (other) => controllerOf(other)?.uid === owner && !other.metadata.deletionTimestamp,
    );
    counts.set(domain, (counts.get(domain) ?? 0) + siblings.length);
  }
  return counts;
}
