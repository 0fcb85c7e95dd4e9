/** What is kept of the objects that decide about inbound traffic. */
import type { Container, KubeObject, LabelSelector, Pod, Probe } from '#api/kube';
import { PortSet } from '#model/annotations';
import { ANNOTATION_KEYS } from '#model/names';
import { type DefaultPolicyName, parseDefaultPolicy } from '#model/policy';
import { type NetworkMatch, parseNetwork } from '../networks.ts';

/** A pod or an external workload, as policy sees it. */
export interface SubjectRecord {
  kind: 'pod' | 'external-workload';
  namespace: string;
  name: string;
  labels: Readonly<Record<string, string>>;
  /** Ports by name; containers may use one name for several. */
  portsByName: ReadonlyMap<string, readonly number[]>;
  /** Undefined: the control plane's default. */
  defaultPolicy: DefaultPolicyName | undefined;
  opaquePorts: PortSet;
  requireIdentityPorts: PortSet;
  /** Paths that the kubelet probes, by port. */
  probes: ReadonlyMap<number, readonly string[]>;
}

/** Reads a pod. */
export function readPod(object: KubeObject): SubjectRecord {
  const { spec } = object as Pod;
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const portsByName = groupPorts(
    containers.flatMap((each) => each.ports ?? []).filter((port) => (port.protocol ?? 'TCP') === 'TCP'),
    (port) => port.containerPort,
  );
  return { kind: 'pod', ...subject(object, portsByName), probes: readProbes(containers) };
}

/** Reads an ExternalWorkload. */
export function readWorkload(object: KubeObject): SubjectRecord {
  const { spec } = object as KubeObject & { spec?: { ports?: { name?: string; port: number }[] } };
  const portsByName = groupPorts(spec?.ports ?? [], (port) => port.port);
  return { kind: 'external-workload', ...subject(object, portsByName), probes: new Map() };
}

function subject(object: KubeObject, portsByName: ReadonlyMap<string, number[]>) {
  const { namespace = '', name = '', labels = {}, annotations = {} } = object.metadata;
  const ports = (key: string) =>
    PortSet.parse(annotations[key] ?? '', (portName) => portsByName.get(portName) ?? []) ?? PortSet.EMPTY;
  return {
    namespace,
    name,
    labels,
    portsByName,
    defaultPolicy: parseDefaultPolicy(annotations[ANNOTATION_KEYS.defaultInboundPolicy]),
    opaquePorts: ports(ANNOTATION_KEYS.opaquePorts),
    requireIdentityPorts: ports(ANNOTATION_KEYS.requireIdentityInboundPorts),
  };
}

function groupPorts<P extends { name?: string }>(
  ports: readonly P[],
  number: (port: P) => number,
): Map<string, number[]> {
  const byName = new Map<string, number[]>();
  for (const port of ports) {
    if (!port.name) continue;
    const list = byName.get(port.name) ?? [];
    list.push(number(port));
    byName.set(port.name, list);
  }
  return byName;
}

/** HTTP probes of all containers; a named port is looked up in its own container. The query is not part of a path. */
function readProbes(containers: readonly Container[]): Map<number, string[]> {
  const byPort = new Map<number, string[]>();
  for (const container of containers)
    for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
      const port = probePort(container, probe);
      if (port === undefined) continue;
      const path = (probe?.httpGet?.path || '/').split('?')[0] || '/';
      const paths = byPort.get(port) ?? [];
      if (!paths.includes(path)) byPort.set(port, [...paths, path]);
    }
  return byPort;
}

function probePort(container: Container, probe: Probe | undefined): number | undefined {
  const port = probe?.httpGet?.port;
  if (typeof port !== 'string') return port;
  return container.ports?.find((each) => each.name === port)?.containerPort;
}

export type ServerProtocol = 'unknown' | 'HTTP/1' | 'HTTP/2' | 'gRPC' | 'opaque' | 'TLS';

export interface ServerRecord {
  namespace: string;
  name: string;
  createdAt: string;
  labels: Readonly<Record<string, string>>;
  podSelector: LabelSelector | undefined;
  workloadSelector: LabelSelector | undefined;
  port: number | string;
  protocol: ServerProtocol;
  accessPolicy: DefaultPolicyName | undefined;
}

const PROTOCOLS: readonly ServerProtocol[] = ['unknown', 'HTTP/1', 'HTTP/2', 'gRPC', 'opaque', 'TLS'];

/** Reads a Server; undefined for one that admission should have refused. */
export function readServer(object: KubeObject): ServerRecord | undefined {
  const { spec } = object as KubeObject & { spec?: Record<string, unknown> };
  const port = spec?.['port'];
  const protocol = PROTOCOLS.find((each) => each === (spec?.['proxyProtocol'] ?? 'unknown'));
  if ((typeof port !== 'number' && typeof port !== 'string') || !protocol) return undefined;
  const { namespace = '', name = '', creationTimestamp = '', labels = {} } = object.metadata;
  return {
    namespace,
    name,
    createdAt: creationTimestamp,
    labels,
    podSelector: spec?.['podSelector'] as LabelSelector | undefined,
    workloadSelector: spec?.['externalWorkloadSelector'] as LabelSelector | undefined,
    port,
    protocol,
    accessPolicy: parseDefaultPolicy(spec?.['accessPolicy'] as string | undefined),
  };
}

/** Which clients an authorization admits. */
export type ClientMatch =
  | { kind: 'unauthenticated' }
  | { kind: 'tls' }
  | {
      kind: 'identities';
      identities: readonly string[] /** Label parts; none match all. */;
      suffixes: readonly (readonly string[])[];
    };

export interface ServiceAccountRef {
  name: string;
  namespace: string;
}

export interface ServerAuthorizationRecord {
  namespace: string;
  name: string;
  createdAt: string;
  server: { name: string } | { selector: LabelSelector };
  /** Undefined: the cluster networks. */
  networks: readonly NetworkMatch[] | undefined;
  client: 'unauthenticated' | 'tls' | { identities: readonly string[]; serviceAccounts: readonly ServiceAccountRef[] };
}

interface ServerAuthorizationSpec {
  server?: { name?: string; selector?: LabelSelector };
  client?: {
    networks?: { cidr: string; except?: string[] }[];
    unauthenticated?: boolean;
    meshTLS?: {
      unauthenticatedTLS?: boolean;
      identities?: string[];
      serviceAccounts?: { name: string; namespace?: string }[];
    };
  };
}

/** Reads a ServerAuthorization; undefined for one that says neither which Server nor which clients. */
export function readServerAuthorization(object: KubeObject): ServerAuthorizationRecord | undefined {
  const { spec } = object as KubeObject & { spec?: ServerAuthorizationSpec };
  const { namespace = '', name = '', creationTimestamp = '' } = object.metadata;
  const { server, client } = spec ?? {};
  const { meshTLS } = client ?? {};
  const networks = client?.networks && readNetworks(client.networks);
  if (client?.networks && !networks) return undefined;
  const selected = server?.name ? { name: server.name } : server?.selector && { selector: server.selector };
  const serviceAccounts = (meshTLS?.serviceAccounts ?? []).map((each) => ({
    name: each.name,
    namespace: each.namespace || namespace,
  }));
  const identities = meshTLS?.identities ?? [];
  const who = client?.unauthenticated
    ? 'unauthenticated'
    : meshTLS?.unauthenticatedTLS
      ? 'tls'
      : identities.length + serviceAccounts.length > 0 && { identities, serviceAccounts };
  if (!selected || !who) return undefined;
  return { namespace, name, createdAt: creationTimestamp, server: selected, networks, client: who };
}

export interface ObjectRef {
  /** Lower case; core is ''. */
  group: string;
  kind: string;
  name: string;
  namespace: string | undefined;
}

export interface AuthorizationPolicyRecord {
  namespace: string;
  name: string;
  createdAt: string;
  target: ObjectRef;
  required: readonly ObjectRef[];
}

interface RefSpec {
  group?: string;
  kind: string;
  name: string;
  namespace?: string;
}

/** Groups and kinds compare without regard to case. */
function readRef(ref: RefSpec): ObjectRef {
  const group = (ref.group ?? '').toLowerCase();
  return {
    group: group === 'core' ? '' : group,
    kind: ref.kind.toLowerCase(),
    name: ref.name,
    namespace: ref.namespace || undefined,
  };
}

/** Reads an AuthorizationPolicy. */
export function readAuthorizationPolicy(object: KubeObject): AuthorizationPolicyRecord | undefined {
  const { spec } = object as KubeObject & { spec?: { targetRef?: RefSpec; requiredAuthenticationRefs?: RefSpec[] } };
  if (!spec?.targetRef) return undefined;
  const { namespace = '', name = '', creationTimestamp = '' } = object.metadata;
  const required = (spec.requiredAuthenticationRefs ?? []).map(readRef);
  return { namespace, name, createdAt: creationTimestamp, target: readRef(spec.targetRef), required };
}

export interface MeshTlsRecord {
  identities: readonly string[];
  /** ServiceAccounts and Namespaces. */
  refs: readonly ObjectRef[];
}

/** Reads a MeshTLSAuthentication; undefined when a reference names nothing. */
export function readMeshTls(object: KubeObject): MeshTlsRecord | undefined {
  const { spec } = object as KubeObject & { spec?: { identities?: string[]; identityRefs?: RefSpec[] } };
  const refs = (spec?.identityRefs ?? []).map((ref) => ({
    ...readRef(ref),
    namespace: ref.namespace || object.metadata.namespace,
  }));
  if (refs.some((ref) => !ref.name)) return undefined;
  return { identities: spec?.identities ?? [], refs };
}

/** Reads a NetworkAuthentication; undefined when it holds something that is no network. */
export function readNetworkAuthentication(object: KubeObject): readonly NetworkMatch[] | undefined {
  const { spec } = object as KubeObject & { spec?: { networks?: { cidr: string; except?: string[] }[] } };
  return readNetworks(spec?.networks ?? []);
}

function readNetworks(list: readonly { cidr: string; except?: string[] }[]): NetworkMatch[] | undefined {
  const matches: NetworkMatch[] = [];
  for (const { cidr, except = [] } of list) {
    const network = parseNetwork(cidr);
    const excepts = except.map(parseNetwork);
    if (!network || excepts.some((each) => !each)) return undefined;
    matches.push({ network, except: excepts.flatMap((each) => each ?? []) });
  }
  return matches;
}
