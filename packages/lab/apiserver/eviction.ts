import type { AnyObject, Condition, LabelSelector } from '#api/kube';
import { ApiError } from '#lab/contract';
import { matchesLabelSelector } from '#lab/selectors';
import type { Core, ObjectRef } from './core.ts';
import { type DeleteOptions, remove } from './deletion.ts';
import { internalError, unknownResource } from './errors.ts';
import { readServed } from './list.ts';
import { modify } from './modify.ts';
import { timestamp } from './object-meta.ts';
import type { Resource, WriteRequest } from './resource.ts';

const PODS = { group: '', version: 'v1', resource: 'pods' } as const;
const BUDGETS = { group: 'policy', version: 'v1', resource: 'poddisruptionbudgets' } as const;

interface BudgetStatus {
  disruptionsAllowed?: number;
  desiredHealthy?: number;
  currentHealthy?: number;
  observedGeneration?: number;
  disruptedPods?: Record<string, string>;
}

/** The eviction subresource: deletes the pod unless a disruption budget forbids it (429). */
export async function evictPod(
  core: Core,
  ref: ObjectRef,
  options: DeleteOptions,
  request: WriteRequest,
): Promise<void> {
  const pods = resourceOf(core, PODS);
  const pod = readServed(core, pods, ref);
  const budget = isDisruptive(pod) ? budgetOf(core, pod) : undefined;
  if (budget && !isExcused(pod, budget)) await spend(core, budget, pod, request);
  const preconditions = { uid: pod.metadata.uid ?? '', ...options.preconditions };
  await tell(core, pods, ref, request);
  await remove(core, pods, ref, { ...options, preconditions }, request);
}

/** Says in the pod's status why it goes, as Jobs and people want to know. */
async function tell(core: Core, pods: Resource, ref: ObjectRef, request: WriteRequest): Promise<void> {
  const target: Condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
    lastTransitionTime: timestamp(core.nowMs()),
  };
  const compute = (pod: AnyObject): AnyObject => {
    const status = (pod['status'] ?? {}) as { conditions?: Condition[] };
    const others = (status.conditions ?? []).filter(({ type }) => type !== target.type);
    return { ...pod, status: { ...status, conditions: [...others, target] } };
  };
  await modify(core, pods, ref, { subresource: 'status', compute }, request);
}

function resourceOf(core: Core, gvr: typeof PODS | typeof BUDGETS): Resource {
  const resource = core.registry.find(gvr);
  if (!resource) throw unknownResource();
  return resource;
}

/** With a pod that is finished, pending or leaving, nothing is lost. */
function isDisruptive(pod: AnyObject): boolean {
  const { phase } = statusOf(pod);
  return !pod.metadata.deletionTimestamp && phase === 'Running';
}

/** A running pod that is not ready may go while the others suffice, or always where its budget says so. */
function isExcused(pod: AnyObject, budget: AnyObject): boolean {
  if (statusOf(pod).conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) return false;
  const { unhealthyPodEvictionPolicy } = (budget['spec'] ?? {}) as { unhealthyPodEvictionPolicy?: string };
  if (unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = (budget['status'] ?? {}) as BudgetStatus;
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

const statusOf = (pod: AnyObject) => (pod['status'] ?? {}) as { phase?: string; conditions?: Condition[] };

function budgetOf(core: Core, pod: AnyObject): AnyObject | undefined {
  const budgets = core.store
    .list('policy/poddisruptionbudgets', pod.metadata.namespace)
    .map(({ object }) => object)
    .filter((budget) =>
      matchesLabelSelector((budget['spec'] as { selector?: LabelSelector } | undefined)?.selector, pod.metadata.labels),
    );
  if (budgets.length > 1)
    throw internalError(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  return budgets[0];
}

/** Takes one disruption from the budget, so that a second eviction before the controller counts again is refused. */
async function spend(core: Core, budget: AnyObject, pod: AnyObject, request: WriteRequest): Promise<void> {
  const { name = '', namespace } = budget.metadata;
  const podName = pod.metadata.name ?? '';
  await modify(
    core,
    resourceOf(core, BUDGETS),
    { name, namespace },
    {
      subresource: 'status',
      compute: (current) => {
        const status = (current['status'] ?? {}) as BudgetStatus;
        assertAllowed(current, status);
        return {
          ...current,
          status: {
            ...status,
            disruptionsAllowed: (status.disruptionsAllowed ?? 0) - 1,
            disruptedPods: { ...status.disruptedPods, [podName]: timestamp(core.nowMs()) },
          },
        };
      },
    },
    request,
  );
}

function assertAllowed(budget: AnyObject, status: BudgetStatus): void {
  const refuse = (message: string) =>
    ApiError.of('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
      causes: [{ reason: 'DisruptionBudget', message }],
      ...((status.observedGeneration ?? 0) < (budget.metadata.generation ?? 0) && { retryAfterSeconds: 10 }),
    });
  if ((status.observedGeneration ?? 0) < (budget.metadata.generation ?? 0))
    throw refuse(`The disruption budget ${budget.metadata.name} is still being processed by the server.`);
  if ((status.disruptionsAllowed ?? 0) > 0) return;
  const { desiredHealthy = 0, currentHealthy = 0 } = status;
  throw refuse(
    `The disruption budget ${budget.metadata.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
  );
}
