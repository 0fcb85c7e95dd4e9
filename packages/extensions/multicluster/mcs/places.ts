/** Which local Services have the pods of Services of some cluster in EndpointSlices of their own, and under which names. */
import { isFederated } from '../mirror/federated.ts';
import { isMirrorOf } from '../mirror/keep.ts';
import { federatedName, MIRROR, mirrorName, readMembers } from '../mirror/names.ts';
import { type ObservedService, serviceKey } from '../mirror/service.ts';
import { exportKey } from './facts.ts';

/** A local Service that has the pods of another one. */
export interface Place {
  service: ObservedService;
  /** What a slice is called there. */
  sliceName(name: string): string;
  /** What a pod is called there. */
  hostname(name: string): string;
  /** Name of the ServiceImport, where there is one. */
  imported?: string;
}

/** Whose pods they are. */
export interface PlaceScene {
  /** The Link's cluster, `''` for the local one, and what it is called among all. */
  cluster: string;
  clusterName: string;
  /** Services of the local cluster. */
  services: ReadonlyMap<string, ObservedService>;
}

/** Where the pods of a Service of the scene's cluster belong. */
export function placesOf({ namespace, name }: ObservedService, scene: PlaceScene): Place[] {
  const { cluster, clusterName, services } = scene;
  const places: Place[] = [];
  // A dot is in no name of a cluster: slices of different clusters never have one name.
  const sliceName = (slice: string) => `${slice}.${clusterName}`;
  const same = (hostname: string) => hostname;
  const federated = services.get(serviceKey(namespace, federatedName(name)));
  if (federated?.annotations[exportKey(cluster)] !== undefined)
    places.push({ service: federated, sliceName, hostname: same, imported: name });
  else if (federated?.headless && isFederated(federated) && memberNames(federated, cluster).includes(name))
    // Pods of different clusters have equal names there: below `clusterset.local` the cluster is a label of its own, here it is not.
    places.push({ service: federated, sliceName, hostname: (hostname) => `${hostname}-${clusterName}` });
  const mirror = services.get(serviceKey(namespace, mirrorName(name, cluster)));
  if (mirror?.headless && mirroredFlat(mirror, cluster) === name)
    places.push({ service: mirror, sliceName: (slice) => `${sliceName(slice)}.mirror`, hostname: same });
  return places;
}

/**
 * Services of a cluster (`''`: the local one) whose pods have names here, because a headless federated service or flat mirror stands
 * for them: their names, some more than once.
 */
export function servicesWithPodNames(local: Iterable<ObservedService>, cluster: string): { name: string }[] {
  return [...local].flatMap((service) => {
    if (!service.headless) return [];
    if (isFederated(service)) return memberNames(service, cluster).map((name) => ({ name }));
    const name = mirroredFlat(service, cluster);
    return name === undefined ? [] : [{ name }];
  });
}

/** What a federated service has of a cluster. */
function memberNames(federated: ObservedService, cluster: string): string[] {
  const { local, remote } = readMembers(federated.annotations);
  if (cluster === '') return local === undefined ? [] : [local];
  return remote.filter((entry) => entry.cluster === cluster).map(({ service }) => service);
}

/** The Service of the cluster that a flat mirror stands for; undefined for other Services. */
const mirroredFlat = (service: ObservedService, cluster: string): string | undefined =>
  isMirrorOf(service, cluster) && service.labels[MIRROR.remoteDiscovery] === cluster
    ? service.labels[MIRROR.remoteService]
    : undefined;
