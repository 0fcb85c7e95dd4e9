import type { Container, EphemeralContainer, Pod, PodSpec } from '#api/kube';

/** A pod as the API server hands it out: with a spec. */
export type BoundPod = Pod & { spec: PodSpec };

/** The part a container plays in its pod. */
export type Role = 'init' | 'sidecar' | 'app' | 'ephemeral';

/** A container of any list of a pod. */
export type AnyContainer = Container | EphemeralContainer;

/** What identifies a pod to people and in logs: `default/web-1`. */
export const podName = (pod: Pod): string => `${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''}`;

/** All containers in the order in which they start, with their roles. */
export function containersOf(pod: BoundPod): { container: AnyContainer; role: Role }[] {
  const init = (pod.spec.initContainers ?? []).map((container) => ({
    container,
    role: container.restartPolicy === 'Always' ? ('sidecar' as const) : ('init' as const),
  }));
  const app = pod.spec.containers.map((container) => ({ container, role: 'app' as const }));
  const ephemeral = (pod.spec.ephemeralContainers ?? []).map((container) => ({
    container,
    role: 'ephemeral' as const,
  }));
  return [...init, ...app, ...ephemeral];
}

/** The field path by which events name a container, e.g. `spec.initContainers{linkerd-init}`. */
export function fieldPathOf(role: Role, name: string): string {
  const list = {
    init: 'initContainers',
    sidecar: 'initContainers',
    app: 'containers',
    ephemeral: 'ephemeralContainers',
  };
  return `spec.${list[role]}{${name}}`;
}
