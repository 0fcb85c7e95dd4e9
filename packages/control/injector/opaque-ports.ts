/** The opaque-ports annotation that the injector sets on pods and Services that have none. */
import type { PodSpec, Service } from '#api/kube';

/** Ports of the default list that the pod's containers declare. Ranges of the list never match. */
export function opaquePortsOfPod(spec: PodSpec, defaults: string): string {
  const declared = [...(spec.initContainers ?? []), ...spec.containers].flatMap((each) =>
    (each.ports ?? []).map((port) => String(port.containerPort)),
  );
  return intersect(defaults, declared);
}

/** Ports of the Service that lead to a port of the default list. */
export function opaquePortsOfService(service: Service, defaults: string): string {
  const list = new Set(defaults.split(',').map((each) => each.trim()));
  const ports = (service.spec?.ports ?? []).filter(({ port, targetPort }) => {
    const target = targetPort === undefined || targetPort === 0 ? port : targetPort;
    return typeof target === 'number' && list.has(String(target));
  });
  return [...new Set(ports.map(({ port }) => String(port)))].join(',');
}

function intersect(defaults: string, declared: readonly string[]): string {
  return [
    ...new Set(
      defaults
        .split(',')
        .map((each) => each.trim())
        .filter((each) => declared.includes(each)),
    ),
  ].join(',');
}
