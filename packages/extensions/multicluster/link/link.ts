import type { Condition, Gvr, KubeObject, LabelSelector } from '#api/kube';

export const LINKS: Gvr = { group: 'multicluster.linkerd.io', version: 'v1alpha3', resource: 'links' };

/** `spec` of a Link; every field may be missing in an object that somebody wrote by hand. */
export interface LinkSpec {
  /** Suffix of mirrors and the `@cluster` of federated members. */
  targetClusterName?: string;
  targetClusterDomain?: string;
  targetClusterLinkerdNamespace?: string;
  /** Secret with a kubeconfig, in the Link's namespace. */
  clusterCredentialsSecret?: string;
  /** Set: gateway mode. */
  gatewayAddress?: string;
  gatewayPort?: string;
  gatewayIdentity?: string;
  probeSpec?: { path?: string; port?: string; period?: string; timeout?: string; failureThreshold?: string };
  /** Services to reach through the gateway. */
  selector?: LabelSelector;
  /** Services to mirror flat: pods are dialled directly. */
  remoteDiscoverySelector?: LabelSelector;
  federatedServiceSelector?: LabelSelector;
  /** Keys, or `group/*`, that mirrors do not copy. */
  excludedAnnotations?: string[];
  excludedLabels?: string[];
}

export interface ObjectReference {
  group?: string;
  kind?: string;
  name: string;
  namespace: string;
}

export interface ServiceCondition extends Condition {
  localRef?: ObjectReference;
}

/** Endpoints of a Service, those that are on their way out left out. */
export interface EndpointCount {
  total: number;
  ready: number;
}

/** Which of a federated service's ports a member has. */
export interface PortCoverage {
  total: number;
  covered: number;
  /** `9090/TCP`; absent where none is missing. */
  missing?: string[];
}

/** What became of one remote Service: a condition `Mirrored`, and `Conflict` where its ports differ; what is beside them is ours. */
export interface ServiceStatus {
  controllerName: string;
  remoteRef: ObjectReference;
  conditions: ServiceCondition[];
  /** There; absent until they were seen. */
  endpoints?: EndpointCount;
  /** Of members of federated services. */
  ports?: PortCoverage;
  /**
   * When this was last written because something changed, or contact began or was lost. While the Link is `RemoteReachable` it holds now,
   * afterwards as of this time.
   */
  lastSyncTime?: string;
}

export interface LinkStatus {
  /** Of the remote cluster: `RemoteReachable`, `GatewayAlive`, `CredentialsValid`, `PodNetworksDistinct`, `ContentAccepted`, `TrustShared`. */
  conditions?: Condition[];
  mirrorServices?: ServiceStatus[];
  federatedServices?: ServiceStatus[];
  /** Of all Services above together. */
  endpoints?: EndpointCount;
  /** Networks of the pods there, as its nodes say; present once pods are dialled directly. */
  podNetworks?: string[];
}

export interface Link extends KubeObject {
  spec?: LinkSpec;
  status?: LinkStatus;
}

/** Who writes Link statuses. */
export const CONTROLLER_NAME = 'linkerd.io/service-mirror';

/** Secrets with which a cluster is entered: type, label and annotations that destination and mirror look for. */
export const CREDENTIALS = {
  type: 'mirror.linkerd.io/remote-kubeconfig',
  key: 'kubeconfig',
  clusterNameLabel: 'multicluster.linkerd.io/cluster-name',
  trustDomainAnnotation: 'multicluster.linkerd.io/trust-domain',
  clusterDomainAnnotation: 'multicluster.linkerd.io/cluster-domain',
  secretName: (cluster: string): string => `cluster-credentials-${cluster}`,
} as const;

/** What `link` writes unless told otherwise. */
export const DEFAULT_SELECTORS = {
  selector: 'mirror.linkerd.io/exported=true',
  remoteDiscovery: 'mirror.linkerd.io/exported=remote-discovery',
  federated: 'mirror.linkerd.io/federated=member',
} as const;
