import type { Container, Pod, PodSpec, Service } from '#api/kube';
import { PortSet } from '#model/annotations';

const OPAQUE = 'config.linkerd.io/opaque-ports';

/** Where a Service and a pod behind it disagree about a port being opaque, native sidecars' ports included. */
export function resolveOpaque(service: Service, pod: Pod & { spec?: PodSpec }): string[] {
  const containers: Container[] = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const named = (name: string) =>
    containers.flatMap(({ ports = [] }) =>
      ports.filter((port) => port.name === name).map((port) => port.containerPort),
    );
  const own = PortSet.parse(pod.metadata.annotations?.[OPAQUE] ?? '', named) ?? PortSet.EMPTY;
  const ports = service.spec?.ports ?? [];
  const theirs =
    PortSet.parse(service.metadata.annotations?.[OPAQUE] ?? '', (name) =>
      ports.filter((port) => port.name === name).map(({ port }) => port),
    ) ?? PortSet.EMPTY;
  const at = `${service.metadata.namespace}/${service.metadata.name}`;
  return ports
    .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
    .flatMap(({ port, targetPort = port }) => {
      const targets = typeof targetPort === 'number' ? [targetPort] : named(targetPort);
      return targets
        .filter((target) => theirs.has(port) !== own.has(target))
        .map((target) =>
          theirs.has(port)
            ? `service ${at} says port ${port} is opaque; its pods do not say so of port ${target}`
            : `pods of service ${at} say port ${target} is opaque; the service does not say so of port ${port}`,
        );
    });
}
