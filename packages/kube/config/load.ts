import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { ServerAccess } from '../client/session.ts';
import { inClusterAccess, isInCluster } from './in-cluster.ts';
import { accessOf, readKubeConfig, resolveContext } from './kubeconfig.ts';

/** What kubectl's flags of the same names mean. */
export interface ConnectOptions {
  /** One file; absent: $KUBECONFIG (a list), else ~/.kube/config. */
  kubeconfig?: string;
  context?: string;
  /** Impersonated user and groups. */
  as?: string;
  asGroups?: readonly string[];
}

/** The kubeconfig files in use: the flag, else $KUBECONFIG, else (not named by anybody) ~/.kube/config. */
export function kubeConfigPaths(
  options: Pick<ConnectOptions, 'kubeconfig'>,
  env: NodeJS.ProcessEnv,
): { files: readonly string[]; isNamed: boolean } {
  if (options.kubeconfig) return { files: [options.kubeconfig], isNamed: true };
  const listed = env['KUBECONFIG']?.split(delimiter).filter(Boolean) ?? [];
  if (listed.length > 0) return { files: listed, isNamed: true };
  return { files: [join(homedir(), '.kube', 'config')], isNamed: false };
}

/**
 * Finds the cluster as kubectl does: the flag, then $KUBECONFIG, then ~/.kube/config, and inside a pod without any of
 * these, the pod's service account. `namespace` is the context's, or `default`.
 */
export async function loadAccess(
  options: ConnectOptions = {},
  env: NodeJS.ProcessEnv = process.env,
): Promise<ServerAccess & { namespace: string; context: string }> {
  const headers: Record<string, string | string[]> = {};
  if (options.as) headers['impersonate-user'] = options.as;
  if (options.asGroups && options.asGroups.length > 0) headers['impersonate-group'] = [...options.asGroups];
  const paths = kubeConfigPaths(options, env);
  if (!paths.isNamed && !options.context && isInCluster(env))
    return { ...inClusterAccess(env), namespace: 'default', context: 'in-cluster' };
  const config = await readKubeConfig(paths.files);
  const context = resolveContext(config, options.context);
  return { ...accessOf(context, headers), namespace: context.namespace, context: context.name };
}
