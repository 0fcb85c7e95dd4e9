/** The destination service put together: index, linked clusters, and the two streams on a gRPC server. */
import { destination as api } from '#api/mesh';
import type { KubeClient } from '#kube/client';
import { isContextToken } from '#model/names';
import type { Clock } from '#runtime/clock';
import type { GrpcServer } from '#runtime/grpc';
import type { Log } from '#runtime/log';
import { WatchHealth } from '../fold/index.ts';
import { faultMetrics, type LinkedObserver } from '../linked/index.ts';
import type { ControlMetrics } from '../process/index.ts';
import { ClusterIndex, type IndexWarning } from './cluster/index.ts';
import { ClusterStore } from './cluster-store.ts';
import { type EndpointConfig, EndpointViews, EndpointWatches } from './endpoints/index.ts';
import { Federations } from './federations.ts';
import { type GetDeps, serveGet } from './get.ts';
import { coalesced, collectSizes, endpointMetrics, lagMetrics, profileMetrics } from './metrics.ts';
import { FlatPods, ProfileStreams } from './profile/index.ts';

export interface DestinationConfig extends EndpointConfig {
  clusterDomain: string;
  ipv6: boolean;
}

export interface DestinationDeps {
  kube: Pick<KubeClient, 'watch'>;
  /** Connects to a linked cluster. */
  connect(kubeconfig: string, observer: LinkedObserver): Pick<KubeClient, 'watch' | 'close'>;
  clock: Clock;
  log: Log;
  metrics: ControlMetrics;
}

export interface DestinationService {
  index: ClusterIndex;
  clusters: ClusterStore;
  /** How the watches are doing; those of other parts of the process belong into it, too. */
  health: WatchHealth;
  /** Settles when the own cluster was listed completely. */
  synced: Promise<void>;
  /** Adds the methods to a server. */
  serve(server: GrpcServer): void;
  stop(): void;
}

/** Begins to watch the cluster and those linked to it. */
export function createDestination(deps: DestinationDeps, config: DestinationConfig): DestinationService {
  const { kube, clock, log, metrics } = deps;
  const warn =
    (cluster: string): IndexWarning =>
    (resource, object, problem) =>
      log.warn('ignoring what cannot be read', { cluster, resource, object, problem });
  const health = new WatchHealth(metrics, clock);
  const index = new ClusterIndex(warn(HOME));
  const watches = new EndpointWatches(index, config, endpointMetrics(metrics, HOME));
  const clusters = new ClusterStore({
    kube,
    connect: deps.connect,
    clock,
    log,
    endpointConfig: config,
    observer: (cluster) => endpointMetrics(metrics, cluster),
    warn,
    reachable: (cluster, up) => metrics.gauge('remote_cluster_up', { cluster }).set(up ? 1 : 0),
    faults: faultMetrics(metrics),
    noted: (cluster, resource, sink) => health.note(cluster ?? HOME, resource, sink),
  });
  const run = index.start(kube, true, {
    failed: (resource, error) => log.warn('cannot watch the cluster', { resource, error: error.message }),
    recovered: (resource) => log.info('watching the cluster again', { resource }),
    received: lagMetrics(metrics, () => clock.wallMs()),
    noted: (resource, sink) => health.note(HOME, resource, sink),
  });
  clusters.start(config.controlPlaneNamespace);
  metrics.onCollect(() => collectSizes(metrics, index, clusters));
  const get: GetDeps = {
    clusterDomain: config.clusterDomain,
    index,
    watches,
    views: new EndpointViews((first, second, address) =>
      log.warn('two members have one address: requests go to the first', {
        first: first.id,
        second: second.id,
        address,
      }),
    ),
    clusters,
    federations: new Federations({ index, watches, clusters, clock }),
    coalesced: coalesced(metrics, 'get'),
  };
  const profiles = new ProfileStreams({
    index,
    flat: new FlatPods(index, clusters),
    config: { clusterDomain: config.clusterDomain, endpoints: config },
    observer: profileMetrics(metrics, config.clusterDomain),
  });
  return {
    index,
    clusters,
    health,
    synced: run.synced,
    serve(server) {
      server.serverStream(api.Destination.method.get, (request, stream, context) => {
        note(log, 'Get', request);
        serveGet(get, request, stream, context);
      });
      server.serverStream(api.Destination.method.getProfile, (request, stream) => {
        note(log, 'GetProfile', request);
        profiles.serve(request, stream);
      });
    },
    stop() {
      run.stop();
      clusters.stop();
    },
  };
}

/** What metrics call the own cluster. */
const HOME = 'local';

function note(log: Log, call: string, { path, contextToken }: api.GetDestination): void {
  log.debug(call, { path, token: contextToken.trim() });
  if (contextToken !== '' && !isContextToken(contextToken))
    log.warn('a context token cannot be read and counts as empty', { call, path, token: contextToken.slice(0, 200) });
}
