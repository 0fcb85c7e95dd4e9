/** PodDisruptionBudgets: how many of the selected pods may be evicted now. The eviction subresource reads the status. */
import {
  type Condition,
  DEPLOYMENTS,
  POD_DISRUPTION_BUDGETS,
  PODS,
  REPLICA_SETS,
  REPLICATION_CONTROLLERS,
  STATEFUL_SETS,
} from '#api/kube';
import {
  controllerOf,
  formatTime,
  isActive,
  isReady,
  type Pod,
  type PodDisruptionBudget,
  parseTime,
  scaledValue,
  withCondition,
} from '../../kinds/index.ts';
import { type CacheReader, type Controller, type Plan, refOf } from '../../reconcile/index.ts';
import { matchesLabelSelector } from '../../selectors/index.ts';
import { writeStatus } from '../write-status.ts';

/** An eviction that was granted but did not lead to a deletion is forgotten after this time. */
const DISRUPTION_TIMEOUT_MS = 120_000;

export interface DisruptionObserved {
  budget: PodDisruptionBudget;
  /** Selected pods that are alive. */
  pods: readonly Pod[];
  /** Pods that the owners of the selected ones want in all. */
  expectedScale: number;
}

export const disruptionController: Controller<DisruptionObserved> = {
  name: 'disruption-controller',
  triggers: [
    { gvr: POD_DISRUPTION_BUDGETS, keys: ({ now }) => (now ? [refOf(now)] : []) },
    {
      gvr: PODS,
      *keys({ now, old }, caches) {
        const pod = now ?? old;
        for (const budget of caches.of<PodDisruptionBudget>(POD_DISRUPTION_BUDGETS).list(pod?.metadata.namespace ?? ''))
          if ([now, old].some((each) => each && matchesLabelSelector(budget.spec.selector, each.metadata.labels)))
            yield refOf(budget);
      },
    },
    // Their sizes count where a budget is a percentage.
    ...[DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, REPLICATION_CONTROLLERS].map((gvr) => ({
      gvr,
      keys: ({ now }: { now?: { metadata: { namespace?: string } } }, caches: CacheReader): string[] =>
        caches
          .of<PodDisruptionBudget>(POD_DISRUPTION_BUDGETS)
          .list(now?.metadata.namespace ?? '')
          .map(refOf),
    })),
  ],
  observe(key, caches) {
    const budget = caches.of<PodDisruptionBudget>(POD_DISRUPTION_BUDGETS).byRef(key);
    if (!budget) return undefined;
    const all = caches.of<Pod>(PODS).list(budget.metadata.namespace);
    const pods = all.filter((pod) => isActive(pod) && matchesLabelSelector(budget.spec.selector, pod.metadata.labels));
    return { budget, pods, expectedScale: scaleOf(pods, caches) };
  },
  reconcile: reconcileBudget,
};

interface Scaled {
  metadata: { uid?: string; ownerReferences?: { uid: string; kind: string; controller?: boolean }[] };
  spec: { replicas?: number };
}

/** Sum of the sizes of the distinct workloads that own the pods; pods without one count for themselves. */
function scaleOf(pods: readonly Pod[], caches: CacheReader): number {
  const workloads = new Map<string, number>();
  for (const pod of pods) {
    const owner = controllerOf(pod);
    const found =
      owner &&
      [REPLICA_SETS, STATEFUL_SETS, REPLICATION_CONTROLLERS]
        .map((gvr) => caches.of(gvr).byUid(owner.uid))
        .find(Boolean);
    const top = found && (caches.of(DEPLOYMENTS).byUid(controllerOf(found)?.uid ?? '') ?? found);
    const { metadata, spec } = (top ?? { metadata: pod.metadata, spec: { replicas: 1 } }) as Scaled;
    workloads.set(metadata.uid ?? '', spec.replicas ?? 1);
  }
  return [...workloads.values()].reduce((sum, replicas) => sum + replicas, 0);
}

/** Decides the status of one budget. Pure. */
export function reconcileBudget({ budget, pods, expectedScale }: DisruptionObserved, nowMs: number): Plan {
  const { minAvailable, maxUnavailable } = budget.spec;
  const disruptedPods = stillDisrupted(budget, pods, nowMs);
  const currentHealthy = pods.filter(
    (pod) => isReady(pod) && disruptedPods[pod.metadata.name ?? ''] === undefined,
  ).length;
  const isCount = maxUnavailable === undefined && typeof minAvailable !== 'string';
  const expectedPods = isCount ? pods.length : expectedScale;
  const desiredHealthy =
    maxUnavailable === undefined
      ? scaledValue(minAvailable ?? 1, expectedPods, 'up')
      : Math.max(0, expectedPods - scaledValue(maxUnavailable, expectedPods, 'up'));
  const disruptionsAllowed = expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0;
  const condition: Condition = {
    type: 'DisruptionAllowed',
    status: disruptionsAllowed > 0 ? 'True' : 'False',
    reason: disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    lastTransitionTime: formatTime(nowMs),
    observedGeneration: budget.metadata.generation ?? 0,
  };
  const status = {
    observedGeneration: budget.metadata.generation ?? 0,
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    ...(Object.keys(disruptedPods).length > 0 && { disruptedPods }),
    conditions: [...withCondition(budget.status?.conditions, condition)],
  };
  const waits = Object.values(disruptedPods).map((time) => (parseTime(time) ?? nowMs) + DISRUPTION_TIMEOUT_MS - nowMs);
  return {
    writes: writeStatus(POD_DISRUPTION_BUDGETS, budget, status),
    ...(waits.length > 0 && { againInMs: Math.max(10, Math.min(...waits)) }),
  };
}

/** Granted evictions whose pods are still there. */
function stillDisrupted({ status }: PodDisruptionBudget, pods: readonly Pod[], nowMs: number): Record<string, string> {
  const names = new Set(pods.map((pod) => pod.metadata.name));
  const entries = Object.entries(status?.disruptedPods ?? {});
  return Object.fromEntries(
    entries.filter(([name, time]) => names.has(name) && (parseTime(time) ?? 0) + DISRUPTION_TIMEOUT_MS > nowMs),
  );
}
