/** What is kept of Kubernetes objects: the fields that discovery depends on, read once. */
import type {
  Container,
  EndpointSlice,
  KubeObject,
  LabelSelector,
  OwnerReference,
  Pod,
  Server,
  Service,
} from '#api/kube';
import { ENDPOINT_ANNOTATIONS, type EndpointAnnotation, PortSet, parsePort } from '#model/annotations';
import { type Preference, readPreference } from '#model/federation';
import { ANNOTATION_KEYS, LABELS, PROXY_CONTAINER } from '#model/names';
import { keyOf } from '../../fold/index.ts';

/** Told of what an object's owner got wrong; it counts as not said. */
export type Problem = (text: string) => void;

export interface PortName {
  name: string;
  port: number;
  /** 0: none. */
  hostPort: number;
}

export interface PodRecord {
  key: string;
  namespace: string;
  name: string;
  ips: readonly string[];
  hostIps: readonly string[];
  hostNetwork: boolean;
  running: boolean;
  /** Succeeded or Failed. */
  finished: boolean;
  terminating: boolean;
  labels: Readonly<Record<string, string>>;
  serviceAccount: string;
  ports: readonly PortName[];
  /** Undefined: no annotation, so the default list applies. */
  opaquePorts: PortSet | undefined;
  skippedInboundPorts: PortSet;
  /** The sole owner. */
  owner: OwnerReference | undefined;
  /** Where the proxy listens for inbound connections; undefined when it does not say. */
  inboundPort: number | undefined;
  /** The proxy's admin and control ports. */
  proxyPorts: readonly number[];
  /** Factor of the weight of its endpoints. */
  weight: number;
  /** Level of its endpoints; 0 is used first. */
  priority: number;
}

/** Reads a pod. */
export function readPod(object: KubeObject, _old: PodRecord | undefined, problem: Problem): PodRecord {
  const pod = object as Pod;
  const { spec, status, metadata } = pod;
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const ports = containers.flatMap((container) => (container.ports ?? []).map(readPort));
  const proxy = containers.find((container) => container.name === PROXY_CONTAINER);
  const named = (name: string) => ports.filter((port) => port.name === name).map((port) => port.port);
  const owners = metadata.ownerReferences ?? [];
  return {
    key: keyOf(metadata.namespace, metadata.name),
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
    ips: listOf(
      status?.podIPs?.map((each) => each.ip),
      status?.podIP,
    ),
    hostIps: listOf(
      status?.hostIPs?.map((each) => each.ip),
      status?.hostIP,
    ),
    hostNetwork: spec?.hostNetwork === true,
    running: status?.phase === 'Running',
    finished: status?.phase === 'Succeeded' || status?.phase === 'Failed',
    terminating: metadata.deletionTimestamp !== undefined,
    labels: metadata.labels ?? {},
    serviceAccount: spec?.serviceAccountName || 'default',
    ports,
    opaquePorts: portSet(metadata.annotations, ANNOTATION_KEYS.opaquePorts, named, problem),
    skippedInboundPorts:
      portSet(metadata.annotations, ANNOTATION_KEYS.skipInboundPorts, named, problem) ?? PortSet.EMPTY,
    owner: owners.length === 1 ? owners[0] : undefined,
    inboundPort: listenPort(proxy, 'LINKERD2_PROXY_INBOUND_LISTEN_ADDR'),
    proxyPorts: ['LINKERD2_PROXY_ADMIN_LISTEN_ADDR', 'LINKERD2_PROXY_CONTROL_LISTEN_ADDR'].flatMap(
      (name) => listenPort(proxy, name) ?? [],
    ),
    weight: readAnnotation(metadata.annotations, ENDPOINT_ANNOTATIONS.weight, problem) ?? 1,
    priority: readAnnotation(metadata.annotations, ENDPOINT_ANNOTATIONS.priority, problem) ?? 0,
  };
}

const readPort = (port: { name?: string; containerPort: number; hostPort?: number }): PortName => ({
  name: port.name ?? '',
  port: port.containerPort,
  hostPort: port.hostPort ?? 0,
});

function listOf(many: (string | undefined)[] | undefined, one: string | undefined): string[] {
  const list = (many ?? []).filter((each) => each !== undefined && each !== '') as string[];
  return list.length === 0 && one ? [one] : list;
}

type Annotations = Readonly<Record<string, string>> | undefined;

/** The set in an annotation; undefined without one. */
function portSet(
  annotations: Annotations,
  key: string,
  named: (name: string) => readonly number[],
  problem: Problem,
): PortSet | undefined {
  const text = annotations?.[key];
  const set = text === undefined ? undefined : PortSet.parse(text, named);
  if (text !== undefined && !set) problem(`${key}: expected ports, ranges and names of ports, got "${text}"`);
  return set;
}

function readAnnotation<T>(annotations: Annotations, row: EndpointAnnotation<T>, problem: Problem): T | undefined {
  const text = annotations?.[row.key];
  const value = text === undefined ? undefined : row.parse(text);
  if (text !== undefined && value === undefined) problem(`${row.key}: expected ${row.expects}, got "${text}"`);
  return value;
}

function listenPort(proxy: Container | undefined, name: string): number | undefined {
  const value = proxy?.env?.find((each) => each.name === name)?.value;
  const port = Number(/:(\d{1,5})$/.exec(value ?? '')?.[1]);
  return port > 0 ? port : undefined;
}

export interface ServicePortRecord {
  name: string;
  port: number;
}

export interface ServiceRecord {
  key: string;
  namespace: string;
  name: string;
  externalName: boolean;
  clusterIps: readonly string[];
  ports: readonly ServicePortRecord[];
  /** Undefined: no annotation, so the default list applies. */
  opaquePorts: PortSet | undefined;
  localTraffic: boolean;
  /** Factors of weights by zone; undefined: all 1. */
  zoneWeights: ReadonlyMap<string, number> | undefined;
  /** Of a federated service: what it says of its clusters. */
  preference: Preference;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
}

/** Reads a Service. */
export function readService(object: KubeObject, _old: ServiceRecord | undefined, problem: Problem): ServiceRecord {
  const { spec, metadata } = object as Service;
  const ports = (spec?.ports ?? []).map((port) => ({ name: port.name ?? '', port: port.port }));
  const ips = listOf(spec?.clusterIPs, spec?.clusterIP).filter((ip) => ip !== 'None');
  return {
    key: keyOf(metadata.namespace, metadata.name),
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
    externalName: spec?.type === 'ExternalName',
    clusterIps: ips,
    ports,
    opaquePorts: portSet(metadata.annotations, ANNOTATION_KEYS.opaquePorts, namedIn(ports), problem),
    localTraffic: spec?.internalTrafficPolicy === 'Local',
    zoneWeights: readAnnotation(metadata.annotations, ENDPOINT_ANNOTATIONS.zoneWeights, problem),
    preference: readPreference((row) => readAnnotation(metadata.annotations, row, problem)),
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
  };
}

const namedIn = (ports: readonly { name: string; port: number }[]) => (name: string) =>
  ports.filter((port) => port.name === name).map((port) => port.port);

export interface SliceEndpoint {
  address: string;
  hostname: string | undefined;
  nodeName: string | undefined;
  zone: string | undefined;
  /** Zones that should use it; undefined without hints. */
  hintZones: readonly string[] | undefined;
  target: { kind: string; key: string } | undefined;
}

export interface SliceRecord {
  key: string;
  serviceKey: string;
  serviceName: string;
  namespace: string;
  ipv6: boolean;
  ports: readonly { name: string; port: number }[];
  /** The ready ones. */
  endpoints: readonly SliceEndpoint[];
  /** How many more there are that are not on their way out. */
  unready: number;
  gatewayIdentity: string | undefined;
  /** Port behind the gateway's proxy that connections are for. */
  behindPort: number | undefined;
  remoteFqName: string | undefined;
  clusterName: string | undefined;
  /** Of a slice that a mirror controller keeps for pods of another cluster: all of their addresses, whether they are ready or not. */
  imported: { cluster: string; ips: readonly string[] } | undefined;
}

/** Reads an EndpointSlice; undefined when it belongs to no Service or holds names. */
export function readSlice(object: KubeObject): SliceRecord | undefined {
  const { metadata, addressType, ports, endpoints } = object as EndpointSlice;
  const serviceName =
    metadata.labels?.[LABELS.serviceName] ?? metadata.ownerReferences?.find((owner) => owner.kind === 'Service')?.name;
  if (!serviceName || addressType === 'FQDN') return undefined;
  const namespace = metadata.namespace ?? '';
  const all = endpoints ?? [];
  const source = metadata.labels?.[LABELS.sourceCluster];
  const ready = all.filter(({ conditions }) => conditions?.ready !== false);
  return {
    key: keyOf(namespace, metadata.name),
    serviceKey: keyOf(namespace, serviceName),
    serviceName,
    namespace,
    ipv6: addressType === 'IPv6',
    ports: (ports ?? []).flatMap((port) => (port.port === undefined ? [] : { name: port.name ?? '', port: port.port })),
    endpoints: ready.flatMap((endpoint) =>
      endpoint.addresses.slice(0, 1).map((address) => readEndpoint(address, endpoint, namespace)),
    ),
    unready: all.filter(({ conditions }) => conditions?.ready === false && conditions.terminating !== true).length,
    gatewayIdentity: metadata.annotations?.[ANNOTATION_KEYS.remoteGatewayIdentity] || undefined,
    behindPort: parsePort(metadata.annotations?.[ANNOTATION_KEYS.behindPort] ?? '') || undefined,
    remoteFqName: metadata.annotations?.[ANNOTATION_KEYS.remoteServiceFqName] || undefined,
    clusterName: metadata.labels?.[LABELS.mirrorClusterName],
    imported: source ? { cluster: source, ips: all.flatMap(({ addresses }) => addresses.slice(0, 1)) } : undefined,
  };
}

function readEndpoint(address: string, endpoint: EndpointSlice['endpoints'][number], namespace: string): SliceEndpoint {
  const ref = endpoint.targetRef;
  return {
    address,
    hostname: endpoint.hostname || undefined,
    nodeName: endpoint.nodeName || undefined,
    zone: endpoint.zone,
    hintZones: endpoint.hints?.forZones?.map((zone) => zone.name),
    target: ref && { kind: ref.kind ?? '', key: keyOf(ref.namespace || namespace, ref.name) },
  };
}

export interface WorkloadRecord {
  key: string;
  namespace: string;
  name: string;
  labels: Readonly<Record<string, string>>;
  ips: readonly string[];
  ports: readonly { name: string; port: number }[];
  identity: string;
  serverName: string;
  opaquePorts: PortSet | undefined;
  weight: number;
  priority: number;
  owner: OwnerReference | undefined;
}

/** Reads an ExternalWorkload. */
export function readWorkload(object: KubeObject, _old: WorkloadRecord | undefined, problem: Problem): WorkloadRecord {
  const { metadata } = object;
  const { spec } = object as KubeObject & { spec?: WorkloadSpec };
  const ports = (spec?.ports ?? []).map((port) => ({ name: port.name ?? '', port: port.port }));
  const owners = metadata.ownerReferences ?? [];
  return {
    key: keyOf(metadata.namespace, metadata.name),
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
    labels: metadata.labels ?? {},
    ips: (spec?.workloadIPs ?? []).map((each) => each.ip),
    ports,
    identity: spec?.meshTLS?.identity ?? '',
    serverName: spec?.meshTLS?.serverName ?? '',
    opaquePorts: portSet(metadata.annotations, ANNOTATION_KEYS.opaquePorts, namedIn(ports), problem),
    weight: readAnnotation(metadata.annotations, ENDPOINT_ANNOTATIONS.weight, problem) ?? 1,
    priority: readAnnotation(metadata.annotations, ENDPOINT_ANNOTATIONS.priority, problem) ?? 0,
    owner: owners.length === 1 ? owners[0] : undefined,
  };
}

interface WorkloadSpec {
  meshTLS?: { identity?: string; serverName?: string };
  ports?: { name?: string; port: number }[];
  workloadIPs?: { ip: string }[];
}

export interface ServerRecord {
  namespace: string;
  podSelector: LabelSelector | undefined;
  workloadSelector: LabelSelector | undefined;
  port: number | string;
}

/** Reads a Server if it makes its port opaque; discovery needs no others. */
export function readOpaqueServer(object: KubeObject): ServerRecord | undefined {
  const { spec } = object as KubeObject & { spec?: Partial<Server['spec']> };
  if (spec?.proxyProtocol !== 'opaque' || spec.port === undefined) return undefined;
  return {
    namespace: object.metadata.namespace ?? '',
    podSelector: spec.podSelector,
    workloadSelector: spec.externalWorkloadSelector,
    port: spec.port,
  };
}

/** The sole owner of a ReplicaSet or Job. */
export function readOwner(object: KubeObject): { owner: OwnerReference | undefined } {
  const owners = object.metadata.ownerReferences ?? [];
  return { owner: owners.length === 1 ? owners[0] : undefined };
}
