/** The process of the destination service: Get and GetProfile on :8086, admin on :9996. */
import { hostname } from 'node:os';
import { PortSet } from '#model/annotations';
import { systemClock } from '#runtime/clock';
import { createGrpcServer } from '#runtime/grpc';
import { connectLinked } from '../linked/index.ts';
import { grpcMetrics, type ProcessContext, type Running, runProcess } from '../process/index.ts';
import { readHttp2Params } from './http2-params.ts';
import { createDestination } from './service.ts';
import { WorkloadSlices } from './workload-slices/index.ts';

const FLAGS = {
  addr: { default: ':8086' as string, doc: 'Address of the gRPC service.' },
  'metrics-addr': { default: ':9996' as string, doc: 'Address of probes and metrics.' },
  'controller-namespace': { default: 'linkerd' as string, doc: 'Namespace of the control plane.' },
  'outbound-transport-mode': {
    default: 'transparent' as string,
    doc: 'transport-header: dial meshed pods at their proxy; transparent: at the port itself.',
  },
  'enable-h2-upgrade': { default: true as boolean, doc: 'Tell proxies that meshed pods take HTTP/1 as HTTP/2.' },
  'enable-endpoint-slices': {
    default: true as boolean,
    doc: 'Accepted for compatibility; EndpointSlices are always used.',
  },
  'enable-ipv6': { default: true as boolean, doc: 'Prefer IPv6 addresses of pods that have both.' },
  'identity-trust-domain': { default: 'cluster.local' as string, doc: 'End of all identities.' },
  'cluster-domain': { default: 'cluster.local' as string, doc: 'DNS domain of the cluster.' },
  'default-opaque-ports': { default: '' as string, doc: 'Ports that are opaque unless annotated otherwise.' },
  'export-queue-metrics': { default: true as boolean, doc: 'Accepted for compatibility; they are always there.' },
  'stream-queue-capacity': {
    default: 100 as number,
    doc: 'Accepted for compatibility; changes for a slow proxy are merged instead of queued.',
  },
  'ext-endpoint-zone-weights': { default: false as boolean, doc: "Weigh endpoints in the client's zone ten times." },
  'meshed-http2-client-params': {
    default: '' as string,
    doc: 'HTTP/2 settings for connections to meshed pods, as JSON.',
  },
};

/**
 * How long the first streams wait for linked clusters that are slow to answer. Until then proxies keep the endpoints they have;
 * served at once, they would drop those of other clusters for a moment.
 */
const LINKED_CLUSTERS_MS_MAX = 3_000;

/** Runs the destination service with Linkerd's arguments until a signal; resolves with the exit code. */
export function runDestination(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return runProcess(argv, env, { name: 'destination', flags: FLAGS, adminFlag: 'metrics-addr', build });
}

async function build(context: ProcessContext<typeof FLAGS>): Promise<Running> {
  const { flags, log, metrics } = context;
  const mode = flags['outbound-transport-mode'];
  if (mode !== 'transparent' && mode !== 'transport-header')
    throw new Error(`flag -outbound-transport-mode: expected transport-header or transparent, got "${mode}"`);
  const defaultOpaquePorts = PortSet.parse(flags['default-opaque-ports']);
  if (!defaultOpaquePorts)
    throw new Error(`flag -default-opaque-ports: expected ports and ranges, got "${flags['default-opaque-ports']}"`);
  if (!(flags['stream-queue-capacity'] > 0))
    throw new Error(`flag -stream-queue-capacity: expected a number above 0, got ${flags['stream-queue-capacity']}`);
  const kube = await context.kube();
  const service = createDestination(
    {
      kube,
      connect: connectLinked,
      log,
      metrics,
      clock: systemClock,
    },
    {
      controlPlaneNamespace: flags['controller-namespace'],
      trustDomain: flags['identity-trust-domain'],
      clusterDomain: flags['cluster-domain'],
      forceOpaqueTransport: mode === 'transport-header',
      h2Upgrade: flags['enable-h2-upgrade'],
      zoneWeights: flags['ext-endpoint-zone-weights'],
      ipv6: flags['enable-ipv6'],
      http2: readHttp2Params(flags['meshed-http2-client-params']),
      defaultOpaquePorts,
    },
  );
  await service.synced;
  await service.clusters.settled(LINKED_CLUSTERS_MS_MAX);
  const server = createGrpcServer({
    observer: grpcMetrics(metrics),
    onBug: (method, error) =>
      log.error('a call failed', { method, error: error instanceof Error ? error.stack : String(error) }),
  });
  service.serve(server);
  await server.listen(context.listenAddress('addr'));
  const slices = new WorkloadSlices(
    { kube, clock: systemClock, log, metrics, health: service.health },
    { controlPlaneNamespace: flags['controller-namespace'], identity: context.env['HOSTNAME'] || hostname() },
  );
  slices.start();
  return {
    ready: () => true,
    async drain() {
      service.stop();
      await Promise.all([server.close(), slices.stop()]);
      kube.close();
    },
  };
}
