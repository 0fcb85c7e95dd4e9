/**
 * The destination service: endpoints of services and profiles of targets, streamed to proxies; of this cluster, of linked
 * clusters, and of services federated over several.
 */
export { ClusterIndex } from './cluster/index.ts';
export { ClusterStore, type RemoteCluster } from './cluster-store.ts';
export type { EndpointConfig } from './endpoints/index.ts';
export { readHttp2Params } from './http2-params.ts';
export { runDestination } from './main.ts';
export { createDestination, type DestinationConfig, type DestinationDeps, type DestinationService } from './service.ts';
