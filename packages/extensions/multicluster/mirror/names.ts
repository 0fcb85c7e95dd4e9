/** Labels and annotations of mirrors and federated services. Two of them share a key and differ in meaning: label and annotation. */
export const MIRROR = {
  /** Label of everything that a mirror controller made: `true`. */
  mirroredService: 'mirror.linkerd.io/mirrored-service',
  /** Label of mirrors (not of federated services): the cluster they come from. */
  clusterName: 'mirror.linkerd.io/cluster-name',
  /** Label of a flat mirror: cluster. Annotation of a federated service: `svc@c1,svc@c2`. */
  remoteDiscovery: 'multicluster.linkerd.io/remote-discovery',
  /** Label of a flat mirror: name of the remote service. */
  remoteService: 'multicluster.linkerd.io/remote-service',
  /** Annotation of a federated service: name of the local member. */
  localDiscovery: 'multicluster.linkerd.io/local-discovery',
  /** Annotation of a federated service: keys of those about its clusters that come from a member. */
  fromMember: 'multicluster.weft.dev/from-member',
  /** Label of the mirror of one host of a headless service: name of that service's mirror. */
  headlessMirror: 'mirror.linkerd.io/headless-mirror-svc-name',
  /** Annotations of mirrors. */
  fqName: 'mirror.linkerd.io/remote-svc-fq-name',
  resourceVersion: 'mirror.linkerd.io/remote-resource-version',
  /** Annotation of Endpoints: the TLS identity of the gateway that their addresses are. */
  gatewayIdentity: 'mirror.linkerd.io/remote-gateway-identity',
  /** Annotation of Endpoints: the port behind the gateway's own that connections are for. */
  behindPort: 'multicluster.weft.dev/behind-port',
} as const;

export const EXPORTED_LABEL = 'mirror.linkerd.io/exported';
export const FLAT_EXPORT = 'remote-discovery';
export const FEDERATED_LABEL = 'mirror.linkerd.io/federated';

export const mirrorName = (service: string, cluster: string): string => `${service}-${cluster}`;
const FEDERATED_SUFFIX = '-federated';
export const federatedName = (service: string): string => service + FEDERATED_SUFFIX;
/** The member that a federated service is named after; undefined for other names. */
export const memberOf = (federated: string): string | undefined =>
  federated.endsWith(FEDERATED_SUFFIX) ? federated.slice(0, -FEDERATED_SUFFIX.length) : undefined;

/** Members of a federated service: remote ones in the order they joined, and whether the local cluster is one. */
export interface Members {
  remote: { service: string; cluster: string }[];
  local?: string;
}

/** Reads the discovery annotations; malformed entries are left out. */
export function readMembers(annotations: Record<string, string>): Members {
  const remote = (annotations[MIRROR.remoteDiscovery] ?? '').split(',').flatMap((entry) => {
    const [service, cluster] = entry.trim().split('@');
    return service && cluster ? [{ service, cluster }] : [];
  });
  const local = annotations[MIRROR.localDiscovery];
  return local ? { remote, local } : { remote };
}

/** The annotations that say who the members are; empty ones are left out. */
export function writeMembers(members: Members): Record<string, string> {
  const annotations: Record<string, string> = {};
  if (members.remote.length > 0)
    annotations[MIRROR.remoteDiscovery] = members.remote
      .map(({ service, cluster }) => `${service}@${cluster}`)
      .join(',');
  if (members.local) annotations[MIRROR.localDiscovery] = members.local;
  return annotations;
}
