import { type KubeObject, NAMESPACES, NODES, PODS } from '#api/kube';
import {
  conditionOf,
  formatTime,
  isTerminal,
  type Namespace,
  type Node,
  type Pod,
  withCondition,
} from '../kinds/index.ts';
import {
  type CacheReader,
  type Change,
  type Controller,
  NOTHING,
  type Plan,
  referenceTo,
  refOf,
  type Write,
} from '../reconcile/index.ts';
import { schedule } from './schedule.ts';
import type { NodeInfo, Snapshot } from './snapshot.ts';

/** The name that pods ask for unless they say otherwise. */
export const SCHEDULER_NAME = 'default-scheduler';

export interface SchedulingObserved {
  pod: Pod;
  snapshot: Snapshot;
}

/** Assigns pending pods to nodes, one at a time, so that each decision sees the ones before. */
export const schedulerController: Controller<SchedulingObserved> = {
  name: SCHEDULER_NAME,
  concurrency: 1,
  triggers: [
    { gvr: PODS, keys: afterPodChange },
    { gvr: NODES, keys: afterNodeChange },
    // Watched for selectors over namespaces; a change of labels there does not move pods by itself.
    { gvr: NAMESPACES, keys: () => [] },
  ],
  observe(key, caches) {
    const pod = caches.of<Pod>(PODS).byRef(key);
    return pod && isPending(pod) ? { pod, snapshot: snapshotOf(caches) } : undefined;
  },
  reconcile: reconcilePod,
};

const isPending = (pod: Pod): boolean =>
  !pod.spec.nodeName &&
  !isTerminal(pod) &&
  !pod.metadata.deletionTimestamp &&
  (pod.spec.schedulerName || SCHEDULER_NAME) === SCHEDULER_NAME;

function afterPodChange({ now, old }: Change, caches: CacheReader): string[] {
  const [pod, before] = [now as Pod | undefined, old as Pod | undefined];
  if (pod && isPending(pod)) return before && sameWishes(pod, before) ? [] : [refOf(pod)];
  const occupies = (each: Pod | undefined): boolean => each?.spec.nodeName !== undefined && !isTerminal(each);
  if (occupies(pod) === occupies(before)) return [];
  // A place came free: good for all. A neighbour came: good for those who want company or even spread.
  return occupies(before) ? waiting(caches) : waiting(caches, mindsNeighbours);
}

const mindsNeighbours = ({ spec }: Pod): boolean =>
  spec.affinity?.podAffinity !== undefined || (spec.topologySpreadConstraints ?? []).length > 0;

/** Status updates of a pending pod, our own included, are no reason to think again. */
const sameWishes = (a: Pod, b: Pod): boolean => isPending(b) && wishes(a) === wishes(b);

const wishes = ({ metadata, spec }: Pod): string =>
  JSON.stringify([metadata.generation, metadata.labels, spec.schedulingGates, spec.nodeSelector, spec.tolerations]);

function afterNodeChange({ now, old }: Change, caches: CacheReader): string[] {
  const traits = (node: KubeObject | undefined): string => {
    const { metadata, spec, status } = (node ?? { metadata: {} }) as Node;
    return JSON.stringify([metadata.labels, spec?.taints, spec?.unschedulable, status?.allocatable]);
  };
  return now && traits(now) !== traits(old) ? waiting(caches) : [];
}

const waiting = (caches: CacheReader, which: (pod: Pod) => boolean = () => true): string[] =>
  caches
    .of<Pod>(PODS)
    .list()
    .filter((pod) => isPending(pod) && which(pod))
    .map(refOf);

function snapshotOf(caches: CacheReader): Snapshot {
  const byNode = new Map<string, Pod[]>();
  for (const pod of caches.of<Pod>(PODS).list()) {
    const { nodeName } = pod.spec;
    if (!nodeName || isTerminal(pod)) continue;
    const pods = byNode.get(nodeName) ?? [];
    pods.push(pod);
    byNode.set(nodeName, pods);
  }
  const nodes: NodeInfo[] = caches
    .of<Node>(NODES)
    .list()
    .filter((node) => !node.metadata.deletionTimestamp)
    .map((node) => ({ node, pods: byNode.get(node.metadata.name ?? '') ?? [] }));
  return { nodes, namespaceLabels: (name) => caches.of<Namespace>(NAMESPACES).get(name)?.metadata.labels };
}

/** Decides about one pending pod. Pure. */
export function reconcilePod({ pod, snapshot }: SchedulingObserved, nowMs: number): Plan {
  const about = referenceTo(pod, 'Pod', 'v1');
  if ((pod.spec.schedulingGates ?? []).length > 0)
    return {
      writes: notScheduled(pod, 'SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates', nowMs),
    };
  const decision = schedule(pod, snapshot);
  if ('unschedulable' in decision) {
    const told = notScheduled(pod, 'Unschedulable', decision.unschedulable, nowMs);
    if (told.length === 0) return NOTHING;
    const note = { about, type: 'Warning', reason: 'FailedScheduling', message: decision.unschedulable } as const;
    return { writes: [...told, { verb: 'event', note }] };
  }
  const { nodeName } = decision;
  const { name, namespace } = pod.metadata;
  const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`;
  const event: Write = { verb: 'event', note: { about, type: 'Normal', reason: 'Scheduled', message } };
  return { writes: [{ verb: 'bind', pod, nodeName, succeeded: () => [event] }] };
}

function notScheduled(pod: Pod, reason: string, message: string, nowMs: number): Write[] {
  const current = conditionOf(pod.status?.conditions, 'PodScheduled');
  if (current?.status === 'False' && current.reason === reason && current.message === message) return [];
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    lastTransitionTime: formatTime(nowMs),
    reason,
    message,
  } as const;
  const conditions = withCondition(pod.status?.conditions, condition);
  const { name = '', namespace = '', uid } = pod.metadata;
  const merge = { metadata: { uid }, status: { phase: pod.status?.phase ?? 'Pending', conditions } };
  return [{ verb: 'patch', gvr: PODS, name, namespace, subresource: 'status', merge, tolerate: ['NotFound'] }];
}
