/** The policy service put together: what it watches, and the two gRPC services on a server. */
import type { KubeClient } from '#kube/client';
import type { PortSet } from '#model/annotations';
import type { DefaultPolicyName } from '#model/policy';
import { type Clock, systemClock } from '#runtime/clock';
import type { GrpcServer } from '#runtime/grpc';
import type { Log } from '#runtime/log';
import { follow, WatchHealth, type WatchObserver } from '../fold/index.ts';
import type { ControlMetrics } from '../process/index.ts';
import { InboundView, measureInbound, serveInbound } from './inbound/index.ts';
import type { Network, NetworkMatch } from './networks.ts';
import { EgressNetworks, Services, serveOutbound } from './outbound/index.ts';
import { parentProblemIn } from './parents.ts';
import { Routes } from './routes/index.ts';
import { STATUS_RESOURCES, type StatusView, StatusWriter, type StatusWriterConfig } from './status/index.ts';

export interface PolicyConfig {
  controlPlaneNamespace: string;
  trustDomain: string;
  clusterDomain: string;
  clusterNetworks: readonly Network[];
  probeNetworks: readonly Network[];
  defaultPolicy: DefaultPolicyName;
  defaultOpaquePorts: PortSet;
  /** Whose EgressNetworks count for namespaces without their own. */
  globalEgressNamespace: string;
  /** Clients may set time-outs and retries by `l5d-*` headers. */
  allowL5dRequestHeaders: boolean;
  /** Undefined: this replica is never the one that writes statuses. */
  statusWriter?: StatusWriterConfig;
}

export interface PolicyDeps {
  kube: Pick<KubeClient, 'watch' | 'get' | 'create' | 'update' | 'patch'>;
  clock?: Clock;
  log: Log;
  metrics: ControlMetrics;
}

export interface PolicyService {
  /** Settles when everything was listed once. */
  synced: Promise<void>;
  serve(server: GrpcServer): void;
  /** Ends the watches and gives up what this replica leads. */
  stop(): Promise<void>;
}

/** Warnings are given once; of more different ones than this, again. */
const WARNINGS_KEPT_MAX = 1000;

/** Begins to watch the cluster. */
export function createPolicy(
  { kube, log, metrics, clock = systemClock }: PolicyDeps,
  config: PolicyConfig,
): PolicyService {
  const health = new WatchHealth(metrics, clock);
  const observer: WatchObserver = {
    failed: (resource: string, error: Error) =>
      log.warn('cannot watch the cluster', { resource, error: error.message }),
    recovered: (resource: string) => log.info('watching the cluster again', { resource }),
    changed: (resource: string) => STATUS_RESOURCES.has(resource) && writer?.changed(),
    noted: (resource, sink) => health.note('local', resource, sink),
  };
  const skipped = (resource: string, object: string, problem?: string) =>
    log.warn('ignoring an object that does not say what it must', { resource, object, ...(problem && { problem }) });
  const routes: Routes = new Routes(
    (resource, object, problem) => log.warn('ignoring a route that cannot be read', { resource, object, problem }),
    (kind, key) => parentProblem(kind, key),
  );
  const view = new InboundView(routes, skipped);
  measureInbound(view, routes, metrics);
  const services = new Services((key) => routes.backendChanged('service', key));
  const egress = new EgressNetworks(
    { clusterNetworks: config.clusterNetworks, globalNamespace: config.globalEgressNamespace },
    skipped,
    (key) => routes.backendChanged('egressnetwork', key),
  );
  const parentProblem = parentProblemIn(view, services, egress);
  const statusView: StatusView = {
    routes,
    egress,
    hasServer: (key) => view.server(key) !== undefined,
    hasService: (key) => services.get(key) !== undefined,
    rateLimits: () => view.rateLimits(),
  };
  const writer =
    config.statusWriter && new StatusWriter({ kube, log, metrics, clock, view: statusView }, config.statusWriter);
  const run = follow(
    kube,
    [view, services, routes, egress].flatMap((fold) => fold.watched),
    observer,
  );
  let stopped = false;
  void run.synced.then(() => {
    if (!stopped) writer?.start();
  });
  const coalesced = (stream: string) => () => metrics.counter('stream_updates_coalesced', { stream }).inc();
  return {
    synced: run.synced,
    serve(server) {
      const all = (networks: readonly Network[]): NetworkMatch[] =>
        networks.map((network) => ({ network, except: [] }));
      const { controlPlaneNamespace, trustDomain, defaultPolicy, clusterDomain, defaultOpaquePorts } = config;
      serveInbound(
        {
          view,
          coalesced: coalesced('inbound'),
          config: {
            controlPlaneNamespace,
            trustDomain,
            defaultPolicy,
            clusterNetworks: all(config.clusterNetworks),
            probeNetworks: all(config.probeNetworks),
          },
        },
        server,
      );
      serveOutbound(
        {
          services,
          routes,
          egress,
          coalesced: coalesced('outbound'),
          config: { clusterDomain, defaultOpaquePorts, allowL5dRequestHeaders: config.allowL5dRequestHeaders },
          clusterNetworks: config.clusterNetworks,
          warn: once((object, message) => log.warn('ignoring an annotation', { object, message })),
        },
        server,
      );
    },
    async stop() {
      stopped = true;
      run.stop();
      await writer?.stop();
    },
  };
}

/** The same warning is given once, although it is met at every question. */
function once(warn: (object: string, message: string) => void): (object: string, message: string) => void {
  const given = new Set<string>();
  return (object, message) => {
    const key = `${object} ${message}`;
    if (given.has(key)) return;
    if (given.size >= WARNINGS_KEPT_MAX) given.clear();
    given.add(key);
    warn(object, message);
  };
}
