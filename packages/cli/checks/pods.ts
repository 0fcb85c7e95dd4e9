import type { Pod } from '#api/kube';

/** Judging pods. */

interface ContainerState {
  name: string;
  ready?: boolean;
  image?: string;
}
interface PodView {
  metadata: Pod['metadata'];
  spec?: { containers?: { name: string; image?: string }[]; initContainers?: { name: string; image?: string }[] };
  status?: {
    phase?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    containerStatuses?: ContainerState[];
    initContainerStatuses?: ContainerState[];
  };
}

const view = (pod: Pod): PodView => pod as unknown as PodView;

/** A container's readiness, wherever native sidecars put it. */
export function containerReady(pod: Pod, name: string): boolean {
  const { containerStatuses = [], initContainerStatuses = [] } = view(pod).status ?? {};
  return [...containerStatuses, ...initContainerStatuses].find((status) => status.name === name)?.ready === true;
}

/** Running with every container ready, the proxy included. */
export function podReady(pod: Pod): boolean {
  const { phase, containerStatuses = [] } = view(pod).status ?? {};
  if (phase !== 'Running' || containerStatuses.length === 0) return false;
  const proxied = hasProxy(pod) ? containerReady(pod, PROXY) : true;
  return proxied && containerStatuses.every(({ ready }) => ready === true);
}

/** Names of containers that are not ready, for messages. */
export function unreadyContainers(pod: Pod): string[] {
  return [...(view(pod).status?.containerStatuses ?? [])].filter(({ ready }) => !ready).map(({ name }) => name);
}

export const PROXY = 'linkerd-proxy';
export const hasProxy = (pod: Pod): boolean => proxyContainer(pod) !== undefined;

function proxyContainer(pod: Pod): { name: string; image?: string } | undefined {
  const { containers = [], initContainers = [] } = view(pod).spec ?? {};
  return [...containers, ...initContainers].find(({ name }) => name === PROXY);
}

/** Tag of the proxy's image; empty for digests and unmeshed pods. */
export function proxyVersion(pod: Pod): string {
  const image = proxyContainer(pod)?.image ?? '';
  return image.includes('@') ? '' : (/:([^:/]+)$/.exec(image)?.[1] ?? '');
}

export const phaseOf = (pod: Pod): string => view(pod).status?.phase ?? 'Unknown';
export const isFinished = (pod: Pod): boolean => ['Succeeded', 'Failed'].includes(phaseOf(pod));

/** Why the scheduler finds no node; undefined when it does not say so. */
export function unschedulable(pod: Pod): string | undefined {
  const condition = view(pod).status?.conditions?.find(
    ({ type, status, reason }) => type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable',
  );
  return condition && `${pod.metadata.name}: ${condition.message ?? 'Unschedulable'}`;
}
