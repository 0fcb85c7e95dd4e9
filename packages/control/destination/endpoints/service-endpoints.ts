/** From a Service's slices to its endpoints on one port. */
import { toBinary } from '@bufbuild/protobuf';
import { destination } from '#api/mesh';
import type { ClusterIndex, ServiceRecord, SliceEndpoint, SliceRecord } from '../cluster/index.ts';
import {
  type Description,
  describeAddress,
  describePod,
  describeWorkload,
  type EndpointConfig,
  type Locality,
  type Located,
  weightedAddr,
} from './endpoint.ts';

/** One endpoint of a service. The same object is kept as long as nothing about it changes. */
export interface Endpoint extends Located {
  /** `ip:port`. */
  key: string;
  hostname: string | undefined;
  nodeName: string | undefined;
  hintZones: readonly string[] | undefined;
  /** Equal for equal endpoints. */
  fingerprint: string;
  /** What a proxy is told, by how far it is; made once. */
  message(locality: Locality): destination.WeightedAddr;
}

/** The endpoints of a service's port at one moment. */
export interface EndpointSet {
  exists: boolean;
  /** Only for clients on the endpoint's node. */
  localTraffic: boolean;
  /** Of all endpoints: `service`, `namespace`, and `target_…` for mirrors. */
  labels: Readonly<Record<string, string>>;
  endpoints: readonly Endpoint[];
}

/**
 * Lists the endpoints of `port`; `previous` lends its objects where nothing changed. A Service that is absent or an
 * ExternalName has none. The port is looked up in the slices by the Service port's name; a number that the Service does not
 * declare is taken as it is.
 */
export function listEndpoints(
  index: ClusterIndex,
  serviceKey: string,
  port: number,
  config: EndpointConfig & { ipv6: boolean },
  previous: readonly Endpoint[],
): EndpointSet {
  const service = index.service(serviceKey);
  const [namespace = '', name = ''] = serviceKey.split('/');
  const labels = { service: name, namespace };
  if (!service || service.externalName) return { exists: false, localTraffic: false, labels, endpoints: [] };
  const known = new Map(previous.map((endpoint) => [endpoint.key, endpoint]));
  const found = new Map<string, Endpoint>();
  const slices = index.slices(serviceKey).filter((slice) => config.ipv6 || !slice.ipv6);
  const dualStack = targetsWithIpv6(slices);
  for (const slice of slices)
    for (const endpoint of slice.endpoints) {
      if (!slice.ipv6 && endpoint.target && dualStack.has(endpoint.target.key)) continue;
      const made = makeEndpoint(index, { service, slice, endpoint, port }, config);
      if (!made) continue;
      const old = known.get(made.key);
      found.set(made.key, old?.fingerprint === made.fingerprint ? old : made);
    }
  return {
    exists: true,
    localTraffic: service.localTraffic,
    labels: Object.assign(labels, ...slices.map(targetLabels)),
    endpoints: [...found.values()],
  };
}

/** Targets that have an IPv6 address: their IPv4 ones are left out. */
function targetsWithIpv6(slices: readonly SliceRecord[]): Set<string> {
  const keys = slices
    .filter((slice) => slice.ipv6)
    .flatMap((slice) => slice.endpoints.map(({ target }) => target?.key));
  return new Set(keys.filter((key) => key !== undefined));
}

interface Source {
  service: ServiceRecord;
  slice: SliceRecord;
  endpoint: SliceEndpoint;
  port: number;
}

function makeEndpoint(index: ClusterIndex, source: Source, config: EndpointConfig): Endpoint | undefined {
  const { endpoint } = source;
  const port = targetPort(source);
  if (port === undefined) return undefined;
  const at = { ip: endpoint.address, port, zone: endpoint.zone };
  const description = describe(index, source, at, config);
  if (!description) return undefined;
  const neutral = weightedAddr(at, description, 'unknown', config);
  if (!neutral) return undefined;
  const bytes = Buffer.from(toBinary(destination.WeightedAddrSchema, neutral)).toString('latin1');
  const messages = new Map<Locality, destination.WeightedAddr>([['unknown', neutral]]);
  return {
    ...at,
    key: `${at.ip}:${at.port}`,
    hostname: endpoint.hostname,
    nodeName: endpoint.nodeName,
    hintZones: endpoint.hintZones,
    fingerprint: [endpoint.hostname, endpoint.nodeName, endpoint.zone, endpoint.hintZones?.join(), bytes].join('\n'),
    message: (locality) => {
      const made = messages.get(locality) ?? weightedAddr(at, description, locality, config) ?? neutral;
      messages.set(locality, made);
      return made;
    },
  };
}

function targetPort({ service, slice, port }: Source): number | undefined {
  const declared = service.ports.find((each) => each.port === port);
  return declared ? slice.ports.find((each) => each.name === declared.name)?.port : port;
}

/** Undefined when the endpoint points to something that is not there, or that discovery does not know. */
function describe(index: ClusterIndex, source: Source, at: Located, config: EndpointConfig): Description | undefined {
  const { target } = source.endpoint;
  if (!target) {
    const { gatewayIdentity: identity, remoteFqName: fqName } = source.slice;
    return describeAddress({ identity, fqName, servicePort: source.port }, config);
  }
  if (target.kind === 'Pod') {
    const pod = index.pod(target.key);
    return pod && describePod(index, pod, at, config);
  }
  const workload = target.kind === 'ExternalWorkload' ? index.workload(target.key) : undefined;
  return workload && describeWorkload(index, workload, at, config);
}

/** Labels that endpoints of a gateway mirror have in common. */
function targetLabels(slice: SliceRecord): Record<string, string> {
  if (slice.clusterName === undefined) return {};
  const [service, namespace] = slice.remoteFqName?.split('.') ?? [];
  return {
    target_cluster: slice.clusterName,
    ...(service && namespace && { target_service: service, target_service_namespace: namespace }),
  };
}
