/**
 * Where the cluster is and who we are: kubeconfig files (contexts, certificates, tokens, token files, exec plug-ins) and the
 * service account of a pod, each turned into a `ServerAccess` for `#kube/client`.
 */
export { inClusterAccess, inClusterNamespace, isInCluster } from './in-cluster.ts';
export {
  accessOf,
  currentContext,
  inlineAccess,
  type KubeConfig,
  type KubeConfigCluster,
  type KubeConfigContext,
  type KubeConfigUser,
  parseKubeConfig,
  type ResolvedContext,
  readKubeConfig,
  resolveContext,
} from './kubeconfig.ts';
export { type ConnectOptions, kubeConfigPaths, loadAccess } from './load.ts';
