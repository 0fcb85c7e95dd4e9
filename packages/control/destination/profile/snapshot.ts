/** What a proxy is told about a target, from what the index holds at one moment. */
import { create } from '@bufbuild/protobuf';
import { destination } from '#api/mesh';
import { serviceFqdn } from '#model/names';
import { keyOf } from '../../fold/index.ts';
import type { ClusterIndex, ServiceRecord } from '../cluster/index.ts';
import {
  ALONE,
  type Description,
  describePod,
  describeWorkload,
  type EndpointConfig,
  podFacts,
  weightedAddr,
  workloadFacts,
} from '../endpoints/index.ts';
import { DEFAULT_RETRY_BUDGET } from '../service-profiles/index.ts';
import type { FlatPods } from './flat-pods.ts';
import { type WorkloadAt, workloadAt } from './workload-at.ts';

export interface ProfileConfig {
  clusterDomain: string;
  endpoints: EndpointConfig;
}

/** Where addresses are looked up. */
export interface AddressScene {
  index: ClusterIndex;
  flat: Pick<FlatPods, 'at'>;
  config: ProfileConfig;
}

export interface ServiceTarget {
  service: ServiceRecord;
  port: number;
  /** Namespace of the client: its ServiceProfile wins over the service's own. */
  clientNamespace: string;
}

/** The profile of a service's port. A port that the Service does not declare has an empty one. */
export function serviceProfile(
  index: ClusterIndex,
  { service, port, clientNamespace }: ServiceTarget,
  config: ProfileConfig,
): destination.DestinationProfile {
  if (!service.ports.some((each) => each.port === port)) return create(destination.DestinationProfileSchema);
  const { name, namespace } = service;
  const fqdn = serviceFqdn(service, config.clusterDomain);
  const profile = index.profile(keyOf(clientNamespace, fqdn)) ?? index.profile(keyOf(namespace, fqdn));
  const withPort = (authority: string) => (/:\d+$/.test(authority) ? authority : `${authority}:${port}`);
  return create(destination.DestinationProfileSchema, {
    fullyQualifiedName: fqdn,
    opaqueProtocol: (service.opaquePorts ?? config.endpoints.defaultOpaquePorts).has(port),
    routes: [...(profile?.routes ?? [])],
    retryBudget: profile?.retryBudget ?? DEFAULT_RETRY_BUDGET,
    dstOverrides: (profile?.overrides ?? []).map(({ authority, weight }) => ({
      authority: withPort(authority),
      weight,
    })),
    parentRef: resource({ group: 'core', kind: 'Service', name, namespace, port }),
    profileRef: resource({
      group: 'linkerd.io',
      ...(profile && { kind: 'ServiceProfile', name: profile.name, namespace: profile.namespace }),
    }),
  });
}

type ResourceFields = { group: string; kind?: string; name?: string; namespace?: string; port?: number };
const resource = (value: ResourceFields) => ({ kind: { case: 'resource' as const, value } });

/**
 * The profile of an address: of the pod or workload behind it in the own cluster, else of the pod in a linked one, or the bare
 * address. Throws GrpcError on conflicts in the own cluster.
 */
export function addressProfile(
  { index, flat, config: { endpoints: config } }: AddressScene,
  ip: string,
  port: number,
): destination.DestinationProfile {
  const own = workloadAt(index, ip, port);
  const linked = own ? undefined : flat.at(ip);
  const found: WorkloadAt | undefined = own ?? (linked && { pod: linked.pod, ip, port });
  if (!found || ('pod' in found && !found.pod.running)) {
    const bare = weightedAddr({ ip, port, zone: undefined }, { metricLabels: {} }, ALONE, config);
    return endpointProfile(bare, config.defaultOpaquePorts.has(port));
  }
  const at = { ip: found.ip, port: found.port, zone: undefined };
  const described = linked
    ? describeFound(linked.cluster.index, found, at, linked.cluster.endpoints)
    : describeFound(index, found, at, config);
  const { namespace, opaque, description } = described;
  const metricLabels = {
    ...description.metricLabels,
    namespace,
    ...(linked && { target_cluster: linked.cluster.name }),
  };
  return endpointProfile(weightedAddr(at, { ...description, metricLabels }, ALONE, config), opaque);
}

function describeFound(
  index: ClusterIndex,
  found: NonNullable<WorkloadAt>,
  at: { ip: string; port: number; zone: undefined },
  config: EndpointConfig,
): { namespace: string; opaque: boolean; description: Description } {
  if ('pod' in found) {
    const facts = podFacts(index, found.pod, at.port, config);
    return { namespace: found.pod.namespace, opaque: facts.opaque, description: describePod(facts, at, config) };
  }
  const { workload } = found;
  const facts = workloadFacts(index, workload, at.port, config);
  return { namespace: workload.namespace, opaque: facts.opaque, description: describeWorkload(facts, at, config) };
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
