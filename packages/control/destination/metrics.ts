/** What the destination service counts; names and labels are Linkerd's. */
import type { KubeObject } from '#api/kube';
import { serviceFqdn } from '#model/names';
import type { CONTROL_METRICS, ControlMetrics } from '../process/index.ts';
import { type ClusterIndex, RESOURCES } from './cluster/index.ts';
import type { ClusterStore } from './cluster-store.ts';
import type { EndpointsObserver } from './endpoints/index.ts';
import type { ProfileObserver } from './profile/index.ts';

/** Counts changes that were merged because a proxy read slowly. */
export const coalesced = (metrics: ControlMetrics, stream: 'get' | 'profile') => () =>
  metrics.counter('stream_updates_coalesced', { stream }).inc();

/** The families endpoints_* of one cluster. */
export function endpointMetrics(metrics: ControlMetrics, cluster: string): EndpointsObserver {
  return {
    follow(serviceKey, servicePort) {
      const [namespace, service] = serviceKey.split('/');
      const labels = { cluster, namespace, service, port: String(servicePort) };
      const subscribers = metrics.gauge('endpoints_subscribers', labels);
      const updates = metrics.counter('endpoints_updates', labels);
      const pods = metrics.gauge('endpoints_pods', labels);
      const exists = metrics.gauge('endpoints_exists', labels);
      return {
        subscribers: (change) => move(subscribers, change),
        updated(set) {
          updates.inc();
          pods.set(set.endpoints.length);
          exists.set(set.exists ? 1 : 0);
        },
        stop() {
          for (const name of ENDPOINT_FAMILIES) metrics.release(name, labels);
        },
      };
    },
  };
}

const ENDPOINT_FAMILIES = [
  'endpoints_subscribers',
  'endpoints_updates',
  'endpoints_pods',
  'endpoints_exists',
] as const satisfies (keyof typeof CONTROL_METRICS)[];

/** The families profile_*, service_subscribers and workload_*. */
export function profileMetrics(metrics: ControlMetrics, clusterDomain: string): ProfileObserver {
  return {
    follow(subject) {
      if (subject.kind === 'address') {
        const subscribers = metrics.gauge('workload_subscribers', {});
        const updates = metrics.counter('workload_updates', {});
        return { subscribers: (change) => move(subscribers, change), updated: () => updates.inc(), stop: () => {} };
      }
      const { namespace, name } = subject;
      const ofProfile = { namespace, profile: serviceFqdn(subject, clusterDomain) };
      const ofService = { namespace, name };
      const followers = metrics.gauge('profile_subscribers', ofProfile);
      const updates = metrics.counter('profile_updates', ofProfile);
      const serviceFollowers = metrics.gauge('service_subscribers', ofService);
      return {
        subscribers(change) {
          move(followers, change);
          move(serviceFollowers, change);
        },
        updated: () => updates.inc(),
        stop() {
          metrics.release('profile_subscribers', ofProfile);
          metrics.release('profile_updates', ofProfile);
          metrics.release('service_subscribers', ofService);
        },
      };
    },
    coalesced: coalesced(metrics, 'profile'),
  };
}

function move(gauge: { inc(): void; dec(): void }, change: 1 | -1): void {
  if (change > 0) gauge.inc();
  else gauge.dec();
}

/** Measures the time from the last change of an object, as its managers say, to its arrival by watch. */
export function lagMetrics(
  metrics: ControlMetrics,
  wallMs: () => number,
): (resource: string, object: KubeObject) => void {
  const lags = new Map(
    Object.values(RESOURCES).flatMap(({ gvr, lag }) =>
      lag === undefined
        ? []
        : [[gvr.resource as string, metrics.histogram(`${lag}_informer_lag_seconds`, {})] as const],
    ),
  );
  return (resource, object) => {
    const lag = lags.get(resource);
    const changedMs = lag && lastChangeMs(object);
    if (changedMs) lag.observe(Math.max(0, wallMs() - changedMs) / 1000);
  };
}

function lastChangeMs({ metadata }: KubeObject): number | undefined {
  const { managedFields = [] } = metadata as { managedFields?: readonly { time?: string }[] };
  let last = '';
  // RFC 3339 in UTC, as the API server writes it: the order of texts is the order of times.
  for (const { time = '' } of managedFields) if (time > last) last = time;
  return last === '' ? undefined : Date.parse(last);
}

/** Sets the gauges of what is held; called before they are read. */
export function collectSizes(metrics: ControlMetrics, index: ClusterIndex, clusters: ClusterStore): void {
  metrics.gauge('cluster_store_size', {}).set(clusters.size);
  const known: [string, ClusterIndex][] = [['local', index]];
  for (const remote of clusters.clusters()) known.push([remote.name, remote.index]);
  for (const [cluster, each] of known)
    for (const [resource, count] of each.sizes())
      metrics.gauge(`${RESOURCES[resource].cache}_cache_size`, { cluster }).set(count);
}
