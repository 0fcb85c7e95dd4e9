import type { Finding } from '../link/index.ts';
import { overlaps } from './ranges.ts';

/** Where a cluster's pods are. */
export interface NamedNetworks {
  /** Undefined: the cluster that we are in. */
  cluster?: string;
  /** Empty: not known. */
  networks: readonly string[];
}

/** Pairs that a message names; of more, their number. */
const NAMED_MAX = 5;

/**
 * What the Link's condition `PodNetworksDistinct` says of a cluster whose pods are dialled directly: an address must lead to one pod, or
 * clients reach a pod of another cluster (and refuse it, by its identity).
 */
export function networksFinding(
  cluster: string,
  networks: readonly string[],
  others: readonly NamedNetworks[],
): Finding {
  const found = others.flatMap((other) =>
    overlaps(networks, other.networks).map(
      ([one, two]) => `${one} of ${cluster} overlaps ${two} of ${other.cluster ?? 'this cluster'}`,
    ),
  );
  if (found.length > 0) {
    const rest = found.length > NAMED_MAX ? ` and ${found.length - NAMED_MAX} more` : '';
    return { status: 'False', reason: 'PodNetworksOverlap', message: found.slice(0, NAMED_MAX).join('; ') + rest };
  }
  const unknown = [{ cluster, networks }, ...others].filter((each) => each.networks.length === 0);
  if (unknown.length === 0) return { status: 'True', reason: 'PodNetworksDistinct', message: '' };
  const names = unknown.map((each) => each.cluster ?? 'this cluster').join(', ');
  return { status: 'Unknown', reason: 'PodNetworksUnknown', message: `No networks of pods are known of ${names}` };
}
