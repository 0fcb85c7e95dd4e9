/** Keys of labels and annotations that parts of the mesh agree on. Settings of the proxy are in model/annotations. */

export const LABELS = {
  controlPlaneNamespace: 'linkerd.io/control-plane-ns',
  controlPlaneComponent: 'linkerd.io/control-plane-component',
  workloadNamespace: 'linkerd.io/workload-ns',
  /** Value: name of the cluster whose mirror made the object. */
  mirrorClusterName: 'mirror.linkerd.io/cluster-name',
  /** On a flat mirror: the cluster whose endpoints it has. */
  remoteDiscovery: 'multicluster.linkerd.io/remote-discovery',
  /** On a flat mirror: the Service's name there. */
  remoteService: 'multicluster.linkerd.io/remote-service',
  /** On credentials for a cluster. */
  clusterName: 'multicluster.linkerd.io/cluster-name',
  /** On EndpointSlices: the cluster whose pods are in them (KEP-1645). */
  sourceCluster: 'multicluster.kubernetes.io/source-cluster',
  zone: 'topology.kubernetes.io/zone',
  serviceName: 'kubernetes.io/service-name',
  podTemplateHash: 'pod-template-hash',
} as const;

export const ANNOTATION_KEYS = {
  createdBy: 'linkerd.io/created-by',
  inject: 'linkerd.io/inject',
  proxyVersion: 'linkerd.io/proxy-version',
  trustRootSha256: 'linkerd.io/trust-root-sha256',
  opaquePorts: 'config.linkerd.io/opaque-ports',
  skipInboundPorts: 'config.linkerd.io/skip-inbound-ports',
  defaultInboundPolicy: 'config.linkerd.io/default-inbound-policy',
  requireIdentityInboundPorts: 'config.linkerd.io/proxy-require-identity-inbound-ports',
  /** On a federated Service: `service@cluster,…`. The same key is a label with another meaning on flat mirrors. */
  remoteDiscovery: 'multicluster.linkerd.io/remote-discovery',
  /** On a federated Service: the member Service of its own cluster. */
  localDiscovery: 'multicluster.linkerd.io/local-discovery',
  trustDomain: 'multicluster.linkerd.io/trust-domain',
  clusterDomain: 'multicluster.linkerd.io/cluster-domain',
  remoteGatewayIdentity: 'mirror.linkerd.io/remote-gateway-identity',
  remoteServiceFqName: 'mirror.linkerd.io/remote-svc-fq-name',
  /** On Endpoints whose addresses are a proxy's: port of its pod that connections are for, through the port that they go to. */
  behindPort: 'multicluster.weft.dev/behind-port',
} as const;

/** Type of Secrets that hold a kubeconfig for another cluster, under {@link KUBECONFIG_KEY}. */
export const REMOTE_KUBECONFIG_TYPE = 'mirror.linkerd.io/remote-kubeconfig';
export const KUBECONFIG_KEY = 'kubeconfig';

/** Name of the proxy's container. */
export const PROXY_CONTAINER = 'linkerd-proxy';
/** Name of the init container that redirects traffic. */
export const INIT_CONTAINER = 'linkerd-init';
