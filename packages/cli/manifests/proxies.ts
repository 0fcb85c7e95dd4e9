import { createHash } from 'node:crypto';
import type { AnyObject, ObjectMeta, PodSpec } from '#api/kube';
import { renderSidecar } from '#control/injector';
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
export function withProxies(manifest: Manifest, objects: readonly AnyObject[]): AnyObject[] {
  return objects.map((object) => {
    if (object.kind !== 'Deployment') return object;
    const meshed = structuredClone(object);
    const { template } = meshed['spec'] as { template: Template };
    addProxy(manifest, object.metadata.name ?? '', template);
    return meshed;
  });
}

function addProxy({ namespace, values }: Manifest, component: string, { metadata, spec }: Template): void {
  const settings = settingsOf(values, component);
  const { init, proxy, volumes } = renderSidecar(settings, {
    controlPlaneNamespace: namespace,
    component,
    anchorsFromConfigMap: true,
    pod: spec,
  });
  if (settings.proxy.nativeSidecar) spec.initContainers = [init, proxy, ...(spec.initContainers ?? [])];
  else {
    spec.initContainers = [...(spec.initContainers ?? []), init];
    spec.containers = [...spec.containers, proxy];
  }
  spec.volumes = [...(spec.volumes ?? []), ...volumes];
  metadata.annotations = {
    ...metadata.annotations,
    'linkerd.io/trust-root-sha256': createHash('sha256').update(values.identityTrustAnchorsPEM).digest('hex'),
  };
}

/** How the proxy of a component differs from those of applications. */
function settingsOf(values: Values, component: string): Values {
  const settings = structuredClone(values);
  const { proxy, proxyInit } = settings;
  proxy.defaultInboundPolicy = 'all-unauthenticated';
  // Controllers talk to the API server over TLS of its own.
  proxyInit.ignoreOutboundPorts = [proxyInit.ignoreOutboundPorts, proxyInit.kubeAPIServerPorts]
    .filter(Boolean)
    .join(',');
  if (component === 'linkerd-identity') {
    // Its own proxy gets its certificate from it: whoever waits for that proxy would wait for ever.
    proxy.nativeSidecar = false;
    proxy.await = false;
    proxy.requireTLSOnInboundPorts = '8080';
  }
  if (component === 'linkerd-proxy-injector') proxy.opaquePorts = '8443';
  return settings;
}
