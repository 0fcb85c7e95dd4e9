import type { EndpointSubset } from '#api/kube';
import { type EndpointsChange, keepEndpoints } from './endpoints.ts';
import { mirrorMetadata } from './flat.ts';
import {
  endpointsAnnotations,
  type GatewayScene,
  gatewayEndpoints,
  type Mirror,
  ordinaryMirror,
  sceneProblem,
} from './gateway.ts';
import { keepMirror } from './keep.ts';
import { MIRROR, mirrorName } from './names.ts';
import { type LinkSettings, type LocalView, type Mirrored, mirrored, type Problem } from './reconcile.ts';
import { type Change, type ObservedService, serviceKey } from './service.ts';
import type { RemoteEndpoints } from './slices.ts';

/**
 * A headless service through the gateway. Its named endpoints (pods of a StatefulSet) become Services of their own,
 * `web-0-east`; the mirror is headless, too, and has their addresses under the pods' names, so that
 * `web-0.web-east.shop.svc` resolves. Without named endpoints it becomes an ordinary mirror.
 */
export function reconcileHeadless(
  remote: ObservedService,
  link: LinkSettings,
  local: LocalView,
  scene: GatewayScene,
): Mirrored {
  const { namespace, ports } = remote;
  const name = mirrorName(remote.name, link.cluster);
  if (ports.length === 0)
    return mirrored(remote, name, {
      problem: { reason: 'InvalidService', message: 'Headless service has no exposed ports' },
    });
  const known = scene.endpoints?.get(serviceKey(namespace, remote.name));
  const standing = local.services.get(serviceKey(namespace, name));
  // Which of both it will be, only endpoints tell.
  if (!known?.any && !standing)
    return mirrored(remote, name, {
      problem: sceneProblem(scene) ?? { reason: 'Pending', message: 'Headless service has no endpoints yet' },
    });
  const headless = known?.any ? known.hosts.size > 0 : standing?.headless === true;
  const mirror = { name, namespace, ports, ...mirrorMetadata(remote, link) };
  if (!headless) return ordinaryMirror(remote, mirror, known?.ready === true, { cluster: link.cluster, local, scene });
  const { change, problem } = keepMirror({ ...mirror, headless }, link.cluster, local);
  if (problem) return mirrored(remote, name, { problem });
  const changes = change ? [change] : [];
  // While endpoints are not known, or the mirror is made anew, the hosts that stand stay.
  if (scene.endpoints === undefined || change?.do === 'delete')
    return mirrored(remote, name, {
      changes,
      wanted: [name, ...standingHosts(name, namespace, local)],
      problem: sceneProblem(scene),
    });
  const hosts = hostMirrors(remote, link, local, scene, known?.hosts ?? new Map());
  const root = rootEndpoints(mirror, known, hosts.services, local, scene);
  return mirrored(remote, name, {
    changes: [...changes, ...hosts.changes],
    endpoints: [...hosts.endpoints, ...(root ? [root] : [])],
    wanted: [name, ...hosts.wanted],
    problem: sceneProblem(scene) ?? hosts.problem,
  });
}

interface Hosts {
  changes: Change[];
  endpoints: EndpointsChange[];
  /** Names of the Services. */
  wanted: string[];
  /** Those that have an address, by host. */
  services: Map<string, string>;
  problem?: Problem;
}

function hostMirrors(
  remote: ObservedService,
  link: LinkSettings,
  local: LocalView,
  scene: GatewayScene,
  hosts: ReadonlyMap<string, boolean>,
): Hosts {
  const { namespace, ports } = remote;
  const found: Hosts = { changes: [], endpoints: [], wanted: [], services: new Map() };
  for (const host of [...hosts.keys()].sort()) {
    const name = mirrorName(host, link.cluster);
    const { labels, annotations } = mirrorMetadata(remote, link);
    const metadata = {
      labels: { ...labels, [MIRROR.headlessMirror]: mirrorName(remote.name, link.cluster) },
      annotations: { ...annotations, [MIRROR.fqName]: `${host}.${annotations[MIRROR.fqName]}` },
    };
    const kept = keepMirror({ name, namespace, ...metadata, ports, headless: false }, link.cluster, local);
    if (kept.problem) {
      found.problem ??= kept.problem;
      continue;
    }
    found.wanted.push(name);
    if (kept.change) found.changes.push(kept.change);
    const endpoints = gatewayEndpoints({ name, namespace, ports, ...metadata }, true, local, scene);
    if (endpoints) found.endpoints.push(endpoints);
    const address = local.services.get(serviceKey(namespace, name))?.clusterIP;
    if (address) found.services.set(host, address);
  }
  return found;
}

/** Names of hosts and the addresses of their Services, ready as they are themselves. */
function rootEndpoints(
  root: Mirror,
  known: RemoteEndpoints | undefined,
  services: ReadonlyMap<string, string>,
  local: LocalView,
  scene: GatewayScene,
): EndpointsChange | undefined {
  const { name, namespace, labels, annotations } = root;
  const at = (ready: boolean) =>
    [...services].filter(([host]) => known?.hosts.get(host) === ready).map(([hostname, ip]) => ({ hostname, ip }));
  const [addresses, notReadyAddresses] = [at(true), at(false)];
  const subset: EndpointSubset = {
    ...(addresses.length > 0 && { addresses }),
    ...(notReadyAddresses.length > 0 && { notReadyAddresses }),
    ports: [...(known?.ports ?? [])],
  };
  return keepEndpoints(local.endpoints.get(serviceKey(namespace, name)), {
    name,
    namespace,
    labels,
    annotations: endpointsAnnotations(annotations, scene.gateway),
    subsets: services.size > 0 ? [subset] : [],
  });
}

const standingHosts = (root: string, namespace: string, local: LocalView): string[] =>
  [...local.services.values()]
    .filter((service) => service.namespace === namespace && service.labels[MIRROR.headlessMirror] === root)
    .map(({ name }) => name);
