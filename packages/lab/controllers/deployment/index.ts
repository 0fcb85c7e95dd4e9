/**
 * Deployments: a ReplicaSet per template revision, rolling and recreating updates, pause, proportional scaling, history and the
 * conditions that `kubectl rollout status` reads. Rollback is the client's: it restores an old template, whose set is reused.
 */

import { isDeepStrictEqual } from 'node:util';
import { DEPLOYMENTS, PODS, REPLICA_SETS } from '#api/kube';
import {
  conditionOf,
  controllerOf,
  type Deployment,
  type DeploymentStatus,
  isTerminal,
  type Pod,
  type ReplicaSet,
  type WorkloadCondition,
} from '../../kinds/index.ts';
import { type Controller, type PatchWrite, type Plan, referenceTo, refOf, type Write } from '../../reconcile/index.ts';
import { isEmptySelector, matchesLabelSelector } from '../../selectors/index.ts';
import { claim } from '../claim.ts';
import { writeStatus } from '../write-status.ts';
import {
  ANNOTATIONS,
  buildSet,
  findNewSet,
  nextRevision,
  revisionOf,
  setAnnotations,
  sizeAnnotations,
  sizeOf,
} from './replica-sets.ts';
import { emptySets, newSetSize, resize, type Sizes, shrinkOldSets, sizeNewSet, wasScaled } from './sizing.ts';
import {
  condition,
  countedStatus,
  deadlineInMs,
  hasDeadline,
  isComplete,
  PROGRESS,
  pausedConditions,
  rolloutStatus,
  setCondition,
} from './status.ts';

export interface DeploymentObserved {
  deployment: Deployment;
  /** ReplicaSets of its namespace. */
  sets: readonly ReplicaSet[];
  /** Pods of its namespace that any of those sets controls. */
  podsOf(set: ReplicaSet): readonly Pod[];
}

export const deploymentController: Controller<DeploymentObserved> = {
  name: 'deployment-controller',
  triggers: [
    { gvr: DEPLOYMENTS, keys: ({ now }) => (now ? [refOf(now)] : []) },
    {
      gvr: REPLICA_SETS,
      *keys({ now, old }, caches) {
        for (const set of [now, old]) {
          if (!set) continue;
          const owner = controllerOf(set);
          const namespace = set.metadata.namespace ?? '';
          if (owner?.kind === 'Deployment') yield `${namespace}/${owner.name}`;
          else if (!owner && set === now)
            for (const deployment of caches.of<Deployment>(DEPLOYMENTS).list(namespace))
              if (matchesLabelSelector(deployment.spec.selector, set.metadata.labels)) yield refOf(deployment);
        }
      },
    },
    {
      // Recreate waits for the last old pod to go.
      gvr: PODS,
      *keys({ now, old }, caches) {
        const setUid = now && !isTerminal(now as Pod) ? undefined : old && controllerOf(old)?.uid;
        const set = setUid && caches.of<ReplicaSet>(REPLICA_SETS).byUid(setUid);
        const owner = set && controllerOf(set);
        if (owner) yield `${set.metadata.namespace ?? ''}/${owner.name}`;
      },
    },
  ],
  observe(key, caches) {
    const deployment = caches.of<Deployment>(DEPLOYMENTS).byRef(key);
    if (!deployment) return undefined;
    return {
      deployment,
      sets: caches.of<ReplicaSet>(REPLICA_SETS).list(deployment.metadata.namespace),
      podsOf: (set) => caches.of<Pod>(PODS).ownedBy(set.metadata.uid ?? ''),
    };
  },
  reconcile: reconcileDeployment,
};

/** What a pass over one Deployment knows. */
interface Rollout {
  deployment: Deployment;
  sets: readonly ReplicaSet[];
  newSet: ReplicaSet | undefined;
  oldSets: readonly ReplicaSet[];
  conditions: readonly WorkloadCondition[];
  nowMs: number;
}

/** Decides the next step of one Deployment. Converges over several passes, one for each change it sees. */
export function reconcileDeployment(observed: DeploymentObserved, nowMs: number): Plan {
  const { deployment } = observed;
  const { selector } = deployment.spec;
  if (isEmptySelector(selector)) return refuseEmptySelector(deployment);
  const claimant = {
    owner: deployment,
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    matches: (set: ReplicaSet) => matchesLabelSelector(selector, set.metadata.labels),
  };
  const { owned, writes } = claim(claimant, REPLICA_SETS, observed.sets);
  const newSet = findNewSet(deployment, owned);
  const oldSets = owned.filter((set) => set !== newSet);
  const conditions = pausedConditions(deployment, nowMs);
  const rollout: Rollout = { deployment, sets: owned, newSet, oldSets, conditions, nowMs };
  const plan = step(rollout, observed);
  return { ...plan, writes: [...writes, ...plan.writes] };
}

function step(rollout: Rollout, observed: DeploymentObserved): Plan {
  const { deployment, newSet, oldSets } = rollout;
  if (deployment.metadata.deletionTimestamp) return finish(rollout, [], 'counts');
  if (deployment.spec.paused || wasScaled(deployment, rollout.sets)) {
    const cleanup = deployment.spec.paused ? dropHistory(rollout) : [];
    return finish(
      rollout,
      [...revise(rollout), ...size(rollout, resize(deployment, newSet, oldSets)), ...cleanup],
      'counts',
    );
  }
  if (deployment.spec.strategy?.type === 'Recreate') return recreate(rollout, observed);
  return rollingUpdate(rollout);
}

function rollingUpdate(rollout: Rollout): Plan {
  const { deployment, newSet, oldSets } = rollout;
  if (!newSet) return createSet(rollout, newSetSize(deployment, oldSets, 0));
  const grown = sizeNewSet(deployment, newSet, oldSets);
  const sizes = grown.size > 0 ? grown : shrinkOldSets(deployment, newSet, oldSets);
  return finish(rollout, [...revise(rollout), ...size(rollout, sizes)], 'rollout');
}

function recreate(rollout: Rollout, observed: DeploymentObserved): Plan {
  const { deployment, newSet, oldSets } = rollout;
  const emptied = emptySets(oldSets);
  const oldPodsLeft = oldSets.some((set) => observed.podsOf(set).some((pod) => !isTerminal(pod)));
  const revision = newSet ? revise(rollout) : [];
  if (emptied.size > 0) return finish(rollout, [...revision, ...size(rollout, emptied)], 'rollout');
  if (oldPodsLeft) return finish(rollout, revision, 'rollout');
  if (!newSet) return createSet(rollout, sizeOf(deployment));
  return finish(rollout, [...revision, ...size(rollout, new Map([[newSet, sizeOf(deployment)]]))], 'rollout');
}

function createSet(rollout: Rollout, replicas: number): Plan {
  const { deployment, oldSets, nowMs } = rollout;
  const set = buildSet(deployment, oldSets, replicas);
  const name = set.metadata.name ?? '';
  const created = condition('Progressing', 'True', PROGRESS.created, `Created new replica set "${name}"`, nowMs);
  const failedWith = (message: string): DeploymentStatus => {
    const failure = condition(
      'Progressing',
      'False',
      PROGRESS.createFailed,
      `Failed to create new replica set "${name}": ${message}`,
      nowMs,
    );
    return { ...deployment.status, conditions: [...setCondition(rollout.conditions, failure)] };
  };
  const collided: DeploymentStatus = {
    ...deployment.status,
    collisionCount: (deployment.status?.collisionCount ?? 0) + 1,
  };
  const create: Write = {
    verb: 'create',
    gvr: REPLICA_SETS,
    object: set,
    succeeded: () => (replicas > 0 ? [scaled(deployment, 'up', name, 0, replicas)] : []),
    failed: (error) =>
      writeStatus(DEPLOYMENTS, deployment, error.reason === 'AlreadyExists' ? collided : failedWith(error.message)),
  };
  const conditions = hasDeadline(deployment) ? setCondition(rollout.conditions, created) : rollout.conditions;
  return finish(
    { ...rollout, conditions },
    [create, ...annotateRevision(deployment, nextRevision(oldSets))],
    'rollout',
  );
}

/** Brings revision numbers and copied annotations of the newest set, and the Deployment's own, up to date. */
function revise({ deployment, newSet, oldSets }: Rollout): Write[] {
  if (!newSet) return [];
  const current = newSet.metadata.annotations ?? {};
  const annotations = setAnnotations(deployment, current, nextRevision(oldSets));
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  const writes: Write[] = [];
  if (!isDeepStrictEqual(annotations, current) || (newSet.spec.minReadySeconds ?? 0) !== minReadySeconds)
    writes.push(patchSet(newSet, { metadata: { annotations }, spec: { minReadySeconds } }));
  const revision = Math.max(revisionOf(newSet), nextRevision(oldSets));
  return [...writes, ...annotateRevision(deployment, revision)];
}

function annotateRevision(deployment: Deployment, revision: number): Write[] {
  const { name = '', namespace = '', annotations } = deployment.metadata;
  if (annotations?.[ANNOTATIONS.revision] === String(revision)) return [];
  const merge = { metadata: { annotations: { [ANNOTATIONS.revision]: String(revision) } } };
  return [{ verb: 'patch', gvr: DEPLOYMENTS, name, namespace, merge }];
}

function size({ deployment }: Rollout, sizes: Sizes): Write[] {
  const wanted = sizeAnnotations(deployment);
  return [...sizes].flatMap(([set, replicas]) => {
    const from = sizeOf(set);
    const known = set.metadata.annotations ?? {};
    const annotated = Object.entries(wanted).every(([key, value]) => known[key] === value);
    if (from === replicas && (annotated || replicas === 0)) return [];
    const patch = patchSet(set, { metadata: { annotations: wanted }, spec: { replicas } });
    const event = scaled(deployment, replicas > from ? 'up' : 'down', set.metadata.name ?? '', from, replicas);
    return from === replicas ? [patch] : [{ ...patch, succeeded: () => [event] }];
  });
}

function patchSet(set: ReplicaSet, merge: object): PatchWrite {
  const { name = '', namespace = '' } = set.metadata;
  return { verb: 'patch', gvr: REPLICA_SETS, name, namespace, merge };
}

const scaled = (deployment: Deployment, way: 'up' | 'down', name: string, from: number, to: number): Write => ({
  verb: 'event',
  note: {
    about: referenceTo(deployment, 'Deployment', 'apps/v1'),
    type: 'Normal',
    reason: 'ScalingReplicaSet',
    message: `Scaled ${way} replica set ${name} from ${from} to ${to}`,
  },
});

/** Old, empty sets beyond the history limit go, lowest revision first. */
function dropHistory({ deployment, oldSets }: Rollout): Write[] {
  const limit = deployment.spec.revisionHistoryLimit ?? 10;
  const alive = oldSets.filter((set) => !set.metadata.deletionTimestamp);
  const excess = [...alive].sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, alive.length - limit));
  const isIdle = (set: ReplicaSet): boolean =>
    sizeOf(set) === 0 &&
    !set.status?.replicas &&
    (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0);
  return excess.filter(isIdle).map((set) => ({ verb: 'delete', gvr: REPLICA_SETS, object: set }));
}

/** Adds the status to a pass, and when to look again for the deadline. */
function finish(rollout: Rollout, writes: readonly Write[], kind: 'rollout' | 'counts'): Plan {
  const { deployment, sets, newSet, nowMs } = rollout;
  const found =
    kind === 'rollout' && newSet && !conditionOf(rollout.conditions, 'Progressing') && hasDeadline(deployment);
  const conditions = found
    ? setCondition(
        rollout.conditions,
        condition('Progressing', 'True', PROGRESS.found, `Found new replica set "${newSet.metadata.name}"`, nowMs),
      )
    : rollout.conditions;
  const counted = countedStatus(deployment, sets, newSet, conditions, nowMs);
  const status = kind === 'rollout' ? rolloutStatus(deployment, counted, sets, newSet, nowMs) : counted;
  const cleanup = kind === 'rollout' && isComplete(deployment, status) ? dropHistory(rollout) : [];
  const deadlineMs = deadlineInMs(deployment, status.conditions ?? [], nowMs);
  return {
    writes: [...writes, ...cleanup, ...writeStatus(DEPLOYMENTS, deployment, status)],
    ...(deadlineMs !== undefined && { againInMs: Math.max(deadlineMs, 0) + 1000 }),
  };
}

function refuseEmptySelector(deployment: Deployment): Plan {
  const about = referenceTo(deployment, 'Deployment', 'apps/v1');
  const message = 'This deployment is selecting all pods. A non-empty selector is required.';
  return { writes: [{ verb: 'event', note: { about, type: 'Warning', reason: 'SelectingAll', message } }] };
}
