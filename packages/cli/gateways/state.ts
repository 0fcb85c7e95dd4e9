import { type KubeObject, LEASES, PODS, type Pod, SERVICES } from '#api/kube';
import { type Link, MIRROR } from '#extensions/multicluster';
import { isNotFound, type KubeClient } from '#kube/client';
import type { ForwardTarget } from '#kube/port-forward';
import { controllerNames } from '../manifests/multicluster/index.ts';
import { adminPorts } from '../proxies/index.ts';

/** What a controller says of one gateway. */
export interface GatewayState {
  enabled: boolean;
  alive: boolean;
  /** Of the last successful probe. */
  latencyMs: number;
}

/** Both generations of mirror controllers. */
const CONTROLLERS = 'component in (linkerd-service-mirror, controller)';

interface Lease extends KubeObject {
  spec?: { holderIdentity?: string };
}

/** Asks the controller that leads for a Link. Throws a sentence where none does, or it does not tell. */
export async function gatewayState(
  client: KubeClient,
  link: Link,
  scrape: (target: ForwardTarget) => Promise<string>,
): Promise<GatewayState> {
  const namespace = link.metadata.namespace ?? '';
  const name = link.metadata.name ?? '';
  const pod = await leader(client, namespace, name);
  const port = adminPorts(pod).find(({ container }) => container !== 'linkerd-proxy')?.port;
  if (port === undefined) throw new Error(`pod ${pod.metadata.name} has no admin port`);
  const metrics = await scrape({ namespace, pod: pod.metadata.name ?? '', port });
  const cluster = link.spec?.targetClusterName || name;
  const value = (family: string): number | undefined => sample(metrics, family, cluster);
  return {
    enabled: value('gateway_enabled') === 1,
    alive: value('gateway_alive') === 1,
    latencyMs: value('gateway_latency') ?? 0,
  };
}

async function leader(client: KubeClient, namespace: string, link: string): Promise<Pod> {
  const name = controllerNames(link).lease;
  let holder: string | undefined;
  try {
    holder = (await client.get<Lease>(LEASES, name, namespace)).spec?.holderIdentity;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  if (!holder) throw new Error(`no mirror controller holds Lease ${namespace}/${name}`);
  const { items } = await client.list<Pod>(PODS, { namespace, labelSelector: CONTROLLERS });
  const pod = items.find(({ metadata }) => metadata.name === holder);
  if (pod?.status?.phase !== 'Running') throw new Error(`pod ${holder}, which holds Lease ${name}, does not run`);
  return pod;
}

/** The value of a gauge with the one label that names the cluster. */
function sample(metrics: string, family: string, cluster: string): number | undefined {
  const start = `${family}{target_cluster_name="${cluster}"} `;
  const line = metrics.split('\n').find((each) => each.startsWith(start));
  return line === undefined ? undefined : Number(line.slice(start.length));
}

/** How many Services are mirrored from each cluster. */
export async function mirrorCounts(client: KubeClient): Promise<Map<string, number>> {
  const { items } = await client.list(SERVICES, {
    labelSelector: `${MIRROR.mirroredService}=true,${MIRROR.clusterName}`,
    metadataOnly: true,
  });
  const counts = new Map<string, number>();
  for (const { metadata } of items) {
    const cluster = metadata.labels?.[MIRROR.clusterName] ?? '';
    counts.set(cluster, (counts.get(cluster) ?? 0) + 1);
  }
  return counts;
}
