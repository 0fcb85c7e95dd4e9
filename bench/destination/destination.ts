/** The destination service with its real Kubernetes client and gRPC server, `bun destination.ts API-PORT`. */
import { createDestination } from '#control/destination';
import { createControlMetrics, grpcMetrics } from '#control/process';
import { createKubeClient } from '#kube/client';
import { PortSet } from '#model/annotations';
import { systemClock } from '#runtime/clock';
import { createGrpcServer } from '#runtime/grpc';
import { createLog, parseFilter } from '#runtime/log';
import { answerCommands } from '../worker.ts';

const startMs = performance.now();
const filter = parseFilter('warn');
if ('error' in filter) throw new Error(filter.error);
const log = createLog(
  {
    format: 'plain',
    filter: filter.value,
    write: (line) => process.stderr.write(line),
    uptimeSeconds: () => process.uptime(),
    wallMs: () => Date.now(),
  },
  'destination',
);
const kube = createKubeClient({
  server: `http://127.0.0.1:${process.argv[2]}`,
  tls: () => Promise.resolve({ version: '1' }),
  headers: () => Promise.resolve({}),
});
const metrics = createControlMetrics(() => systemClock.nowMs());
const service = createDestination(
  {
    kube,
    connect: () => {
      throw new Error('there is one cluster');
    },
    log,
    metrics,
    clock: systemClock,
  },
  {
    controlPlaneNamespace: 'linkerd',
    trustDomain: 'cluster.local',
    clusterDomain: 'cluster.local',
    forceOpaqueTransport: true,
    h2Upgrade: true,
    zoneWeights: false,
    ipv6: false,
    http2: undefined,
    defaultOpaquePorts: PortSet.EMPTY,
  },
);
await service.synced;
const server = createGrpcServer({
  observer: grpcMetrics(metrics),
  onBug: (method, error) => console.error(method, error),
});
service.serve(server);
const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
const coalesced = () => metrics.counter('stream_updates_coalesced', { stream: 'get' }).value;
answerCommands(
  { port, syncedMs: performance.now() - startMs, uptimeMs: process.uptime() * 1000 },
  () => ({ coalesced: coalesced() }),
  {},
);
