import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { PODS } from '#api/kube';
import { systemClock } from '#runtime/clock';
import type { ApiServer } from '../apiserver/index.ts';
import { builtinImages, ImageTable } from '../images/index.ts';
import { buildTemplate, ConfigStore, clearLeftovers, Kubelet, nodeResources, TokenCache } from '../kubelet/index.ts';
import { type Caches, EventRecorder } from '../reconcile/index.ts';
import type { ClusterConfig } from './config.ts';
import { kubeletEvents } from './kubelet-events.ts';

/** What nodes report as their kubelet's version. */
const KUBERNETES_VERSION = 'v1.34.4+lab';

/** Starts the kubelets of all nodes; settles when the nodes are registered. */
export async function startKubelets(
  config: ClusterConfig,
  deps: { server: ApiServer; caches: Caches; log(line: string): void },
): Promise<Kubelet[]> {
  const { client } = deps.server;
  const clock = systemClock;
  const memory = join('/run/weft', config.name);
  const { items } = await client.list(PODS);
  clearLeftovers({ disk: config.folder, memory }, new Set(items.map(({ metadata }) => metadata.uid ?? '')));
  const template = buildTemplate(join(memory, 'template'));
  const tokens = new TokenCache(async ({ namespace, serviceAccount, audiences, expirationSeconds, boundPod }) => {
    const boundObjectRef = { kind: 'Pod', ...boundPod };
    const issued = await deps.server.requestToken(
      { namespace, name: serviceAccount },
      { audiences, expirationSeconds, boundObjectRef },
    );
    return { token: issued.token, expiresAtMs: Date.parse(issued.expirationTimestamp) };
  }, clock);
  const shared = {
    clock,
    template,
    tokens,
    images: new ImageTable([...config.images, ...builtinImages()]),
    backoff: config.backoff,
    config: new ConfigStore(deps.caches),
    dns: { nameserver: config.dnsIp, clusterDomain: config.clusterDomain },
    folders: { disk: config.folder, memory, layers: isOverlay(config.folder) ? memory : config.folder },
    allocatable: nodeResources(),
    version: KUBERNETES_VERSION,
    claimFolder: (namespace: string, name: string) => join(config.folder, 'claims', namespace, name),
    log: deps.log,
  };
  const kubelets = config.nodes.map((site) => {
    const user = {
      name: `system:node:${site.name}`,
      groups: ['system:masters', 'system:nodes'],
      fieldManager: 'kubelet',
    };
    const own = client.as(user);
    return new Kubelet(
      { ...shared, client: own, event: kubeletEvents(new EventRecorder(own, clock, 'kubelet'), deps.log) },
      site,
    );
  });
  await Promise.all(kubelets.map((kubelet) => kubelet.start()));
  return kubelets;
}

const OVERLAYFS_MAGIC = 0x794c7630;

/** An overlay's upper layer cannot lie on another overlay, which is what the disk is inside a container engine. */
const isOverlay = (folder: string): boolean => statfsSync(folder).type === OVERLAYFS_MAGIC;
