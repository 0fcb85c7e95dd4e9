import { containerPortsOf, type Pod, type Taint } from '../kinds/index.ts';
import { fitsNode, matchesTerm } from './node-affinity.ts';
import { affinityFilter, affinityScorer } from './pod-affinity.ts';
import { allocatable, podRequests, reserved, shortages } from './resources.ts';
import type { NodeInfo, Snapshot } from './snapshot.ts';
import { crowdingScorer, spreadFilter } from './spread.ts';
import { toleratesCordon, untolerated } from './taints.ts';

/** Where a pod goes, or why it cannot go anywhere (as `kubectl describe pod` shows it). */
export type Decision = { nodeName: string } | { unschedulable: string };

/** Picks the best node for a pod. Equal inputs give equal answers: ties go to the node with fewer pods, then by name. */
export function schedule(pod: Pod, snapshot: Snapshot): Decision {
  if (snapshot.nodes.length === 0) return { unschedulable: 'no nodes available to schedule pods' };
  const filters = FILTERS.map((build) => build(snapshot, pod));
  const objections = new Map<string, number>();
  const feasible = snapshot.nodes.filter((info) => {
    const reasons = firstReasons(filters, info);
    for (const reason of reasons) objections.set(reason, (objections.get(reason) ?? 0) + 1);
    return reasons.length === 0;
  });
  const best = rank(pod, snapshot, feasible)[0];
  return best
    ? { nodeName: best.node.metadata.name ?? '' }
    : { unschedulable: describe(snapshot.nodes.length, objections) };
}

type Filter = (info: NodeInfo) => readonly string[];

/** In the order in which the first objection counts. */
const FILTERS: readonly ((snapshot: Snapshot, pod: Pod) => Filter)[] = [
  (_snapshot, pod) => (info) =>
    info.node.spec?.unschedulable && !toleratesCordon(pod) ? ['node(s) were unschedulable'] : [],
  (_snapshot, pod) => (info) => untolerated(pod, info.node, ['NoSchedule', 'NoExecute']).slice(0, 1).map(describeTaint),
  (_snapshot, pod) => (info) => (fitsNode(pod, info.node) ? [] : ["node(s) didn't match Pod's node affinity/selector"]),
  (_snapshot, pod) => (info) =>
    hostPortsFree(pod, info) ? [] : ["node(s) didn't have free ports for the requested pod ports"],
  (_snapshot, pod) => (info) =>
    shortages(pod, info.node, info.pods).map((name) => (name === 'pods' ? 'Too many pods' : `Insufficient ${name}`)),
  (snapshot, pod) => listOf(spreadFilter(snapshot, pod)),
  (snapshot, pod) => listOf(affinityFilter(snapshot, pod)),
];

const listOf =
  (check: (info: NodeInfo) => string | undefined): Filter =>
  (info) => {
    const reason = check(info);
    return reason === undefined ? [] : [reason];
  };

function firstReasons(filters: readonly Filter[], info: NodeInfo): readonly string[] {
  for (const filter of filters) {
    const reasons = filter(info);
    if (reasons.length > 0) return reasons;
  }
  return [];
}

const describeTaint = ({ key, value = '' }: Taint): string => `node(s) had untolerated taint {${key}: ${value}}`;

function describe(nodes: number, objections: ReadonlyMap<string, number>): string {
  const reasons = [...objections].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${nodes} nodes are available: ${reasons.join(', ')}.`;
}

function hostPortsFree(pod: Pod, info: NodeInfo): boolean {
  const used = info.pods.flatMap(hostPorts);
  return hostPorts(pod).every((wanted) => !used.some((taken) => collide(wanted, taken)));
}

interface HostPort {
  port: number;
  protocol: string;
  ip: string;
}
const hostPorts = (pod: Pod): HostPort[] =>
  containerPortsOf(pod).flatMap(({ hostPort, containerPort, protocol = 'TCP', hostIP = '0.0.0.0' }) => {
    const port = hostPort ?? (pod.spec.hostNetwork ? containerPort : 0);
    return port > 0 ? [{ port, protocol, ip: hostIP || '0.0.0.0' }] : [];
  });

const collide = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0');

/** What makes a node good, each brought to 0…100 over the candidates and weighted. */
const SCORES: readonly {
  weight: number;
  build(snapshot: Snapshot, pod: Pod): (info: NodeInfo) => number;
  lowIsGood?: boolean;
}[] = [
  {
    weight: 3,
    build: (_snapshot, pod) => (info) => untolerated(pod, info.node, ['PreferNoSchedule']).length,
    lowIsGood: true,
  },
  { weight: 2, build: (_snapshot, pod) => preferredNode(pod) },
  { weight: 2, build: affinityScorer },
  { weight: 2, build: crowdingScorer, lowIsGood: true },
  { weight: 1, build: (_snapshot, pod) => freeShare(pod) },
];

function preferredNode(pod: Pod): (info: NodeInfo) => number {
  const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return ({ node }) =>
    preferred.reduce((sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0), 0);
}

/** Mean share of cpu and memory that would stay free. */
const freeShare =
  (pod: Pod) =>
  ({ node, pods }: NodeInfo): number => {
    const capacity = allocatable(node);
    const used = reserved(pods);
    const wanted = podRequests(pod);
    const shares = ['cpu', 'memory'].map((name) => {
      const all = capacity[name] ?? 0;
      return all === 0 ? 0 : Math.max(0, 1 - ((used[name] ?? 0) + (wanted[name] ?? 0)) / all);
    });
    return shares.reduce((sum, share) => sum + share, 0) / shares.length;
  };

function rank(pod: Pod, snapshot: Snapshot, feasible: readonly NodeInfo[]): NodeInfo[] {
  const totals = new Map(feasible.map((info) => [info, 0]));
  for (const { weight, build, lowIsGood } of SCORES) {
    const score = build(snapshot, pod);
    const raw = feasible.map((info) => ({ info, value: score(info) }));
    const [low, high] = [Math.min(...raw.map((each) => each.value)), Math.max(...raw.map((each) => each.value))];
    for (const { info, value } of raw) {
      const share = high === low ? 1 : (value - low) / (high - low);
      totals.set(info, (totals.get(info) ?? 0) + weight * 100 * (lowIsGood && high !== low ? 1 - share : share));
    }
  }
  return [...feasible].sort(
    (a, b) =>
      (totals.get(b) ?? 0) - (totals.get(a) ?? 0) ||
      a.pods.length - b.pods.length ||
      ((a.node.metadata.name ?? '') < (b.node.metadata.name ?? '') ? -1 : 1),
  );
}
