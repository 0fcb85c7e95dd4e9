/**
 * Nodes that fall silent: their conditions turn Unknown, they are tainted, their pods count as not ready and, in time, are evicted;
 * pods of nodes that no longer exist are removed.
 */
import { type Gvr, type KubeObject, LEASES, NODES, PODS } from '#api/kube';
import {
  conditionOf,
  formatTime,
  isTerminal,
  type Node,
  type Pod,
  parseTime,
  type Taint,
  type Toleration,
  type WorkloadCondition,
  withCondition,
} from '../../kinds/index.ts';
import { type CacheReader, type Controller, type Plan, referenceTo, type Write } from '../../reconcile/index.ts';
import { tolerates } from '../../scheduler/index.ts';

export interface NodeConfig {
  /** Without a heartbeat for so long a node counts as silent. Kubernetes: 40 s. */
  graceMs: number;
  /** How long pods that say nothing about it stay on a node that is not ready or silent. Kubernetes: 300 s. */
  evictAfterMs: number;
}

export const NODE_DEFAULTS: NodeConfig = { graceMs: 40_000, evictAfterMs: 300_000 };

interface Lease extends KubeObject {
  spec?: { renewTime?: string };
}

export interface NodeObserved {
  name: string;
  /** Absent: the node is gone, its pods are not. */
  node: Node | undefined;
  lease: Lease | undefined;
  pods: readonly Pod[];
}

const LEASE_NAMESPACE = 'kube-node-lease';
const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';
const CORDONED = 'node.kubernetes.io/unschedulable';
/** Conditions of a node that nobody vouches for any more. */
const HEARTBEAT_CONDITIONS = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const;

/** Keys are node names. */
export function nodeController(config: NodeConfig = NODE_DEFAULTS): Controller<NodeObserved> {
  const leases: Gvr = LEASES;
  return {
    name: 'node-controller',
    triggers: [
      { gvr: NODES, keys: ({ now, old }) => [(now ?? old)?.metadata.name ?? ''] },
      { gvr: leases, keys: () => [] },
      {
        gvr: PODS,
        *keys({ now, old }, caches) {
          const nodeName = (now as Pod | undefined)?.spec.nodeName;
          const isNew = nodeName && (old as Pod | undefined)?.spec.nodeName !== nodeName;
          if (isNew && needsCare(caches, nodeName)) yield nodeName;
        },
      },
    ],
    observe: (name, caches) => ({
      name,
      node: caches.of<Node>(NODES).get(name),
      lease: caches.of<Lease>(leases).get(name, LEASE_NAMESPACE),
      pods: caches
        .of<Pod>(PODS)
        .list()
        .filter((pod) => pod.spec.nodeName === name),
    }),
    reconcile: (observed, nowMs) => reconcileNode(observed, nowMs, config),
  };
}

function needsCare(caches: CacheReader, nodeName: string): boolean {
  const node = caches.of<Node>(NODES).get(nodeName);
  return !node || (node.spec?.taints ?? []).some((taint) => taint.effect === 'NoExecute');
}

/** Decides about one node and its pods. Pure. */
export function reconcileNode({ node, lease, pods }: NodeObserved, nowMs: number, config: NodeConfig): Plan {
  if (!node) return { writes: pods.map((pod) => ({ verb: 'delete', gvr: PODS, object: pod, gracePeriodSeconds: 0 })) };
  const lastSeenMs = lastSign(node, lease);
  const silent = nowMs - lastSeenMs >= config.graceMs;
  const conditions = silent ? unknownConditions(node, nowMs) : (node.status?.conditions ?? []);
  const ready = conditionOf(conditions, 'Ready')?.status;
  const eviction = evict(node, pods, ready, nowMs, config);
  const waits = [...(silent ? [] : [lastSeenMs + config.graceMs - nowMs]), ...eviction.waitsMs];
  return {
    writes: [
      ...writeTaints(node, ready, nowMs),
      ...writeConditions(node, conditions),
      ...(ready === 'True' ? [] : pods.flatMap((pod) => markNotReady(pod, nowMs))),
      ...eviction.writes,
    ],
    ...(waits.length > 0 && { againInMs: Math.max(10, Math.min(...waits)) }),
  };
}

/** The last sign of life: a heartbeat in the status, the lease, or the node's creation. */
function lastSign(node: Node, lease: Lease | undefined): number {
  const heartbeats = (node.status?.conditions ?? []).map((each) => parseTime(each.lastHeartbeatTime) ?? 0);
  return Math.max(
    ...heartbeats,
    parseTime(lease?.spec?.renewTime) ?? 0,
    parseTime(node.metadata.creationTimestamp) ?? 0,
  );
}

type NodeCondition = WorkloadCondition & { lastHeartbeatTime?: string };

function unknownConditions(node: Node, nowMs: number): readonly NodeCondition[] {
  return HEARTBEAT_CONDITIONS.reduce<readonly NodeCondition[]>((conditions, type) => {
    const old = conditionOf(conditions, type);
    if (old?.status === 'Unknown') return conditions;
    const lastHeartbeatTime = old?.lastHeartbeatTime ?? node.metadata.creationTimestamp ?? formatTime(nowMs);
    const [reason, message] = old
      ? ['NodeStatusUnknown', 'Kubelet stopped posting node status.']
      : ['NodeStatusNeverUpdated', 'Kubelet never posted node status.'];
    return withCondition(conditions, {
      type,
      status: 'Unknown',
      lastHeartbeatTime,
      lastTransitionTime: formatTime(nowMs),
      reason,
      message,
    });
  }, node.status?.conditions ?? []);
}

function writeConditions(node: Node, conditions: readonly NodeCondition[]): Write[] {
  if (conditions === node.status?.conditions || conditions.length === 0) return [];
  const { name = '' } = node.metadata;
  const note = {
    about: referenceTo(node, 'Node', 'v1'),
    type: 'Normal',
    reason: 'NodeNotReady',
    message: `Node ${name} status is now: NodeNotReady`,
  } as const;
  return [
    { verb: 'patch', gvr: NODES, name, subresource: 'status', merge: { status: { conditions } } },
    { verb: 'event', note },
  ];
}

/** Taints by readiness and cordon; taints of others stay. */
function writeTaints(node: Node, ready: string | undefined, nowMs: number): Write[] {
  const current = node.spec?.taints ?? [];
  const key = ready === 'True' ? undefined : ready === 'Unknown' ? UNREACHABLE : NOT_READY;
  const wanted: Taint[] = [
    ...(key ? (['NoSchedule', 'NoExecute'] as const).map((effect) => ({ key, effect })) : []),
    ...(node.spec?.unschedulable ? [{ key: CORDONED, effect: 'NoSchedule' as const }] : []),
  ];
  const kept = current.filter((taint) => !isOurs(taint) || wanted.some((each) => same(each, taint)));
  const added = wanted.filter((each) => !current.some((taint) => same(each, taint)));
  if (added.length === 0 && kept.length === current.length) return [];
  const timed = added.map((taint) =>
    taint.effect === 'NoExecute' ? { ...taint, timeAdded: formatTime(nowMs) } : taint,
  );
  const { name = '', resourceVersion } = node.metadata;
  const taints = [...kept, ...timed];
  const spec = { taints: taints.length > 0 ? taints : null };
  return [{ verb: 'patch', gvr: NODES, name, merge: { metadata: { resourceVersion }, spec } }];
}

const same = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;
const isOurs = ({ key }: Taint): boolean => key === NOT_READY || key === UNREACHABLE || key === CORDONED;

function markNotReady(pod: Pod, nowMs: number): Write[] {
  const condition = conditionOf(pod.status?.conditions, 'Ready');
  if (condition?.status !== 'True' || isTerminal(pod)) return [];
  const { name = '', namespace = '' } = pod.metadata;
  const next = { ...condition, status: 'False' as const, lastTransitionTime: formatTime(nowMs) };
  const merge = { status: { conditions: withCondition(pod.status?.conditions, next) } };
  return [{ verb: 'patch', gvr: PODS, name, namespace, subresource: 'status', merge, tolerate: ['NotFound'] }];
}

/** Pods that must leave a NoExecute taint now, and when the others' tolerance ends. */
function evict(
  node: Node,
  pods: readonly Pod[],
  ready: string | undefined,
  nowMs: number,
  config: NodeConfig,
): { writes: Write[]; waitsMs: number[] } {
  const taints = (node.spec?.taints ?? []).filter(
    ({ effect, key }) => effect === 'NoExecute' && !(isOurs({ key, effect }) && ready === 'True'),
  );
  const writes: Write[] = [];
  const waitsMs: number[] = [];
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp || isTerminal(pod) || taints.length === 0) continue;
    const leftMs = Math.min(
      ...taints.map((taint) => toleranceMs(pod, taint, config) + (parseTime(taint.timeAdded) ?? nowMs) - nowMs),
    );
    if (leftMs <= 0) writes.push(...eviction(pod));
    else if (Number.isFinite(leftMs)) waitsMs.push(leftMs);
  }
  return { writes, waitsMs };
}

function eviction(pod: Pod): Write[] {
  const { name = '', namespace = '' } = pod.metadata;
  const note = {
    about: referenceTo(pod, 'Pod', 'v1'),
    type: 'Normal',
    reason: 'TaintManagerEviction',
    message: `Marking for deletion Pod ${namespace}/${name}`,
  } as const;
  return [
    { verb: 'event', note },
    { verb: 'delete', gvr: PODS, object: pod },
  ];
}

/** How long a pod stands a taint; the lab's own taints are stood for a while by pods that do not mention them. */
function toleranceMs(pod: Pod, taint: Taint, config: NodeConfig): number {
  const fitting = (pod.spec.tolerations ?? []).filter((each: Toleration) => tolerates(each, taint));
  if (fitting.length === 0) return isOurs(taint) ? config.evictAfterMs : 0;
  return Math.min(
    ...fitting.map(({ tolerationSeconds }) =>
      tolerationSeconds === undefined ? Number.POSITIVE_INFINITY : tolerationSeconds * 1000,
    ),
  );
}
