/** One cluster of a lab as one process: store, API server, controllers, kubelets of all its nodes, DNS and service proxy. */
export type { ClusterConfig, ClusterMessage, ClusterNode } from './config.ts';
export { runCluster } from './main.ts';
