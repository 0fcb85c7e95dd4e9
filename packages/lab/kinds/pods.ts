import { conditionOf, isTrue } from './conditions.ts';
import { parseTime } from './times.ts';
import type { ContainerPort, Pod, ServicePort } from './types.ts';

/** Succeeded or Failed: its containers will not run again. */
export const isTerminal = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

/** Counts towards a workload's replicas: neither finished nor being deleted. */
export const isActive = (pod: Pod): boolean => !isTerminal(pod) && !pod.metadata.deletionTimestamp;

/** Its Ready condition is True. */
export const isReady = (pod: Pod): boolean => isTrue(pod.status?.conditions, 'Ready');

/**
 * When the pod counts as available: it is ready and has been so for `minReadySeconds`. Gives the moment in milliseconds (maybe in
 * the future), or undefined while it is not ready.
 */
export function availableAtMs(pod: Pod, minReadySeconds: number): number | undefined {
  if (!isReady(pod)) return undefined;
  if (minReadySeconds <= 0) return 0;
  const readySinceMs = parseTime(conditionOf(pod.status?.conditions, 'Ready')?.lastTransitionTime);
  return readySinceMs === undefined ? undefined : readySinceMs + minReadySeconds * 1000;
}

/** Whether the pod is available at `nowMs`. */
export function isAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const at = availableAtMs(pod, minReadySeconds);
  return at !== undefined && at <= nowMs;
}

/** Sum of the restarts of its containers, sidecars included. */
export function restartsOf(pod: Pod): number {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  return statuses.reduce((sum, status) => sum + (status.restartCount ?? 0), 0);
}

/** All container ports, those of native sidecars included (a Service may name them). */
export function containerPortsOf(pod: Pod): ContainerPort[] {
  const sidecars = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  return [...pod.spec.containers, ...sidecars].flatMap((container) => container.ports ?? []);
}

/** The pod's port behind a Service port: a number, or a container port's name. Undefined when the pod has no such port. */
export function targetPortOf(pod: Pod, port: ServicePort): number | undefined {
  const target =
    port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '' ? port.port : port.targetPort;
  if (typeof target === 'number') return target;
  const protocol = port.protocol ?? 'TCP';
  return containerPortsOf(pod).find((each) => each.name === target && (each.protocol ?? 'TCP') === protocol)
    ?.containerPort;
}

/** The pod's addresses of one family, `podIPs` first. */
export function addressesOf(pod: Pod, family: 'IPv4' | 'IPv6'): string[] {
  const ips = pod.status?.podIPs?.length ? pod.status.podIPs.map((each) => each.ip) : [pod.status?.podIP ?? ''];
  return ips.filter((ip) => ip !== '' && ip.includes(':') === (family === 'IPv6'));
}
