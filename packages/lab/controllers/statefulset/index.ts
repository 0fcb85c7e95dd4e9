/**
 * StatefulSets: pods with numbers, names and claims of their own, made and removed in order, updated from the highest number down
 * to a partition.
 */
import { CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS } from '#api/kube';
import {
  type ControllerRevision,
  isAvailable,
  isReady,
  isTerminal,
  type PersistentVolumeClaim,
  type Pod,
  type PodTemplateSpec,
  type StatefulSet,
  type StatefulSetStatus,
} from '../../kinds/index.ts';
import { type Controller, NOTHING, type Plan, refOf, type Write } from '../../reconcile/index.ts';
import { isEmptySelector, matchesLabelSelector } from '../../selectors/index.ts';
import { claim, ownersOfKind } from '../claim.ts';
import { createPod, deletePod } from '../pod-template.ts';
import { dropRevisions, REVISION_LABEL, revisionsOf } from '../revisions.ts';
import { writeStatus } from '../write-status.ts';
import { asOwner, buildClaims, buildPod, claimName, ordinalOf } from './pods.ts';

export interface StatefulSetObserved {
  set: StatefulSet;
  /** Pods of its namespace. */
  pods: readonly Pod[];
  /** ControllerRevisions of its namespace. */
  revisions: readonly ControllerRevision[];
  claimOf(name: string): PersistentVolumeClaim | undefined;
}

export const statefulSetController: Controller<StatefulSetObserved> = {
  name: 'statefulset-controller',
  triggers: [
    { gvr: STATEFUL_SETS, keys: ({ now }) => (now ? [refOf(now)] : []) },
    { gvr: PODS, keys: ownersOfKind('StatefulSet') },
    { gvr: CONTROLLER_REVISIONS, keys: ownersOfKind('StatefulSet') },
    { gvr: PERSISTENT_VOLUME_CLAIMS, keys: () => [] },
  ],
  observe(key, caches) {
    const set = caches.of<StatefulSet>(STATEFUL_SETS).byRef(key);
    if (!set) return undefined;
    const { namespace } = set.metadata;
    return {
      set,
      pods: caches.of<Pod>(PODS).list(namespace),
      revisions: caches.of<ControllerRevision>(CONTROLLER_REVISIONS).list(namespace),
      claimOf: (name) => caches.of<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS).get(name, namespace),
    };
  },
  reconcile: reconcileStatefulSet,
};

/** What a pass over one set knows. */
interface Pass {
  set: StatefulSet;
  /** Pods by ordinal. */
  pods: ReadonlyMap<number, Pod>;
  update: ControllerRevision;
  /** The revision that pods below the partition, and not yet updated ones, belong to. */
  current: ControllerRevision;
  status: StatefulSetStatus;
  claimOf: StatefulSetObserved['claimOf'];
  nowMs: number;
}

/** Decides the next steps of one StatefulSet: one pod at a time where order matters. Pure. */
export function reconcileStatefulSet(observed: StatefulSetObserved, nowMs: number): Plan {
  const { set } = observed;
  const { selector, template } = set.spec;
  if (isEmptySelector(selector)) return NOTHING;
  const matches = (pod: Pod): boolean =>
    matchesLabelSelector(selector, pod.metadata.labels) && ordinalOf(set, pod) !== undefined;
  const { owned, writes } = claim({ ...asOwner(set), matches }, PODS, observed.pods);
  const {
    update,
    history,
    writes: revising,
  } = revisionsOf(asOwner(set), template, selector.matchLabels ?? {}, observed.revisions);
  const current = history.find((each) => each.metadata.name === set.status?.currentRevision) ?? update;
  const pods = new Map(owned.map((pod) => [ordinalOf(set, pod) ?? -1, pod]));
  const status = statusOf(set, owned, update, current, nowMs);
  const pass: Pass = { set, pods, update, current, status, claimOf: observed.claimOf, nowMs };
  const inUse = new Set([update.metadata.name, current.metadata.name, ...owned.map(revisionName)]);
  const steps = set.metadata.deletionTimestamp ? [] : [...revising, ...step(pass)];
  const cleanup = dropRevisions(history, (each) => inUse.has(each.metadata.name), set.spec.revisionHistoryLimit ?? 10);
  const waits = (set.spec.minReadySeconds ?? 0) > 0 && (status.availableReplicas ?? 0) < (status.readyReplicas ?? 0);
  return {
    writes: [...writes, ...writeStatus(STATEFUL_SETS, set, status), ...steps, ...cleanup],
    ...(waits && { againInMs: 1000 }),
  };
}

const revisionName = (pod: Pod): string => pod.metadata.labels?.[REVISION_LABEL] ?? '';
const isTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;
const partitionOf = ({ spec }: StatefulSet): number => spec.updateStrategy?.rollingUpdate?.partition ?? 0;
const firstOrdinal = ({ spec }: StatefulSet): number => spec.ordinals?.start ?? 0;
const sizeOf = ({ spec }: StatefulSet): number => spec.replicas ?? 1;

function isHealthy({ set, nowMs }: Pass, pod: Pod): boolean {
  return (
    pod.status?.phase === 'Running' &&
    isReady(pod) &&
    isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs) &&
    !isTerminating(pod)
  );
}

function step(pass: Pass): Write[] {
  const { set } = pass;
  const ordered = set.spec.podManagementPolicy !== 'Parallel';
  const filling = fill(pass, ordered);
  if (filling.done) return filling.writes;
  const shrinking = shrink(pass, ordered);
  if (shrinking.done) return [...filling.writes, ...shrinking.writes];
  const rolling = set.spec.updateStrategy?.type === 'OnDelete' ? [] : rollOne(pass);
  return [...filling.writes, ...shrinking.writes, ...rolling];
}

/** Writes of one stage; `done` when later stages must wait. */
interface Stage {
  writes: Write[];
  done: boolean;
}

/** Makes missing pods, lowest number first; in order each waits for the one before. */
function fill(pass: Pass, ordered: boolean): Stage {
  const { set, pods } = pass;
  const writes: Write[] = [];
  for (let ordinal = firstOrdinal(set); ordinal < firstOrdinal(set) + sizeOf(set); ordinal++) {
    const pod = pods.get(ordinal);
    if (pod && isTerminal(pod) && !isTerminating(pod)) writes.push(deletePod(asOwner(set), pod));
    else if (!pod) writes.push(...make(pass, ordinal));
    else if (!ordered || isHealthy(pass, pod)) continue;
    if (ordered) return { writes, done: true };
  }
  return { writes, done: false };
}

function make(pass: Pass, ordinal: number): Write[] {
  const { set, update, current, claimOf } = pass;
  const revision = belongsToCurrent(pass, ordinal) ? current : update;
  const template = (revision.data?.spec?.template ?? set.spec.template) as PodTemplateSpec & { $patch?: string };
  const { $patch: _directive, ...plain } = template;
  const missing = buildClaims(set, ordinal).filter((each) => !claimOf(each.metadata.name ?? ''));
  const claims = missing.map(
    (object): Write => ({ verb: 'create', gvr: PERSISTENT_VOLUME_CLAIMS, object, tolerate: ['AlreadyExists'] }),
  );
  return [...claims, createPod(asOwner(set), buildPod(set, plain, revision.metadata.name ?? '', ordinal))];
}

/** Whether a pod that is made anew gets the old template: below the partition, or not yet reached by the update. */
function belongsToCurrent({ set, current, update, status }: Pass, ordinal: number): boolean {
  if (current === update || set.spec.updateStrategy?.type === 'OnDelete') return false;
  const position = ordinal - firstOrdinal(set);
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition;
  return partition === undefined ? position < (status.currentReplicas ?? 0) : position < partition;
}

/** Removes pods outside the wanted numbers, highest first; in order one after the other, and only while the rest is well. */
function shrink(pass: Pass, ordered: boolean): Stage {
  const { set, pods } = pass;
  const [low, high] = [firstOrdinal(set), firstOrdinal(set) + sizeOf(set)];
  const condemned = [...pods].filter(([ordinal]) => ordinal < low || ordinal >= high).sort(([a], [b]) => b - a);
  const leaving = condemned.filter(([, pod]) => !isTerminating(pod));
  const gone = condemned.flatMap(([ordinal]) => retire(pass, ordinal));
  if (!ordered)
    return { writes: [...leaving.map(([, pod]) => deletePod(asOwner(set), pod)), ...gone], done: condemned.length > 0 };
  if (condemned.length === 0) return { writes: [], done: false };
  if (condemned.length > leaving.length) return { writes: gone, done: true };
  const next = leaving[0]?.[1];
  return { writes: next ? [deletePod(asOwner(set), next), ...gone] : gone, done: true };
}

/** Claims of a number that is no longer wanted, where the set says that they go with it. */
function retire({ set, claimOf }: Pass, ordinal: number): Write[] {
  if (set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete') return [];
  return (set.spec.volumeClaimTemplates ?? []).flatMap((template) => {
    const found = claimOf(claimName(set, template, ordinal));
    return found && !found.metadata.deletionTimestamp
      ? [{ verb: 'delete', gvr: PERSISTENT_VOLUME_CLAIMS, object: found } as const]
      : [];
  });
}

/** Replaces the highest outdated pod, once everything above it is well. */
function rollOne(pass: Pass): Write[] {
  const { set, pods, update } = pass;
  const lowest = firstOrdinal(set) + partitionOf(set);
  for (let ordinal = firstOrdinal(set) + sizeOf(set) - 1; ordinal >= lowest; ordinal--) {
    const pod = pods.get(ordinal);
    if (!pod) return [];
    if (revisionName(pod) !== update.metadata.name && !isTerminating(pod)) return [deletePod(asOwner(set), pod)];
    if (!isHealthy(pass, pod)) return [];
  }
  return [];
}

function statusOf(
  set: StatefulSet,
  pods: readonly Pod[],
  update: ControllerRevision,
  current: ControllerRevision,
  nowMs: number,
): StatefulSetStatus {
  const { minReadySeconds = 0 } = set.spec;
  const running = pods.filter((pod) => pod.status?.phase === 'Running' && isReady(pod));
  const staying = pods.filter((pod) => !isTerminating(pod));
  const of = (revision: ControllerRevision): number =>
    staying.filter((pod) => revisionName(pod) === revision.metadata.name).length;
  const counts = {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: pods.length,
    readyReplicas: running.length,
    availableReplicas: running.filter((pod) => isAvailable(pod, minReadySeconds, nowMs)).length,
    updatedReplicas: of(update),
  };
  const isDone =
    counts.updatedReplicas === sizeOf(set) && counts.readyReplicas === sizeOf(set) && counts.replicas === sizeOf(set);
  const reached = isDone && set.spec.updateStrategy?.type !== 'OnDelete' ? update : current;
  const { collisionCount, conditions } = set.status ?? {};
  return {
    ...counts,
    currentReplicas: of(reached),
    currentRevision: reached.metadata.name ?? '',
    updateRevision: update.metadata.name ?? '',
    ...(collisionCount !== undefined && { collisionCount }),
    ...(conditions && { conditions }),
  };
}
