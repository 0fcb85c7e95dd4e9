import type { Container, Node, Pod } from '../kinds/index.ts';
import { quantityNumber } from '../schema/index.ts';

/** Amounts by resource name in base units, e.g. `{cpu: 0.25, memory: 67108864}`. */
export type Amounts = Readonly<Record<string, number>>;

/** Pods that a node takes unless it says otherwise. */
const PODS_PER_NODE = 110;

function requestsOf(container: Container): Amounts {
  const { requests = {}, limits = {} } = container.resources ?? {};
  return Object.fromEntries(
    Object.entries({ ...limits, ...requests }).map(([name, value]) => [name, quantityNumber(value)]),
  );
}

const combine = (a: Amounts, b: Amounts, how: (x: number, y: number) => number): Amounts =>
  Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map((name) => [name, how(a[name] ?? 0, b[name] ?? 0)]),
  );
const plus = (a: Amounts, b: Amounts): Amounts => combine(a, b, (x, y) => x + y);
const most = (a: Amounts, b: Amounts): Amounts => combine(a, b, Math.max);

/**
 * What a pod reserves: its containers and sidecars together, or the largest init container with the sidecars started before it,
 * whichever is more.
 */
export function podRequests(pod: Pod): Amounts {
  let sidecars: Amounts = {};
  let peak: Amounts = {};
  for (const container of pod.spec.initContainers ?? []) {
    const needs = plus(requestsOf(container), sidecars);
    if (container.restartPolicy === 'Always') sidecars = needs;
    peak = most(peak, needs);
  }
  const running = pod.spec.containers.map(requestsOf).reduce(plus, sidecars);
  const overhead = Object.entries(pod.spec.overhead ?? {}).map(
    ([name, value]) => [name, quantityNumber(value)] as const,
  );
  return plus(most(running, peak), Object.fromEntries(overhead));
}

/** What a node has for pods. */
export function allocatable(node: Node): Amounts {
  const entries = Object.entries(node.status?.allocatable ?? {}).map(([name, value]) => [name, quantityNumber(value)]);
  return { pods: PODS_PER_NODE, ...Object.fromEntries(entries) };
}

/** Sum of what pods reserve, with their number as `pods`. */
export const reserved = (pods: readonly Pod[]): Amounts => ({
  ...pods.map(podRequests).reduce(plus, {}),
  pods: pods.length,
});

/** Names of resources that a pod wants and the node cannot give. A resource the node does not report has no bound. */
export function shortages(pod: Pod, node: Node, pods: readonly Pod[]): string[] {
  const capacity = allocatable(node);
  const used = reserved(pods);
  const wanted: Amounts = { ...podRequests(pod), pods: 1 };
  const limited = Object.keys(wanted).filter((name) => (wanted[name] ?? 0) > 0 && capacity[name] !== undefined);
  return limited.filter((name) => (used[name] ?? 0) + (wanted[name] ?? 0) > (capacity[name] ?? 0));
}
