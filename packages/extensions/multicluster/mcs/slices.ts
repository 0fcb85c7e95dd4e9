import type { DiscoveryEndpointPort, Endpoint, EndpointSlice } from '#api/kube';
import { sameJson } from '../link/status.ts';
import { isSamePlace } from '../mirror/ports.ts';
import { type ObservedService, type ServicePort, serviceKey } from '../mirror/service.ts';
import { MCS } from './kinds.ts';
import { type Place, type PlaceScene, placesOf } from './places.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';
const HEADLESS = 'service.kubernetes.io/headless';

/** What should happen to one local EndpointSlice. */
export type SliceChange =
  | { do: 'create' | 'update'; slice: EndpointSlice }
  | { do: 'delete'; name: string; namespace: string; resourceVersion: string };

/** Where the pods of Services come from that are exported, or headless here, too; and where they go. */
export interface SliceScene extends PlaceScene {
  /** Services of that cluster, and its EndpointSlices (of those Services at least). */
  members: ReadonlyMap<string, ObservedService>;
  slices: Iterable<EndpointSlice>;
  /** Told of a pod whose name in a local Service, by `namespace/name`, would be too long: it has none there. */
  unnamed(service: string, hostname: string): void;
  /** EndpointSlices of the local cluster that are ours and of that cluster. */
  existing: Iterable<EndpointSlice>;
}

/** At most so many EndpointSlices of one Service are taken: 100 endpoints each. */
const SLICES_MAX = 100;

/** Gives the federated Services of exports, and what is headless here, the pods of one cluster: for name servers and kube-proxy. */
export function reconcileSlices(scene: SliceScene): SliceChange[] {
  const wanted = new Map<string, EndpointSlice>();
  const counts = new Map<string, number>();
  for (const slice of scene.slices) {
    for (const copy of copiesOf(slice, scene)) {
      const key = serviceKey(copy.metadata.namespace ?? '', copy.metadata.labels?.[SERVICE_NAME] ?? '');
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      if (count <= SLICES_MAX) wanted.set(keyOf(copy), copy);
    }
  }
  const changes: SliceChange[] = [];
  const standing = new Set<string>();
  for (const slice of scene.existing) {
    const copy = wanted.get(keyOf(slice));
    standing.add(keyOf(slice));
    const { name = '', namespace = '', resourceVersion = '' } = slice.metadata;
    // The type of a slice's addresses cannot be changed.
    if (!copy || copy.addressType !== slice.addressType)
      changes.push({ do: 'delete', name, namespace, resourceVersion });
    else if (!sameJson(essence(slice), essence(copy)))
      changes.push({ do: 'update', slice: { ...copy, metadata: { ...copy.metadata, resourceVersion } } });
  }
  for (const [key, slice] of wanted) if (!standing.has(key)) changes.push({ do: 'create', slice });
  return changes;
}

const keyOf = ({ metadata }: EndpointSlice): string => serviceKey(metadata.namespace ?? '', metadata.name ?? '');

/** The slice as local Services have it: none where its Service has no place here, or clients see none of its ports. */
function copiesOf(slice: EndpointSlice, scene: SliceScene): EndpointSlice[] {
  const { namespace = '', labels = {}, deletionTimestamp } = slice.metadata;
  const service = labels[SERVICE_NAME];
  if (service === undefined || deletionTimestamp !== undefined) return [];
  const member = scene.members.get(serviceKey(namespace, service));
  return member ? placesOf(member, scene).flatMap((place) => copyOf(slice, member, place, scene) ?? []) : [];
}

function copyOf(
  slice: EndpointSlice,
  member: ObservedService,
  { service, sliceName, hostname, imported }: Place,
  scene: SliceScene,
): EndpointSlice | undefined {
  const ports = (slice.ports ?? []).flatMap((port) => renamed(port, member.ports, service.ports) ?? []);
  if (ports.length === 0 && (slice.ports ?? []).length > 0) return undefined;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: sliceName(slice.metadata.name ?? ''),
      namespace: member.namespace,
      labels: {
        [SERVICE_NAME]: service.name,
        ...(imported !== undefined && { [MCS.serviceName]: imported }),
        [MCS.sourceCluster]: scene.clusterName,
        [MCS.managedBy]: MCS.manager,
        ...(service.headless && { [HEADLESS]: '' }),
      },
    },
    addressType: slice.addressType,
    endpoints: (slice.endpoints ?? []).map((endpoint) => {
      const { hostname: own, ...rest } = endpointOf(endpoint);
      const name = own && hostname(own);
      if (!name) return rest;
      if (name.length <= NAME_CHARS_MAX) return { ...rest, hostname: name };
      scene.unnamed(serviceKey(member.namespace, service.name), name);
      return rest;
    }),
    ports,
  };
}

/** Names of pods are DNS labels; one that would be longer is left out. */
const NAME_CHARS_MAX = 63;

/** Nodes, pods and hints of another cluster mean nothing here, or something else. */
const endpointOf = ({ addresses, conditions, hostname, zone }: Endpoint): Endpoint => ({
  addresses,
  ...(conditions && { conditions }),
  ...(hostname && { hostname }),
  ...(zone && { zone }),
});

/** A port by the name that the federated Service has for it; undefined where another member's port took its place. */
function renamed(
  port: DiscoveryEndpointPort,
  own: readonly ServicePort[],
  seen: readonly ServicePort[],
): DiscoveryEndpointPort | undefined {
  const mine = own.find(
    ({ name = '', protocol = 'TCP' }) => name === (port.name ?? '') && protocol === (port.protocol ?? 'TCP'),
  );
  const theirs = mine && seen.find((each) => isSamePlace(each, mine));
  return theirs && { ...port, name: theirs.name ?? '' };
}

/** What we keep of a slice, with defaults filled in. */
const essence = ({ metadata, addressType, endpoints, ports }: EndpointSlice) => ({
  labels: metadata.labels ?? {},
  addressType,
  endpoints: (endpoints ?? []).map(endpointOf),
  ports: (ports ?? []).map(({ name = '', protocol = 'TCP', port, appProtocol }) => ({
    name,
    protocol,
    port,
    appProtocol,
  })),
});

/** Slices of ours whose cluster is linked no more. */
export const orphanSlices = (existing: Iterable<EndpointSlice>, clusters: ReadonlySet<string>): SliceChange[] =>
  [...existing].flatMap(({ metadata: { name = '', namespace = '', resourceVersion = '', labels } }) =>
    clusters.has(labels?.[MCS.sourceCluster] ?? '')
      ? []
      : [{ do: 'delete' as const, name, namespace, resourceVersion }],
  );
