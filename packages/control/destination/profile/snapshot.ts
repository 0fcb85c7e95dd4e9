/** What a proxy is told about a target, from what the index holds at one moment. */
import { create } from '@bufbuild/protobuf';
import { destination } from '#api/mesh';
import { serviceFqdn } from '#model/names';
import { GrpcError } from '#runtime/grpc';
import { keyOf } from '../../fold/index.ts';
import type { ClusterIndex, PodRecord, ServiceRecord } from '../cluster/index.ts';
import { describePod, describeWorkload, type EndpointConfig, weightedAddr } from '../endpoints/index.ts';
import { DEFAULT_RETRY_BUDGET, translateProfile } from './translate.ts';
import { workloadAt } from './workload-at.ts';

export interface ProfileConfig {
  clusterDomain: string;
  endpoints: EndpointConfig;
}

export interface ServiceTarget {
  service: ServiceRecord;
  port: number;
  /** Namespace of the client: its ServiceProfile wins over the service's own. */
  clientNamespace: string;
}

/** The profile of a service's port. A port that the Service does not declare has an empty one. Throws ProfileError. */
export function serviceProfile(
  index: ClusterIndex,
  target: ServiceTarget,
  config: ProfileConfig,
): destination.DestinationProfile {
  const { service, port, clientNamespace } = target;
  if (!service.ports.some((each) => each.port === port)) return create(destination.DestinationProfileSchema);
  const fqdn = serviceFqdn(service, config.clusterDomain);
  const profile = index.profile(keyOf(clientNamespace, fqdn)) ?? index.profile(keyOf(service.namespace, fqdn));
  const opaque = (service.opaquePorts ?? config.endpoints.defaultOpaquePorts).has(port);
  const { name, namespace } = service;
  return translateProfile({ fqdn, name, namespace, port, opaque }, profile);
}

/** The profile of an address: of the pod or workload behind it, or the bare address. Throws GrpcError on conflicts. */
export function addressProfile(
  index: ClusterIndex,
  ip: string,
  port: number,
  config: ProfileConfig,
): destination.DestinationProfile {
  const found = workloadAt(index, ip, port);
  if (found && 'pod' in found && found.pod.running) return podProfile(index, found.pod, ip, port, config);
  const at = { ip, port, zone: undefined };
  const { defaultOpaquePorts } = config.endpoints;
  if (!found || 'pod' in found) {
    const endpoint = weightedAddr(at, { metricLabels: {} }, undefined, config.endpoints);
    return endpointProfile(endpoint, defaultOpaquePorts.has(port));
  }
  const { workload } = found;
  const description = describeWorkload(index, workload, at, config.endpoints);
  const metricLabels = { ...description.metricLabels, namespace: workload.namespace };
  const opaque =
    (workload.opaquePorts ?? defaultOpaquePorts).has(port) || index.isWorkloadOpaqueByServer(workload, port);
  return endpointProfile(weightedAddr(at, { ...description, metricLabels }, undefined, config.endpoints), opaque);
}

function podProfile(
  index: ClusterIndex,
  pod: PodRecord,
  ip: string,
  port: number,
  config: ProfileConfig,
): destination.DestinationProfile {
  const at = { ip, port, zone: undefined };
  const description = describePod(index, pod, at, config.endpoints);
  const metricLabels = { ...description.metricLabels, namespace: pod.namespace };
  const opaque =
    (pod.opaquePorts ?? config.endpoints.defaultOpaquePorts).has(port) || index.isOpaqueByServer(pod, port);
  return endpointProfile(weightedAddr(at, { ...description, metricLabels }, undefined, config.endpoints), opaque);
}

function endpointProfile(
  endpoint: destination.WeightedAddr | undefined,
  opaque: boolean,
): destination.DestinationProfile {
  return create(destination.DestinationProfileSchema, {
    retryBudget: DEFAULT_RETRY_BUDGET,
    opaqueProtocol: opaque,
    ...(endpoint && { endpoint }),
  });
}

/** The pod that a headless Service knows by `hostname`. Throws NOT_FOUND without one. */
export function podByHostname(index: ClusterIndex, serviceKey: string, hostname: string): PodRecord {
  for (const slice of index.slices(serviceKey))
    for (const endpoint of slice.endpoints) {
      if (endpoint.hostname !== hostname || endpoint.target?.kind !== 'Pod') continue;
      const pod = index.pod(endpoint.target.key);
      if (pod) return pod;
    }
  throw new GrpcError('NOT_FOUND', `no pod found in EndpointSlices of Service ${serviceKey} for hostname ${hostname}`);
}
