/** DaemonSets: one pod on every node that fits and is tolerated; rolling updates within maxUnavailable or with a surge. */
import { CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS } from '#api/kube';
import {
  type ControllerRevision,
  type DaemonSet,
  type DaemonSetStatus,
  isAvailable,
  isReady,
  isTerminal,
  type Node,
  type Pod,
  scaledValue,
  type Toleration,
} from '../../kinds/index.ts';
import {
  type CacheReader,
  type Change,
  type Controller,
  NOTHING,
  type Plan,
  refOf,
  type Write,
} from '../../reconcile/index.ts';
import { fitsNode, untolerated } from '../../scheduler/index.ts';
import { isEmptySelector, matchesLabelSelector } from '../../selectors/index.ts';
import { claim, ownersOfKind } from '../claim.ts';
import { createPod, deletePod, type PodOwner, podFromTemplate } from '../pod-template.ts';
import { dropRevisions, hashOf, REVISION_LABEL, revisionsOf } from '../revisions.ts';
import { writeStatus } from '../write-status.ts';

export interface DaemonSetObserved {
  set: DaemonSet;
  nodes: readonly Node[];
  /** Pods of its namespace. */
  pods: readonly Pod[];
  /** ControllerRevisions of its namespace. */
  revisions: readonly ControllerRevision[];
}

export const daemonSetController: Controller<DaemonSetObserved> = {
  name: 'daemonset-controller',
  triggers: [
    { gvr: DAEMON_SETS, keys: ({ now }) => (now ? [refOf(now)] : []) },
    { gvr: PODS, keys: ownersOfKind('DaemonSet') },
    { gvr: CONTROLLER_REVISIONS, keys: ownersOfKind('DaemonSet') },
    { gvr: NODES, keys: afterNodeChange },
  ],
  observe(key, caches) {
    const set = caches.of<DaemonSet>(DAEMON_SETS).byRef(key);
    if (!set) return undefined;
    return {
      set,
      nodes: caches.of<Node>(NODES).list(),
      pods: caches.of<Pod>(PODS).list(set.metadata.namespace),
      revisions: caches.of<ControllerRevision>(CONTROLLER_REVISIONS).list(set.metadata.namespace),
    };
  },
  reconcile: reconcileDaemonSet,
};

function afterNodeChange({ now, old }: Change, caches: CacheReader): string[] {
  const traits = (node: Node | undefined): string => JSON.stringify([node?.metadata.labels, node?.spec]);
  if (now && old && traits(now as Node) === traits(old as Node)) return [];
  return caches.of<DaemonSet>(DAEMON_SETS).list().map(refOf);
}

/** What every daemon tolerates: it belongs to its node, whatever the node's state. */
const TOLERATIONS: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];

const asOwner = (set: DaemonSet): PodOwner => ({ owner: set, apiVersion: 'apps/v1', kind: 'DaemonSet' });

/** One node as the set sees it. */
interface Place {
  node: Node;
  wanted: boolean;
  /** May stay though it would not be put there anew. */
  tolerated: boolean;
  /** Living pods of the set on the node, oldest first. */
  pods: Pod[];
}

/** Decides about all pods of one DaemonSet. Pure. */
export function reconcileDaemonSet(observed: DaemonSetObserved, nowMs: number): Plan {
  const { set } = observed;
  const { selector, template } = set.spec;
  if (isEmptySelector(selector)) return NOTHING;
  const matches = (pod: Pod): boolean => matchesLabelSelector(selector, pod.metadata.labels);
  const { owned, writes } = claim({ ...asOwner(set), matches }, PODS, observed.pods);
  const {
    update,
    history,
    writes: revising,
  } = revisionsOf(asOwner(set), template, selector.matchLabels ?? {}, observed.revisions);
  const places = observed.nodes.map((node) => placeOf(set, node, owned));
  const hash = hashOf(update);
  const steps = set.metadata.deletionTimestamp
    ? []
    : [...revising, ...manage(set, places, owned, hash), ...roll(set, places, hash, nowMs)];
  const inUse = new Set([hash, ...owned.map(hashOfPod)]);
  const cleanup = dropRevisions(history, (each) => inUse.has(hashOf(each)), set.spec.revisionHistoryLimit ?? 10);
  const status = statusOf(set, places, hash, nowMs);
  const waits = (set.spec.minReadySeconds ?? 0) > 0 && (status.numberAvailable ?? 0) < (status.numberReady ?? 0);
  return {
    writes: [...writes, ...writeStatus(DAEMON_SETS, set, status), ...steps, ...cleanup],
    ...(waits && { againInMs: 1000 }),
  };
}

const hashOfPod = (pod: Pod): string => pod.metadata.labels?.[REVISION_LABEL] ?? '';

/** The node a daemon is meant for: where it runs, or what its affinity names until it is placed. */
function nodeNameOf(pod: Pod): string | undefined {
  if (pod.spec.nodeName) return pod.spec.nodeName;
  const terms =
    pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap((term) => term.matchFields ?? []).find((field) => field.key === 'metadata.name')?.values?.[0];
}

function placeOf(set: DaemonSet, node: Node, owned: readonly Pod[]): Place {
  const pod = { metadata: {}, spec: { ...set.spec.template.spec, tolerations: tolerationsOf(set) } } as Pod;
  const fits = fitsNode(pod, node) && (!pod.spec.nodeName || pod.spec.nodeName === node.metadata.name);
  const tolerated = fits && untolerated(pod, node, ['NoExecute']).length === 0;
  const wanted = tolerated && untolerated(pod, node, ['NoSchedule']).length === 0;
  const pods = owned
    .filter((each) => nodeNameOf(each) === node.metadata.name && !each.metadata.deletionTimestamp)
    .sort((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''));
  return { node, wanted, tolerated, pods };
}

const tolerationsOf = (set: DaemonSet): Toleration[] => [...(set.spec.template.spec.tolerations ?? []), ...TOLERATIONS];

/** Makes missing daemons, removes finished, surplus and misplaced ones. */
function manage(set: DaemonSet, places: readonly Place[], owned: readonly Pod[], hash: string): Write[] {
  const by = asOwner(set);
  const known = new Set(places.map(({ node }) => node.metadata.name));
  const lost = owned.filter((pod) => !pod.metadata.deletionTimestamp && !known.has(nodeNameOf(pod) ?? ''));
  const doomed = places.flatMap(({ wanted, tolerated, pods }) => {
    if (!tolerated) return pods;
    const finished = pods.filter(isTerminal);
    const living = pods.filter((pod) => !isTerminal(pod));
    return [...finished, ...(wanted ? surplus(set, living, hash) : [])];
  });
  const missing = places.filter(({ wanted, node, pods }) => wanted && pods.length === 0 && !isLeaving(owned, node));
  return [
    { verb: 'batch', writes: [...lost, ...doomed].map((pod) => deletePod(by, pod)) },
    { verb: 'batch', writes: missing.map(({ node }) => createPod(by, buildPod(set, node.metadata.name ?? '', hash))) },
  ];
}

/** The successor comes when the old daemon has left the node. */
const isLeaving = (owned: readonly Pod[], node: Node): boolean =>
  owned.some((pod) => pod.metadata.deletionTimestamp && nodeNameOf(pod) === node.metadata.name);

/** Of several daemons on one node the oldest stays; while a surging update runs, an old and a new one may be side by side. */
function surplus(set: DaemonSet, living: readonly Pod[], hash: string): Pod[] {
  if (surgeOf(set, 1) === 0) return living.slice(1);
  const [fresh, old] = [
    living.filter((pod) => hashOfPod(pod) === hash),
    living.filter((pod) => hashOfPod(pod) !== hash),
  ];
  return [...fresh.slice(1), ...old.slice(1)];
}

function buildPod(set: DaemonSet, nodeName: string, hash: string): Pod {
  const pod = podFromTemplate(asOwner(set), set.spec.template);
  const { affinity } = pod.spec;
  const field = { matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: [nodeName] }] };
  const required = { nodeSelectorTerms: [field] };
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: {
        ...pod.metadata.labels,
        [REVISION_LABEL]: hash,
        'pod-template-generation': String(set.metadata.generation ?? 1),
      },
    },
    spec: {
      ...pod.spec,
      tolerations: tolerationsOf(set),
      affinity: {
        ...affinity,
        nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: required },
      },
    },
  };
}

const desired = (places: readonly Place[]): number => places.filter(({ wanted }) => wanted).length;
const surgeOf = (set: DaemonSet, total: number): number =>
  scaledValue(set.spec.updateStrategy?.rollingUpdate?.maxSurge ?? 0, total, 'up');

/** Replaces outdated daemons, those first that are not available anyway. */
function roll(set: DaemonSet, places: readonly Place[], hash: string, nowMs: number): Write[] {
  if (set.spec.updateStrategy?.type === 'OnDelete') return [];
  const total = desired(places);
  const surge = surgeOf(set, total);
  const isUp = (pod: Pod): boolean => isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);
  const split = places
    .filter(({ wanted }) => wanted)
    .map(({ node, pods }) => ({
      node,
      fresh: pods.find((pod) => hashOfPod(pod) === hash),
      old: pods.find((pod) => hashOfPod(pod) !== hash),
    }));
  if (surge > 0) return rollWithSurge(set, split, surge, hash, isUp);
  const most = Math.max(1, scaledValue(set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, total, 'up'));
  const down = split.filter(({ fresh, old }) => ![fresh, old].some((pod) => pod && isUp(pod)));
  const idle = down.flatMap(({ old }) => (old ? [old] : []));
  const serving = split.flatMap(({ old }) => (old && isUp(old) ? [old] : []));
  const allowed = Math.max(0, most - down.length);
  return [...idle, ...serving.slice(0, allowed)].map((pod) => deletePod(asOwner(set), pod));
}

type Split = readonly { node: Node; fresh: Pod | undefined; old: Pod | undefined }[];

/** New daemons beside the old ones, which go once their successors are available. */
function rollWithSurge(
  set: DaemonSet,
  split: Split,
  surge: number,
  hash: string,
  isUp: (pod: Pod) => boolean,
): Write[] {
  const both = split.filter(({ fresh, old }) => fresh && old);
  const replaced = both.flatMap(({ fresh, old }) => (fresh && old && isUp(fresh) ? [old] : []));
  const waiting = split.filter(({ fresh, old }) => !fresh && old);
  const room = Math.max(0, surge - (both.length - replaced.length));
  return [
    ...replaced.map((pod) => deletePod(asOwner(set), pod)),
    ...waiting.slice(0, room).map(({ node }) => createPod(asOwner(set), buildPod(set, node.metadata.name ?? '', hash))),
  ];
}

function statusOf(set: DaemonSet, places: readonly Place[], hash: string, nowMs: number): DaemonSetStatus {
  const wanted = places.filter((place) => place.wanted);
  const running = wanted.filter(({ pods }) => pods.length > 0);
  const first = running.map(({ pods }) => pods.find((pod) => hashOfPod(pod) === hash) ?? pods[0]!);
  const ready = running.filter(({ pods }) => pods.some(isReady));
  const available = running.filter(({ pods }) =>
    pods.some((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)),
  );
  return {
    desiredNumberScheduled: wanted.length,
    currentNumberScheduled: running.length,
    numberMisscheduled: places.filter((place) => !place.wanted && place.pods.length > 0).length,
    numberReady: ready.length,
    updatedNumberScheduled: first.filter((pod) => hashOfPod(pod) === hash).length,
    numberAvailable: available.length,
    numberUnavailable: wanted.length - available.length,
    observedGeneration: set.metadata.generation ?? 0,
    ...(set.status?.collisionCount !== undefined && { collisionCount: set.status.collisionCount }),
  };
}
