import type { AnyObject, ObjectMeta, PodSpec } from '#api/kube';
import { renderSidecar } from '#control/injector';
import { isPlain, not, when } from '#model/template';
import type { Manifest } from './objects.ts';
import type { Values } from './values.ts';

interface Template {
  metadata: ObjectMeta;
  spec: PodSpec;
}

/**
 * Puts a proxy into every Deployment's template. The injector's webhook leaves control-plane pods alone (it is one of them), so
 * their proxies stand in the manifest.
 */
export const withProxies = (manifest: Manifest, objects: readonly AnyObject[]): AnyObject[] =>
  objects.map((object) => (isPlain(object) && object.kind === 'Deployment' ? meshed(manifest, object) : object));

function meshed(manifest: Manifest, deployment: AnyObject): AnyObject {
  const spec = deployment['spec'] as { template: Template };
  const { template } = spec;
  const pod = withProxy(manifest, deployment.metadata.name ?? '', template.spec);
  return { ...deployment, spec: { ...spec, template: { ...template, spec: pod } } };
}

/** As a native sidecar the proxy starts before the containers, otherwise beside them. */
function withProxy({ namespace, values }: Manifest, component: string, pod: PodSpec): PodSpec {
  const settings = settingsOf(values, component);
  const { nativeSidecar } = settings.proxy;
  const options = { controlPlaneNamespace: namespace, component, anchorsFromConfigMap: true, pod };
  const sidecar = (native: boolean) =>
    renderSidecar({ ...settings, proxy: { ...settings.proxy, nativeSidecar: native } }, options);
  const { init, volumes } = sidecar(true);
  return {
    ...pod,
    initContainers: [init, ...when(nativeSidecar, [sidecar(true).proxy]), ...(pod.initContainers ?? [])],
    containers: [...pod.containers, ...when(not(nativeSidecar), [sidecar(false).proxy])],
    volumes: [...(pod.volumes ?? []), ...volumes],
  };
}

/** How the proxy of a component differs from those of applications. */
function settingsOf(values: Values, component: string): Values {
  const { proxy, proxyInit } = values;
  const { ignoreOutboundPorts: ignored, kubeAPIServerPorts: apiServer } = proxyInit;
  return {
    ...values,
    proxy: {
      ...proxy,
      defaultInboundPolicy: 'all-unauthenticated',
      // Its own proxy gets its certificate from it: whoever waits for that proxy would wait for ever.
      ...(component === 'linkerd-identity' && { nativeSidecar: false, await: false, requireTLSOnInboundPorts: '8080' }),
      ...(component === 'linkerd-proxy-injector' && { opaquePorts: '8443' }),
    },
    proxyInit: {
      ...proxyInit,
      // Controllers talk to the API server over TLS of its own.
      ignoreOutboundPorts: `${ignored}${when(ignored, when(apiServer, ','))}${apiServer}`,
    },
  };
}
