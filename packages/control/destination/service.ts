/** The destination service put together: index, linked clusters, and the two streams on a gRPC server. */
import { destination as api } from '#api/mesh';
import type { KubeClient } from '#kube/client';
import type { GrpcServer } from '#runtime/grpc';
import type { Log } from '#runtime/log';
import type { ControlMetrics } from '../process/index.ts';
import { ClusterIndex } from './cluster/index.ts';
import { ClusterStore } from './cluster-store.ts';
import { type EndpointConfig, type EndpointsObserver, EndpointWatches } from './endpoints/index.ts';
import { type GetDeps, serveGet } from './get.ts';
import { type GetProfileDeps, serveGetProfile } from './profile/index.ts';

export interface DestinationConfig extends EndpointConfig {
  clusterDomain: string;
  ipv6: boolean;
}

export interface DestinationDeps {
  kube: Pick<KubeClient, 'watch'>;
  /** Connects to a linked cluster. */
  connect(kubeconfig: string): Pick<KubeClient, 'watch' | 'close'>;
  log: Log;
  metrics: ControlMetrics;
}

export interface DestinationService {
  index: ClusterIndex;
  clusters: ClusterStore;
  /** Settles when the own cluster was listed completely. */
  synced: Promise<void>;
  /** Adds the methods to a server. */
  serve(server: GrpcServer): void;
  stop(): void;
}

/** Begins to watch the cluster and those linked to it. */
export function createDestination(deps: DestinationDeps, config: DestinationConfig): DestinationService {
  const { kube, log, metrics } = deps;
  const index = new ClusterIndex();
  const watches = new EndpointWatches(index, config, endpointMetrics(metrics, 'local'));
  const clusters = new ClusterStore({
    kube,
    connect: deps.connect,
    log,
    endpointConfig: config,
    observer: (cluster) => endpointMetrics(metrics, cluster),
    reachable: (cluster, up) => metrics.gauge('remote_cluster_up', { cluster }).set(up ? 1 : 0),
  });
  const run = index.start(kube, true, {
    failed: (resource, error) => {
      metrics.counter('kube_watch_failures_total', { cluster: 'local', resource }).inc();
      log.warn('cannot watch the cluster', { resource, error: error.message });
    },
    recovered: (resource) => log.info('watching the cluster again', { resource }),
  });
  clusters.start(config.controlPlaneNamespace);
  metrics.onCollect(() => collect(metrics, index, clusters));
  const coalesced = (stream: string) => () => metrics.counter('stream_updates_coalesced', { stream }).inc();
  const get: GetDeps = { clusterDomain: config.clusterDomain, index, watches, clusters, coalesced: coalesced('get') };
  const profiles: GetProfileDeps = {
    index,
    config: { clusterDomain: config.clusterDomain, endpoints: config },
    coalesced: coalesced('profile'),
    invalidProfile: (target, reason) => log.warn('ignoring an invalid ServiceProfile', { target, reason }),
  };
  return {
    index,
    clusters,
    synced: run.synced,
    serve(server) {
      server.serverStream(api.Destination.method.get, (request, stream, context) => {
        log.debug('Get', { path: request.path });
        serveGet(get, request, stream, context);
      });
      server.serverStream(api.Destination.method.getProfile, (request, stream) => {
        log.debug('GetProfile', { path: request.path });
        serveGetProfile(profiles, request, stream);
      });
    },
    stop() {
      run.stop();
      clusters.stop();
    },
  };
}

function endpointMetrics(metrics: ControlMetrics, cluster: string): EndpointsObserver {
  const labelsOf = (serviceKey: string, port: number) => {
    const [namespace, service] = serviceKey.split('/');
    return { cluster, namespace, service, port: String(port) };
  };
  return {
    subscribers: (key, port, count) => metrics.gauge('endpoints_subscribers', labelsOf(key, port)).set(count),
    updated: (key, port, set) => {
      const labels = labelsOf(key, port);
      metrics.counter('endpoints_updates', labels).inc();
      metrics.gauge('endpoints_pods', labels).set(set.endpoints.length);
      metrics.gauge('endpoints_exists', labels).set(set.exists ? 1 : 0);
    },
  };
}

function collect(metrics: ControlMetrics, index: ClusterIndex, clusters: ClusterStore): void {
  metrics.gauge('cluster_store_size', {}).set(clusters.size);
  const known: [string, ClusterIndex][] = [['local', index]];
  for (const remote of clusters.clusters()) known.push([remote.name, remote.index]);
  for (const [cluster, each] of known)
    for (const [resource, count] of each.sizes()) metrics.gauge('kube_objects', { cluster, resource }).set(count);
}
