import { type KubeObject, NODES, SERVICES } from '#api/kube';
import type { LinkSpec } from '#extensions/multicluster';
import { isNotFound, type KubeClient } from '#kube/client';
import { parseGoDuration } from '#model/annotations';
import { UserError } from '../../context.ts';
import { GATEWAY_IDENTITY, type Refused, refusedBy } from '../../gateways/index.ts';

interface GatewayService extends KubeObject {
  spec?: { type?: string; ports?: { name?: string; port: number; nodePort?: number }[] };
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } };
}
interface Node extends KubeObject {
  status?: { addresses?: { type: string; address: string }[] };
}

export interface GatewayChoice {
  name: string;
  namespace: string;
  /** Instead of what the Service says. */
  addresses: string | undefined;
  port: number | undefined;
  /** Instead of what the Service says; the gateway's own port: probes go through it. */
  probePort: number | undefined;
}

type GatewaySpec = Pick<LinkSpec, 'gatewayAddress' | 'gatewayPort' | 'gatewayIdentity' | 'probeSpec'>;

/** What a Link says of the gateway of the cluster that is to be linked. */
export async function gatewaySpec(client: KubeClient, choice: GatewayChoice): Promise<GatewaySpec> {
  const called = `${choice.name}.${choice.namespace}`;
  const gateway = await gatewayService(client, choice);
  const annotations = gateway.metadata.annotations ?? {};
  const gatewayIdentity = annotations[GATEWAY_IDENTITY];
  if (!gatewayIdentity) throw new UserError(`gateway ${called} has no ${GATEWAY_IDENTITY} annotation`);
  const addresses = choice.addresses ?? (await addressesOf(client, gateway)).join(',');
  if (addresses === '') throw new UserError(`gateway ${called} has no ingress addresses`);
  const path = annotations['mirror.linkerd.io/probe-path'] ?? '';
  if (path === '') throw new UserError(`gateway ${called}: probe path is empty`);
  const timeout = annotations['mirror.linkerd.io/probe-timeout'];
  const failureThreshold = annotations['mirror.linkerd.io/probe-failure-threshold'];
  const port = choice.port ?? portOf(gateway, 'mc-gateway', called);
  // A gateway without a port for probes takes them at its own.
  const hasProbePort = gateway.spec?.ports?.some(({ name }) => name === 'mc-probe');
  const probePort = choice.probePort ?? (hasProbePort ? portOf(gateway, 'mc-probe', called) : port);
  return {
    gatewayAddress: addresses,
    gatewayPort: String(port),
    gatewayIdentity,
    probeSpec: {
      path,
      port: String(probePort),
      period: periodOf(annotations['mirror.linkerd.io/probe-period'] ?? '', called),
      ...(timeout && { timeout }),
      ...(failureThreshold && { failureThreshold }),
    },
  };
}

/** Services that a Link would take through the gateway, and the gateway refuse. */
export async function refusedServices(client: KubeClient, choice: GatewayChoice, spec: LinkSpec): Promise<Refused> {
  const gateway = await gatewayService(client, choice);
  const { items } = await client.list(SERVICES, { metadataOnly: true });
  return refusedBy(gateway, spec, items);
}

async function gatewayService(client: KubeClient, { name, namespace }: GatewayChoice): Promise<GatewayService> {
  try {
    return await client.get<GatewayService>(SERVICES, name, namespace);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new UserError(
      `gateway ${name}.${namespace} does not exist; install it with \`multicluster install\`, or link with --gateway=false`,
    );
  }
}

/** Of the load balancer: IP addresses, else host names. Of node ports: where the nodes can be reached. */
async function addressesOf(client: KubeClient, { spec, status }: GatewayService): Promise<string[]> {
  const ingress = status?.loadBalancer?.ingress ?? [];
  const ips = ingress.flatMap(({ ip }) => (ip ? [ip] : []));
  if (ips.length > 0) return ips;
  const names = ingress.flatMap(({ hostname }) => (hostname ? [hostname] : []));
  if (names.length > 0 || spec?.type !== 'NodePort') return names;
  const { items } = await client.list<Node>(NODES);
  const ofType = (wanted: string): string[] =>
    items.flatMap((node) => {
      const found = node.status?.addresses?.find(({ type }) => type === wanted);
      return found ? [found.address] : [];
    });
  const external = ofType('ExternalIP');
  return external.length > 0 ? external : ofType('InternalIP');
}

function portOf({ spec }: GatewayService, name: string, called: string): number {
  const port = spec?.ports?.find((each) => each.name === name);
  if (!port) throw new UserError(`gateway ${called} has no port ${name}`);
  if (spec?.type !== 'NodePort') return port.port;
  if (!port.nodePort) throw new UserError(`gateway ${called}: port ${name} has no node port`);
  return port.nodePort;
}

/** Seconds, as the chart writes them, or a duration. */
function periodOf(text: string, called: string): string {
  if (/^\d+$/.test(text)) return `${text}s`;
  if (parseGoDuration(text) !== undefined) return text;
  throw new UserError(
    `gateway ${called}: annotation mirror.linkerd.io/probe-period: expected seconds or a duration such as 3s, got "${text}"`,
  );
}
