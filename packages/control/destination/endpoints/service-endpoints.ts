/** From a Service's slices to its endpoints on one port. */
import { toBinary } from '@bufbuild/protobuf';
import { destination } from '#api/mesh';
import type { ClusterIndex, ServiceRecord, SliceRecord } from '../cluster/index.ts';
import { type EndpointConfig, type Located, type Standing, weightedAddr } from './endpoint.ts';
import { describe, type Facts, factsOf, isSameFacts, type Source } from './facts.ts';

/** One endpoint of a service. The same object is kept as long as nothing about it changes. */
export interface Endpoint extends Located {
  /** `ip:port`. */
  key: string;
  hostname: string | undefined;
  nodeName: string | undefined;
  hintZones: readonly string[] | undefined;
  /** Factor of its weight, of the pod and of its zone. */
  weight: number;
  /** Level; 0 is used first. */
  priority: number;
  /** Equal for equal endpoints. */
  fingerprint: string;
  /** What a proxy is told. */
  message(standing: Standing): destination.WeightedAddr;
}

/** The endpoints of a service's port at one moment. */
export interface EndpointSet {
  exists: boolean;
  /** Only for clients on the endpoint's node. */
  localTraffic: boolean;
  /** Of all endpoints: `service`, `namespace`, and `target_…` for mirrors and members in other clusters. */
  labels: Readonly<Record<string, string>>;
  endpoints: readonly Endpoint[];
}

export type ListConfig = EndpointConfig & {
  /** Prefer IPv6 addresses of pods that have both; else they are left out. */
  ipv6: boolean;
  /** The linked cluster that the endpoints are in; undefined for the own one. */
  cluster?: string;
};

interface Made {
  facts: Facts;
  endpoint: Endpoint;
}

/** Lists the endpoints of one port of a service, again and again; what did not change is not worked out again. */
export class EndpointLister {
  readonly #index: ClusterIndex;
  readonly #serviceKey: string;
  readonly #port: number;
  readonly #config: ListConfig;
  /** What the last list was made of, by address. */
  #made = new Map<string, Made>();

  constructor(index: ClusterIndex, serviceKey: string, port: number, config: ListConfig) {
    this.#index = index;
    this.#serviceKey = serviceKey;
    this.#port = port;
    this.#config = config;
  }

  /**
   * The endpoints now. A Service that is absent or an ExternalName has none. The port is looked up in the slices by the Service
   * port's name; a number that the Service does not declare is taken as it is.
   */
  list(): EndpointSet {
    const service = this.#index.service(this.#serviceKey);
    const [namespace = '', name = ''] = this.#serviceKey.split('/');
    const { cluster } = this.#config;
    const labels = { service: name, namespace, ...(cluster !== undefined && { target_cluster: cluster }) };
    if (!service || service.externalName) {
      this.#made.clear();
      return { exists: false, localTraffic: false, labels, endpoints: [] };
    }
    const slices = this.#index.slices(this.#serviceKey).filter((slice) => this.#config.ipv6 || !slice.ipv6);
    this.#made = this.#makeAll(service, slices);
    return {
      exists: true,
      localTraffic: service.localTraffic,
      labels: Object.assign(labels, ...slices.map(targetLabels)),
      endpoints: Array.from(this.#made.values(), ({ endpoint }) => endpoint),
    };
  }

  #makeAll(service: ServiceRecord, slices: readonly SliceRecord[]): Map<string, Made> {
    const served = slices.flatMap((slice) => {
      const port = targetPort(service, slice, this.#port);
      return port === undefined ? [] : { slice, port };
    });
    const dualStack = targetsWithIpv6(served.map(({ slice }) => slice));
    const made = new Map<string, Made>();
    for (const { slice, port } of served)
      for (const endpoint of slice.endpoints) {
        if (!slice.ipv6 && endpoint.target && dualStack.has(endpoint.target.key)) continue;
        const one = this.#make({ service, slice, endpoint, servicePort: this.#port, port });
        if (one) made.set(one.endpoint.key, one);
      }
    return made;
  }

  /** The endpoint; the very one of the last list if it is the same. */
  #make(source: Source): Made | undefined {
    const facts = factsOf(this.#index, source, this.#config);
    if (!facts) return undefined;
    const old = this.#made.get(keyOfAddress(facts));
    if (old && isSameFacts(old.facts, facts)) return old;
    const endpoint = makeEndpoint(facts, this.#config);
    if (!endpoint) return undefined;
    return { facts, endpoint: old?.endpoint.fingerprint === endpoint.fingerprint ? old.endpoint : endpoint };
  }
}

const keyOfAddress = ({ ip, port }: Located) => `${ip}:${port}`;

function makeEndpoint(facts: Facts, config: EndpointConfig): Endpoint | undefined {
  const { ip, port, zone, hostname, nodeName, hintZones, weight, priority } = facts;
  const description = describe(facts, config);
  const neutral = weightedAddr(facts, description, { locality: 'unknown', weight, priority }, config);
  if (!neutral) return undefined;
  const bytes = Buffer.from(toBinary(destination.WeightedAddrSchema, neutral)).toString('latin1');
  return {
    ...{ ip, port, zone, hostname, nodeName, hintZones, weight, priority },
    key: keyOfAddress(facts),
    fingerprint: [hostname, nodeName, zone, hintZones?.join(), bytes].join('\n'),
    message: (standing) => weightedAddr({ ip, port, zone }, description, standing, config) ?? neutral,
  };
}

/** Targets that have an IPv6 address: their IPv4 ones are left out. */
function targetsWithIpv6(slices: readonly SliceRecord[]): Set<string> {
  const keys = slices
    .filter((slice) => slice.ipv6)
    .flatMap((slice) => slice.endpoints.map(({ target }) => target?.key));
  return new Set(keys.filter((key) => key !== undefined));
}

function targetPort(service: ServiceRecord, slice: SliceRecord, servicePort: number): number | undefined {
  const declared = service.ports.find((each) => each.port === servicePort);
  return declared ? slice.ports.find((each) => each.name === declared.name)?.port : servicePort;
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
