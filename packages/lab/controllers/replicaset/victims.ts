import { conditionOf, isReady, type Pod, parseTime, restartsOf } from '../../kinds/index.ts';

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const PHASE_RANK: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/** How many pods of the whole workload (all ReplicaSets of one Deployment) run on a node. */
export type Crowd = (nodeName: string | undefined) => number;

/**
 * The pods to delete first when scaling down: unassigned, pending, unready; cheap by annotation; on crowded nodes; ready for a short
 * time; often restarted; young.
 */
export function victims(pods: readonly Pod[], count: number, crowd: Crowd): Pod[] {
  if (count >= pods.length) return [...pods];
  const order = [...pods].sort((a, b) => {
    for (const rank of RANKS) {
      const difference = rank(a, crowd) - rank(b, crowd);
      if (difference !== 0) return difference;
    }
    return (a.metadata.name ?? '').localeCompare(b.metadata.name ?? '');
  });
  return order.slice(0, Math.max(0, count));
}

/** Lower goes first. */
const RANKS: readonly ((pod: Pod, crowd: Crowd) => number)[] = [
  (pod) => (pod.spec.nodeName ? 1 : 0),
  (pod) => PHASE_RANK[pod.status?.phase ?? 'Pending'] ?? 2,
  (pod) => (isReady(pod) ? 1 : 0),
  (pod) => Number.parseInt(pod.metadata.annotations?.[DELETION_COST] ?? '0', 10) || 0,
  (pod, crowd) => -crowd(pod.spec.nodeName),
  (pod) => (isReady(pod) ? -(parseTime(conditionOf(pod.status?.conditions, 'Ready')?.lastTransitionTime) ?? 0) : 0),
  (pod) => -restartsOf(pod),
  (pod) => -(parseTime(pod.metadata.creationTimestamp) ?? 0),
];
