import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints } from '#api/kube';
import { foreignKeys, type Keys, ownKeys, withForeignKeys } from './ownership.ts';
import { sameMap, serviceKey } from './service.ts';

/** As much of an Endpoints object as mirroring looks at. */
export interface ObservedEndpoints {
  name: string;
  namespace: string;
  resourceVersion: string;
  /** Those that are ours. */
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Those of others, where there are any. */
  foreign?: Keys;
  subsets: readonly EndpointSubset[];
}

/** What should happen to one local Endpoints object. An update replaces labels, annotations and subsets of the version named. */
export type EndpointsChange =
  | { do: 'create'; endpoints: Endpoints }
  | { do: 'update'; endpoints: Endpoints }
  | { do: 'delete'; name: string; namespace: string; resourceVersion: string };

export const endpointsName = (change: EndpointsChange): string =>
  change.do === 'delete'
    ? serviceKey(change.namespace, change.name)
    : serviceKey(change.endpoints.metadata.namespace ?? '', change.endpoints.metadata.name ?? '');

/** Reduces an object of the API. */
export function observeEndpoints({ metadata, subsets = [] }: Endpoints): ObservedEndpoints {
  const { name = '', namespace = '', resourceVersion = '' } = metadata;
  const { labels, annotations } = ownKeys(metadata);
  const foreign = foreignKeys(metadata);
  return { name, namespace, resourceVersion, labels, annotations, ...(foreign && { foreign }), subsets };
}

/** Brings an Endpoints object to what is wanted; undefined when it is so already. */
export function keepEndpoints(
  existing: ObservedEndpoints | undefined,
  wanted: Omit<ObservedEndpoints, 'resourceVersion'>,
): EndpointsChange | undefined {
  const { name, namespace, labels, annotations, subsets } = wanted;
  const kind = { apiVersion: 'v1', kind: 'Endpoints' };
  const metadata = { name, namespace, labels, annotations };
  if (!existing) return { do: 'create', endpoints: { ...kind, metadata, subsets: [...subsets] } };
  if (sameMap(existing.labels, labels) && sameMap(existing.annotations, annotations) && sameSubsets(existing, wanted))
    return undefined;
  const { resourceVersion, foreign } = existing;
  const keys = withForeignKeys(foreign, { labels, annotations });
  const updated = { ...metadata, ...keys, resourceVersion };
  return { do: 'update', endpoints: { ...kind, metadata: updated, subsets: [...subsets] } };
}

/** Equality whatever the order, with the API's defaults filled in. */
function sameSubsets(a: Pick<ObservedEndpoints, 'subsets'>, b: Pick<ObservedEndpoints, 'subsets'>): boolean {
  return subsetsText(a.subsets) === subsetsText(b.subsets);
}

const subsetsText = (subsets: readonly EndpointSubset[]): string =>
  subsets
    .map(({ addresses = [], notReadyAddresses = [], ports = [] }) =>
      [addresses.map(addressText), notReadyAddresses.map(addressText), ports.map(portText)]
        .map((texts) => texts.sort().join())
        .join(';'),
    )
    .sort()
    .join('\n');
const addressText = ({ ip, hostname = '' }: EndpointAddress): string => `${ip}|${hostname}`;
const portText = ({ name = '', port, protocol = 'TCP', appProtocol = '' }: EndpointPort): string =>
  `${name}|${port}|${protocol}|${appProtocol}`;
