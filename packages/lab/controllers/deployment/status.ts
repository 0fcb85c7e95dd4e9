import {
  conditionOf,
  type Deployment,
  type DeploymentStatus,
  formatTime,
  parseTime,
  type ReplicaSet,
  type WorkloadCondition,
  withoutCondition,
} from '../../kinds/index.ts';
import { bounds, sizeOf, sum } from './replica-sets.ts';

/** Reasons of the Progressing condition. `kubectl rollout status` fails on the deadline's. */
export const PROGRESS = {
  created: 'NewReplicaSetCreated',
  found: 'FoundNewReplicaSet',
  updated: 'ReplicaSetUpdated',
  available: 'NewReplicaSetAvailable',
  createFailed: 'ReplicaSetCreateError',
  deadline: 'ProgressDeadlineExceeded',
  paused: 'DeploymentPaused',
  resumed: 'DeploymentResumed',
} as const;

type Conditions = readonly WorkloadCondition[];

/** A condition as it looks when it is set now. */
export function condition(
  type: 'Available' | 'Progressing' | 'ReplicaFailure',
  status: WorkloadCondition['status'],
  reason: string,
  message: string,
  nowMs: number,
): WorkloadCondition {
  const now = formatTime(nowMs);
  return { type, status, lastUpdateTime: now, lastTransitionTime: now, reason, message };
}

/** Sets a condition unless one with that status and reason is there; keeps the transition time while the status stays. */
export function setCondition(conditions: Conditions, next: WorkloadCondition): Conditions {
  const old = conditionOf(conditions, next.type);
  if (old && old.status === next.status && old.reason === next.reason) return conditions;
  const since =
    old?.status === next.status && old.lastTransitionTime ? { lastTransitionTime: old.lastTransitionTime } : {};
  return [...withoutCondition(conditions, next.type), { ...next, ...since }];
}

/** A deadline of MaxInt32 seconds means none. */
export const hasDeadline = (deployment: Deployment): boolean =>
  deployment.spec.progressDeadlineSeconds !== undefined && deployment.spec.progressDeadlineSeconds !== 2147483647;

/** Conditions after pausing and resuming: progress is unknown while paused, and the deadline starts anew afterwards. */
export function pausedConditions(deployment: Deployment, nowMs: number): Conditions {
  const conditions = deployment.status?.conditions ?? [];
  const progressing = conditionOf(conditions, 'Progressing');
  if (!hasDeadline(deployment) || progressing?.reason === PROGRESS.deadline) return conditions;
  const pausedBefore = progressing?.reason === PROGRESS.paused;
  if (deployment.spec.paused && !pausedBefore)
    return setCondition(
      conditions,
      condition('Progressing', 'Unknown', PROGRESS.paused, 'Deployment is paused', nowMs),
    );
  if (!deployment.spec.paused && pausedBefore)
    return setCondition(
      conditions,
      condition('Progressing', 'Unknown', PROGRESS.resumed, 'Deployment is resumed', nowMs),
    );
  return conditions;
}

/** Counts and the Available condition from the sets as they are; other conditions as given. */
export function countedStatus(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  conditions: Conditions,
  nowMs: number,
): DeploymentStatus {
  const availableReplicas = sum(sets, (set) => set.status?.availableReplicas);
  const enough = availableReplicas >= sizeOf(deployment) - bounds(deployment).unavailable;
  const availability = enough
    ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', nowMs)
    : condition(
        'Available',
        'False',
        'MinimumReplicasUnavailable',
        'Deployment does not have minimum availability.',
        nowMs,
      );
  const { collisionCount } = deployment.status ?? {};
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(sets, (set) => set.status?.replicas),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum(sets, (set) => set.status?.readyReplicas),
    availableReplicas,
    unavailableReplicas: Math.max(0, sum(sets, sizeOf) - availableReplicas),
    ...(collisionCount !== undefined && { collisionCount }),
    conditions: [...setCondition(conditions, availability)],
  };
}

/** Every wanted pod runs the current template and is available, and nothing else is left. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = sizeOf(deployment);
  return status.updatedReplicas === wanted && status.replicas === wanted && status.availableReplicas === wanted;
}

/** The counted status with Progressing and ReplicaFailure as a running rollout has them. */
export function rolloutStatus(
  deployment: Deployment,
  counted: DeploymentStatus,
  sets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  nowMs: number,
): DeploymentStatus {
  let conditions: Conditions = counted.conditions ?? [];
  const current = conditionOf(conditions, 'Progressing');
  const finished = counted.replicas === counted.updatedReplicas && current?.reason === PROGRESS.available;
  if (!hasDeadline(deployment)) conditions = withoutCondition(conditions, 'Progressing');
  else if (!finished) conditions = progressConditions(deployment, counted, conditions, newSet, nowMs);
  const failure = sets.map((set) => conditionOf(set.status?.conditions, 'ReplicaFailure')).find(Boolean);
  conditions = failure
    ? setCondition(
        conditions,
        condition('ReplicaFailure', failure.status, failure.reason ?? '', failure.message ?? '', nowMs),
      )
    : withoutCondition(conditions, 'ReplicaFailure');
  return { ...counted, conditions: [...conditions] };
}

function progressConditions(
  deployment: Deployment,
  counted: DeploymentStatus,
  conditions: Conditions,
  newSet: ReplicaSet | undefined,
  nowMs: number,
): Conditions {
  const who = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  const progress = (status: 'True' | 'False', reason: string, what: string): WorkloadCondition =>
    condition('Progressing', status, reason, `${who} ${what}`, nowMs);
  if (isComplete(deployment, counted))
    return setCondition(conditions, progress('True', PROGRESS.available, 'has successfully progressed.'));
  if (hasProgressed(deployment.status ?? {}, counted))
    return renewed(conditions, progress('True', PROGRESS.updated, 'is progressing.'));
  const left = deadlineInMs(deployment, conditions, nowMs);
  if (left !== undefined && left <= 0)
    return setCondition(conditions, progress('False', PROGRESS.deadline, 'has timed out progressing.'));
  return conditions;
}

/** Replaces the condition even if status and reason stay, so that its update time counts from this progress. */
function renewed(conditions: Conditions, next: WorkloadCondition): Conditions {
  const old = conditionOf(conditions, next.type);
  const since = old?.status === 'True' && old.lastTransitionTime ? { lastTransitionTime: old.lastTransitionTime } : {};
  return [...withoutCondition(conditions, next.type), { ...next, ...since }];
}

function hasProgressed(old: DeploymentStatus, now: DeploymentStatus): boolean {
  const of = (status: DeploymentStatus) => ({
    updated: status.updatedReplicas ?? 0,
    outdated: (status.replicas ?? 0) - (status.updatedReplicas ?? 0),
    ready: status.readyReplicas ?? 0,
    available: status.availableReplicas ?? 0,
  });
  const [was, is] = [of(old), of(now)];
  return is.updated > was.updated || is.outdated < was.outdated || is.ready > was.ready || is.available > was.available;
}

/** Milliseconds until the rollout counts as stuck; undefined when it is complete or has no deadline. */
export function deadlineInMs(deployment: Deployment, conditions: Conditions, nowMs: number): number | undefined {
  const progressing = conditionOf(conditions, 'Progressing');
  const { progressDeadlineSeconds } = deployment.spec;
  if (!hasDeadline(deployment) || progressDeadlineSeconds === undefined || !progressing) return undefined;
  if (progressing.reason === PROGRESS.available || progressing.reason === PROGRESS.deadline || deployment.spec.paused)
    return undefined;
  const since = parseTime(progressing.lastUpdateTime) ?? parseTime(progressing.lastTransitionTime);
  return since === undefined ? undefined : since + progressDeadlineSeconds * 1000 - nowMs;
}
