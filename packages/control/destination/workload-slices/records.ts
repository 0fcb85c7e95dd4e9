/** What the controller keeps of Services, ExternalWorkloads and its own EndpointSlices. */
import type { DiscoveryEndpointPort, Endpoint, EndpointSlice, KubeObject, Service } from '#api/kube';
import { LABELS } from '#model/names';
import { keyOf } from '../../fold/index.ts';

/** Label by which Kubernetes' controllers know whose slices are whose, and our value of it. */
export const MANAGED_BY = {
  label: 'endpointslice.kubernetes.io/managed-by',
  value: 'linkerd-external-workloads-controller',
} as const;

export type AddressType = 'IPv4' | 'IPv6';

/** A Service that may select workloads. */
export interface SelectingService {
  key: string;
  namespace: string;
  name: string;
  uid: string;
  labels: Readonly<Record<string, string>>;
  selector: Readonly<Record<string, string>>;
  headless: boolean;
  /** Empty: both. */
  families: readonly AddressType[];
  ports: readonly { name: string; protocol: string; appProtocol: string | undefined; target: number | string }[];
}

/** Reads a Service; undefined for those that select nothing, are names for others, or belong to the cluster itself. */
export function readSelectingService(object: KubeObject): SelectingService | undefined {
  const { metadata, spec } = object as Service;
  const { namespace = '', name = '' } = metadata;
  if (!spec?.selector || Object.keys(spec.selector).length === 0) return undefined;
  if (spec.type === 'ExternalName' || namespace === 'kube-system') return undefined;
  return {
    key: keyOf(namespace, name),
    namespace,
    name,
    uid: metadata.uid ?? '',
    labels: metadata.labels ?? {},
    selector: spec.selector,
    headless: spec.clusterIP === 'None',
    families: (spec.ipFamilies ?? []) as AddressType[],
    ports: (spec.ports ?? []).map(({ name = '', protocol = 'TCP', appProtocol, port, targetPort }) => ({
      name,
      protocol,
      appProtocol,
      target: targetPort === undefined || targetPort === 0 || targetPort === '' ? port : targetPort,
    })),
  };
}

/** A workload outside the cluster. */
export interface Workload {
  key: string;
  namespace: string;
  name: string;
  uid: string;
  labels: Readonly<Record<string, string>>;
  ips: readonly string[];
  ports: readonly { name: string; port: number; protocol: string }[];
  ready: boolean;
  /** Empty: unknown. */
  zone: string;
}

interface WorkloadObject extends KubeObject {
  spec?: { ports?: { name?: string; port: number; protocol?: string }[]; workloadIPs?: { ip: string }[] };
  status?: { conditions?: { type: string; status: string }[] };
}

/** Reads an ExternalWorkload. */
export function readSelectedWorkload(object: KubeObject): Workload {
  const { metadata, spec, status } = object as WorkloadObject;
  const { namespace = '', name = '', labels = {} } = metadata;
  return {
    key: keyOf(namespace, name),
    namespace,
    name,
    uid: metadata.uid ?? '',
    labels,
    ips: (spec?.workloadIPs ?? []).map(({ ip }) => ip),
    ports: (spec?.ports ?? []).map(({ name = '', port, protocol = 'TCP' }) => ({ name, port, protocol })),
    ready: (status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True'),
    zone: labels[LABELS.zone] ?? '',
  };
}

/** One of our slices, as it stands. */
export interface OwnSlice {
  key: string;
  namespace: string;
  name: string;
  /** Of the Service that it is for. */
  serviceKey: string;
  resourceVersion: string;
  addressType: AddressType;
  ports: readonly DiscoveryEndpointPort[];
  endpoints: readonly Endpoint[];
  labels: Readonly<Record<string, string>>;
  /** The uid of the Service that controls it; a Service that was made anew has another. */
  ownerUid: string | undefined;
}

/** Reads an EndpointSlice; undefined for those of others. */
export function readOwnSlice(object: KubeObject): OwnSlice | undefined {
  const { metadata, addressType, ports, endpoints } = object as EndpointSlice;
  const { namespace = '', name = '', labels = {} } = metadata;
  const service = labels[LABELS.serviceName];
  if (labels[MANAGED_BY.label] !== MANAGED_BY.value || !service) return undefined;
  return {
    key: keyOf(namespace, name),
    namespace,
    name,
    serviceKey: keyOf(namespace, service),
    resourceVersion: metadata.resourceVersion ?? '',
    addressType: addressType as AddressType,
    ports: ports ?? [],
    endpoints: endpoints ?? [],
    labels,
    ownerUid: metadata.ownerReferences?.find(({ controller }) => controller)?.uid,
  };
}
