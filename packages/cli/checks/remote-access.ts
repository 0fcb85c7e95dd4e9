import { connectLinked, type LinkedObserver } from '#control/linked';
import type { KubeClient, ServerAccess } from '#kube/client';
import { inlineAccess, kubeConfigPaths, readKubeConfig } from '#kube/config';
import { isLoopback } from '../commands/multicluster/remote-kubeconfig.ts';
import type { CliContext } from '../context.ts';

/**
 * Opens a linked cluster with the credentials of its Link. `link` writes the address at which *clusters* reach each other;
 * where this machine's kubeconfig knows the same cluster (the same certificate authority) by a loopback address, that one
 * is taken: the other need not be reachable from here.
 */
export async function connectNear(
  context: CliContext,
  kubeconfig: string,
  observer: LinkedObserver,
): Promise<KubeClient> {
  const access = inlineAccess(kubeconfig);
  const { ca } = await access.tls();
  const near = ca === undefined ? undefined : await loopbackServer(context, ca);
  return connectLinked(near === undefined ? access : { ...access, server: near }, observer);
}

async function loopbackServer(context: CliContext, ca: string): Promise<ServerAccess['server'] | undefined> {
  const { files } = kubeConfigPaths(context.flags, context.io.env);
  const config = await readKubeConfig(files).catch(() => undefined); // No kubeconfig: nothing is known nearer.
  for (const cluster of config?.clusters.values() ?? []) {
    const data = cluster['certificate-authority-data'];
    if (data === undefined || !isLoopback(new URL(cluster.server).hostname)) continue;
    if (Buffer.from(data, 'base64').toString('utf8').trim() === ca.trim()) return cluster.server;
  }
  return undefined;
}
