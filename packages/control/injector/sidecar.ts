/** The proxy beside a workload whose manifest we write ourselves: the control plane's own. */
import type { Container, PodSpec, Volume } from '#api/kube';
import { either } from '#model/template';
import { initContainer, proxyContainer, proxyVolumes, validatorContainer } from './containers.ts';
import { inboundPorts } from './inject.ts';
import type { InjectorValues } from './values.ts';

export interface SidecarOptions {
  controlPlaneNamespace: string;
  /** The Deployment, e.g. `linkerd-destination`: its own services are reached on localhost. */
  component: string;
  /** Take the trust anchors from the ConfigMap linkerd-identity-trust-roots. */
  anchorsFromConfigMap: boolean;
  /** The pod without its proxy. */
  pod: PodSpec;
}

/**
 * What to put into the pod: `init` before everything, `proxy` right after it as a native sidecar, else among the containers.
 * Over values that only a chart will know, `init` is a choice.
 */
export function renderSidecar(
  values: InjectorValues,
  options: SidecarOptions,
): { init: Container; proxy: Container; volumes: Volume[] } {
  const from = { capabilities: { drop: ['ALL'] } };
  const { controlPlaneNamespace, component, anchorsFromConfigMap, pod } = options;
  const place = { controlPlaneNamespace, component, anchorsFromConfigMap, podInboundPorts: inboundPorts(pod) };
  const { cniEnabled } = values;
  return {
    init:
      cniEnabled === true
        ? validatorContainer(values)
        : either(cniEnabled, validatorContainer(values), initContainer(values, {})),
    proxy: proxyContainer(values, place, from),
    volumes: proxyVolumes(values),
  };
}
