/** What is simulated: so many clusters linked to one, each with so many services, all of them exported in one way. */
import { address, type ClusterShape, serviceName } from '../simulated-cluster.ts';

/** How the services of the remote clusters come into the local one. */
export const MODES = {
  /** A mirror each, whose pods are dialled directly. */
  flat: { 'mirror.linkerd.io/exported': 'remote-discovery' },
  /** All of one name become one service. */
  federated: { 'mirror.linkerd.io/federated': 'member' },
  /** A mirror each, through the gateway of the cluster. */
  gateway: { 'mirror.linkerd.io/exported': 'true' },
} as const satisfies Record<string, Readonly<Record<string, string>>>;
export type Mode = keyof typeof MODES;

export interface Scale extends ClusterShape {
  readonly mode: Mode;
  readonly clusters: number;
}

export const clusterName = (cluster: number): string => `remote-${cluster}`;
/** Where a cluster's addresses begin, so that no two have the same. */
export const firstAddress = ({ services, endpoints }: ClusterShape, cluster: number): number =>
  cluster * (services * endpoints + 1);
/** An address of a cluster, as a number. */
export const addressNumber = (scale: Scale, cluster: number, service: number, endpoint: number): number =>
  address(scale, service, endpoint, firstAddress(scale, cluster))
    .split('.')
    .reduce((number, part) => number * 256 + Number(part), 0);

/** What a client of the local cluster follows: names of local Services, and the clusters that are behind each. */
export function followed({ mode, clusters, services }: Scale): { service: string; from: number; clusters: number[] }[] {
  const range = (length: number) => Array.from({ length }, (_, i) => i);
  const all = range(clusters);
  if (mode === 'federated')
    return range(services).map((from) => ({ service: `${serviceName(from)}-federated`, from, clusters: all }));
  // Endpoints of gateways stand in slices that a cluster's own controllers make, of which there are none here.
  if (mode === 'gateway') return [];
  return range(services).flatMap((from) =>
    all.map((each) => ({ service: `${serviceName(from)}-${clusterName(each)}`, from, clusters: [each] })),
  );
}

/** Services that stand in the local cluster when all is in step. */
export const mirrorsOf = ({ mode, clusters, services }: Scale): number =>
  mode === 'federated' ? services : services * clusters;

export const encodeScale = (scale: Scale): string => JSON.stringify(scale);
export const decodeScale = (text: string | undefined): Scale => JSON.parse(text ?? '{}') as Scale;
