import type { EndpointAddress, EndpointSubset } from '#api/kube';
import { PORTS } from '#model/ports';
import { type EndpointsChange, keepEndpoints, type ObservedEndpoints } from './endpoints.ts';
import { externalName, mirrorMetadata } from './flat.ts';
import { reconcileHeadless } from './headless.ts';
import { keepMirror } from './keep.ts';
import { MIRROR, mirrorName } from './names.ts';
import { type LinkSettings, type LocalView, type Mirrored, mirrored, type Problem } from './reconcile.ts';
import { type ObservedService, serviceKey } from './service.ts';
import type { RemoteEndpoints } from './slices.ts';

/** The gateway of a linked cluster, as it is known now. */
export interface GatewayView {
  /** IP addresses, sorted. Empty: none is known, and what stands stays. */
  addresses: readonly string[];
  /** Why no address is known. */
  problem?: string;
  port: number;
  /** Its TLS identity. */
  identity: string | undefined;
  /** Undefined: not known yet, so what is ready stays ready, and what is not stays so. */
  alive: boolean | undefined;
}

/** What mirrors through a gateway are made from, beside the remote Services. */
export interface GatewayScene {
  gateway: GatewayView;
  /** Endpoints of remote Services by `namespace/name`. Undefined: not known, and Endpoints that stand stay. */
  endpoints: { get(service: string): RemoteEndpoints | undefined } | undefined;
  /** Why they are not known. */
  endpointsProblem?: string;
  /** Mirror headless services host by host; otherwise they become ordinary ones. */
  headless: boolean;
}

/** A mirror through the gateway: `web` of cluster east becomes `web-east`, whose endpoints are the gateway's addresses. */
export function reconcileGateway(
  remote: ObservedService,
  link: LinkSettings,
  local: LocalView,
  scene: GatewayScene,
): Mirrored {
  const { namespace, ports } = remote;
  const name = mirrorName(remote.name, link.cluster);
  if (remote.external) return mirrored(remote, name, { problem: externalName });
  if (remote.headless && scene.headless) return reconcileHeadless(remote, link, local, scene);
  const ready = scene.endpoints?.get(serviceKey(namespace, remote.name))?.ready === true;
  return ordinaryMirror(remote, { name, namespace, ports, ...mirrorMetadata(remote, link) }, ready, {
    cluster: link.cluster,
    local,
    scene,
  });
}

/** A mirror with an address of its own. */
export function ordinaryMirror(
  remote: ObservedService,
  mirror: Mirror,
  ready: boolean,
  { cluster, local, scene }: { cluster: string; local: LocalView; scene: GatewayScene },
): Mirrored {
  const { change, problem } = keepMirror({ ...mirror, headless: false }, cluster, local);
  if (problem) return mirrored(remote, mirror.name, { problem });
  const changes = change ? [change] : [];
  // One that has to be made anew gets its endpoints afterwards.
  const endpoints = change?.do === 'delete' ? undefined : gatewayEndpoints(mirror, ready, local, scene);
  return mirrored(remote, mirror.name, {
    changes,
    endpoints: endpoints ? [endpoints] : [],
    wanted: [mirror.name],
    problem: sceneProblem(scene),
  });
}

/** A local Service as far as its Endpoints depend on it. */
export type Mirror = Pick<ObservedService, 'name' | 'namespace' | 'labels' | 'annotations' | 'ports'>;

/** Endpoints of a mirror: every address of the gateway, each port of the Service at the gateway's one. */
export function gatewayEndpoints(
  mirror: Mirror,
  ready: boolean,
  local: LocalView,
  scene: GatewayScene,
): EndpointsChange | undefined {
  const { name, namespace, labels, annotations, ports } = mirror;
  const { gateway } = scene;
  if (gateway.addresses.length === 0 || scene.endpoints === undefined) return undefined;
  const existing = local.endpoints.get(serviceKey(namespace, name));
  const addresses = gateway.addresses.map((ip) => ({ ip }));
  return keepEndpoints(existing, {
    name,
    namespace,
    labels,
    annotations: endpointsAnnotations(annotations, gateway),
    subsets: ready
      ? [
          {
            ...(isAlive(gateway, existing) ? { addresses } : { notReadyAddresses: addresses }),
            ports: ports.map((port) => ({
              ...(port.name && { name: port.name }),
              port: gateway.port,
              protocol: port.protocol ?? 'TCP',
            })),
          },
        ]
      : [],
  });
}

export function endpointsAnnotations(
  annotations: Record<string, string>,
  { identity }: GatewayView,
): Record<string, string> {
  return {
    [MIRROR.fqName]: annotations[MIRROR.fqName] ?? '',
    ...(identity && { [MIRROR.gatewayIdentity]: identity }),
  };
}

/** Until the gateway was probed, a controller that took over believes what the one before it wrote. */
function isAlive({ alive }: GatewayView, existing: ObservedEndpoints | undefined): boolean {
  if (alive !== undefined) return alive;
  const held = (addresses: (subset: EndpointSubset) => EndpointAddress[] | undefined): boolean =>
    existing?.subsets.some((subset) => (addresses(subset)?.length ?? 0) > 0) === true;
  return held(({ addresses }) => addresses) || !held(({ notReadyAddresses }) => notReadyAddresses);
}

/** What keeps all mirrors through this gateway from having endpoints. */
export function sceneProblem({ gateway, endpoints, endpointsProblem }: GatewayScene): Problem | undefined {
  if (gateway.addresses.length === 0)
    return { reason: 'Error', message: `Failed to get gateway address: ${gateway.problem ?? 'none is known yet'}` };
  if (endpoints === undefined)
    return { reason: 'Error', message: `Failed to update mirror endpoints: ${endpointsProblem ?? 'not known yet'}` };
  return undefined;
}

/** Takes the probe's Endpoints away once there is nothing to probe. */
export function clearProbe(
  { service, namespace }: { service: string; namespace: string },
  cluster: string,
  local: LocalView,
): EndpointsChange | undefined {
  const found = local.endpoints.get(serviceKey(namespace, service));
  if (found?.labels[MIRROR.clusterName] !== cluster) return undefined;
  return { do: 'delete', name: service, namespace, resourceVersion: found.resourceVersion };
}

/**
 * The Endpoints of the Service through which the gateway is probed: always ready, or a dead gateway could not come back. One that is
 * probed at the port that it takes traffic at has no other open to the world: its proxy passes probes on to itself.
 */
export function reconcileProbe(
  probe: { service: string; namespace: string; port: number },
  cluster: string,
  gateway: GatewayView,
  local: LocalView,
): EndpointsChange | undefined {
  const key = serviceKey(probe.namespace, probe.service);
  if (!local.services.has(key) || gateway.addresses.length === 0) return undefined;
  return keepEndpoints(local.endpoints.get(key), {
    name: probe.service,
    namespace: probe.namespace,
    labels: { [MIRROR.clusterName]: cluster },
    annotations: {
      ...(gateway.identity && { [MIRROR.gatewayIdentity]: gateway.identity }),
      ...(probe.port === gateway.port && { [MIRROR.behindPort]: String(PORTS.admin) }),
    },
    subsets: [
      {
        addresses: gateway.addresses.map((ip) => ({ ip })),
        ports: [{ name: 'mc-probe', port: probe.port, protocol: 'TCP' }],
      },
    ],
  });
}
