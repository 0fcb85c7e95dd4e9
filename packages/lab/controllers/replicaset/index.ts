/**
 * ReplicaSets and ReplicationControllers: keep so many pods of a template, adopt matching strays, choose whom to delete, and say in
 * status and events how it goes.
 */
import { type Gvr, type KubeObject, type LabelSelector, PODS, REPLICA_SETS, REPLICATION_CONTROLLERS } from '#api/kube';
import {
  availableAtMs,
  conditionOf,
  controllerOf,
  formatTime,
  isActive,
  isAvailable,
  isReady,
  type Pod,
  type ReplicaSet,
  type ReplicaSetStatus,
  type ReplicationController,
  withCondition,
  withoutCondition,
} from '../../kinds/index.ts';
import {
  type CacheReader,
  type Controller,
  type Plan,
  refOf,
  type Trigger,
  type Write,
} from '../../reconcile/index.ts';
import { matchesLabelSelector, selectsMap } from '../../selectors/index.ts';
import { claim } from '../claim.ts';
import { createPod, deletePod, type PodOwner, podFromTemplate } from '../pod-template.ts';
import { writeStatus } from '../write-status.ts';
import { victims } from './victims.ts';

/** Pods that one pass creates or deletes at most. */
const BURST_MAX = 500;

export interface ReplicaSetObserved {
  set: ReplicaSet;
  /** Pods of its namespace. */
  pods: readonly Pod[];
  /** Pods of all sets with the same owner, by which crowded nodes are told. */
  kin: readonly Pod[];
}

interface Flavour {
  gvr: Gvr;
  apiVersion: string;
  kind: string;
  name: string;
  toSet(object: KubeObject): ReplicaSet;
}

export const replicaSetController = controllerOfFlavour({
  gvr: REPLICA_SETS,
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name: 'replicaset-controller',
  toSet: (object) => object as ReplicaSet,
});

export const replicationControllerController = controllerOfFlavour({
  gvr: REPLICATION_CONTROLLERS,
  apiVersion: 'v1',
  kind: 'ReplicationController',
  name: 'replication-controller',
  toSet: withSelectorObject,
});

/** A ReplicationController in a ReplicaSet's words; without a selector it goes by its template's labels. */
function withSelectorObject(object: KubeObject): ReplicaSet {
  const controller = object as ReplicationController;
  const matchLabels = controller.spec.selector ?? controller.spec.template.metadata?.labels ?? {};
  const selector: LabelSelector = { matchLabels };
  return { ...controller, spec: { ...controller.spec, selector } } as ReplicaSet;
}

function controllerOfFlavour(flavour: Flavour): Controller<ReplicaSetObserved> {
  const { gvr, name } = flavour;
  return {
    name,
    triggers: [{ gvr, keys: ({ now }) => (now ? [refOf(now)] : []) }, podTrigger(flavour)],
    observe(key, caches) {
      const object = caches.of(gvr).byRef(key);
      if (!object) return undefined;
      const owner = controllerOf(object)?.uid;
      const kin = owner ? caches.of(gvr).ownedBy(owner) : [object];
      const pods = caches.of<Pod>(PODS);
      return {
        set: flavour.toSet(object),
        pods: pods.list(object.metadata.namespace),
        kin: kin.flatMap((each) => pods.ownedBy(each.metadata.uid ?? '')),
      };
    },
    reconcile: (observed, nowMs) => reconcileSet(flavour, observed, nowMs),
  };
}

function podTrigger(flavour: Flavour): Trigger {
  return {
    gvr: PODS,
    *keys({ now, old }, caches) {
      for (const pod of [now, old]) {
        const owner = pod && controllerOf(pod);
        if (owner?.kind === flavour.kind) yield `${pod?.metadata.namespace ?? ''}/${owner.name}`;
      }
      if (now && !controllerOf(now)) yield* wouldAdopt(flavour, now, caches);
    },
  };
}

function* wouldAdopt(flavour: Flavour, pod: KubeObject, caches: CacheReader): Iterable<string> {
  for (const object of caches.of(flavour.gvr).list(pod.metadata.namespace)) {
    const { selector } = flavour.toSet(object).spec;
    if (matchesLabelSelector(selector, pod.metadata.labels)) yield refOf(object);
  }
}

function reconcileSet(flavour: Flavour, observed: ReplicaSetObserved, nowMs: number): Plan {
  const { set } = observed;
  const by: PodOwner = { owner: set, apiVersion: flavour.apiVersion, kind: flavour.kind };
  const matches = (pod: Pod): boolean => matchesLabelSelector(set.spec.selector, pod.metadata.labels);
  const { owned, writes } = claim(
    { ...by, matches },
    PODS,
    observed.pods.filter((pod) => isActive(pod)),
  );
  const missing = (set.spec.replicas ?? 1) - owned.length;
  const status = statusOf(set, owned, missing, nowMs);
  const scaling = set.metadata.deletionTimestamp ? [] : scale(flavour, by, observed, owned, missing, nowMs, status);
  const nextMs = nextAvailableMs(set, owned, nowMs);
  return {
    writes: [...writes, ...writeStatus(flavour.gvr, set, status), ...scaling],
    ...(nextMs !== undefined && { againInMs: nextMs }),
  };
}

/** Reconciles one ReplicaSet. Pure. */
export const reconcileReplicaSet = (observed: ReplicaSetObserved, nowMs: number): Plan =>
  replicaSetController.reconcile(observed, nowMs);

function scale(
  flavour: Flavour,
  by: PodOwner,
  observed: ReplicaSetObserved,
  owned: readonly Pod[],
  missing: number,
  nowMs: number,
  status: ReplicaSetStatus,
): Write[] {
  const { set } = observed;
  if (missing > 0) {
    const failed = (message: string): Write[] => writeStatus(flavour.gvr, set, withFailure(status, message, nowMs));
    const pods = Array.from({ length: Math.min(missing, BURST_MAX) }, () => podFromTemplate(by, set.spec.template));
    return [{ verb: 'batch', writes: pods.map((pod) => createPod(by, pod, failed)) }];
  }
  if (missing === 0) return [];
  const crowd = (nodeName: string | undefined): number =>
    nodeName ? observed.kin.filter((pod) => isActive(pod) && pod.spec.nodeName === nodeName).length : 0;
  const doomed = victims(owned, Math.min(-missing, BURST_MAX), crowd);
  return [{ verb: 'batch', writes: doomed.map((pod) => deletePod(by, pod)) }];
}

function statusOf(set: ReplicaSet, owned: readonly Pod[], missing: number, nowMs: number): ReplicaSetStatus {
  const { minReadySeconds = 0, template } = set.spec;
  const conditions = set.status?.conditions ?? [];
  const kept = missing > 0 ? conditions : withoutCondition(conditions, 'ReplicaFailure');
  return {
    replicas: owned.length,
    fullyLabeledReplicas: owned.filter((pod) => selectsMap(template.metadata?.labels ?? {}, pod.metadata.labels))
      .length,
    readyReplicas: owned.filter(isReady).length,
    availableReplicas: owned.filter((pod) => isAvailable(pod, minReadySeconds, nowMs)).length,
    observedGeneration: set.metadata.generation ?? 0,
    conditions: [...kept],
  };
}

function withFailure(status: ReplicaSetStatus, message: string, nowMs: number): ReplicaSetStatus {
  const old = conditionOf(status.conditions, 'ReplicaFailure');
  const lastTransitionTime = old?.lastTransitionTime ?? formatTime(nowMs);
  const failure = {
    type: 'ReplicaFailure',
    status: 'True' as const,
    reason: 'FailedCreate',
    message,
    lastTransitionTime,
  };
  return { ...status, conditions: [...withCondition(status.conditions, failure)] };
}

/** When the next ready pod becomes available, so that minReadySeconds passes without a further change. */
function nextAvailableMs(set: ReplicaSet, owned: readonly Pod[], nowMs: number): number | undefined {
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const waits = owned.map((pod) => (availableAtMs(pod, minReadySeconds) ?? 0) - nowMs).filter((ms) => ms > 0);
  return waits.length > 0 ? Math.min(...waits) : undefined;
}
