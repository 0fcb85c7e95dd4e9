import { ENDPOINT_SLICES, ENDPOINTS, type Gvr, NAMESPACES, SERVICES } from '#api/kube';
import type { EndpointSlice, Endpoints, Service } from '../../kinds/index.ts';
import { type Controller, NOTHING, type Plan, type Write } from '../../reconcile/index.ts';
import { canonicalJson } from '../hash.ts';

const NAMESPACE = 'default';
const NAME = 'kubernetes';
const SERVICE_PORT = 443;

/** Where the API server listens, and the cluster IP of Service `kubernetes`. */
export interface ApiServerAddress {
  ip: string;
  port: number;
  serviceIp: string;
}

export interface ApiServiceObserved {
  namespaceExists: boolean;
  service: Service | undefined;
  endpoints: Endpoints | undefined;
  slice: EndpointSlice | undefined;
}

/** Keeps Service `kubernetes` in `default`, with the Endpoints and the slice that the mirroring controller must leave alone. */
export function apiServiceController(address: ApiServerAddress): Controller<ApiServiceObserved> {
  const wake = ({
    now,
    old,
  }: {
    now?: { metadata: { name?: string; namespace?: string } };
    old?: typeof now;
  }): string[] => {
    const { name, namespace = '' } = (now ?? old)?.metadata ?? {};
    return (name === NAME && namespace === NAMESPACE) || name === NAMESPACE ? ['api'] : [];
  };
  return {
    name: 'kubernetes-service-controller',
    triggers: [NAMESPACES, SERVICES, ENDPOINTS, ENDPOINT_SLICES].map((gvr) => ({ gvr, keys: wake })),
    observe: (_key, caches) => ({
      namespaceExists: caches.of(NAMESPACES).get(NAMESPACE) !== undefined,
      service: caches.of<Service>(SERVICES).get(NAME, NAMESPACE),
      endpoints: caches.of<Endpoints>(ENDPOINTS).get(NAME, NAMESPACE),
      slice: caches.of<EndpointSlice>(ENDPOINT_SLICES).get(NAME, NAMESPACE),
    }),
    reconcile: (observed) => reconcileApiService(observed, address),
  };
}

function reconcileApiService(observed: ApiServiceObserved, { ip, port, serviceIp }: ApiServerAddress): Plan {
  if (!observed.namespaceExists) return NOTHING;
  const metadata = { name: NAME, namespace: NAMESPACE };
  const spec: Service['spec'] = {
    type: 'ClusterIP',
    clusterIP: serviceIp,
    clusterIPs: [serviceIp],
    ports: [{ name: 'https', protocol: 'TCP', port: SERVICE_PORT, targetPort: port }],
  };
  const service = { metadata: { ...metadata, labels: { component: 'apiserver', provider: 'kubernetes' } }, spec };
  const skip = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
  const ports = [{ name: 'https', port, protocol: 'TCP' }];
  const endpoints = { metadata: { ...metadata, labels: skip }, subsets: [{ addresses: [{ ip }], ports }] };
  const slice: EndpointSlice = {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': NAME } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [ip], conditions: { ready: true } }],
    ports,
  };
  return {
    writes: [
      ...(observed.service
        ? []
        : [{ verb: 'create', gvr: SERVICES, object: service, tolerate: ['AlreadyExists'] } as Write]),
      ...ensure(ENDPOINTS, observed.endpoints, endpoints, (each) => each.subsets),
      ...ensure(ENDPOINT_SLICES, observed.slice, slice, (each) => [each.endpoints, each.ports]),
    ],
  };
}

function ensure<T extends Endpoints | EndpointSlice>(
  gvr: Gvr,
  current: T | undefined,
  wanted: T,
  part: (object: T) => unknown,
): Write[] {
  if (!current) return [{ verb: 'create', gvr, object: wanted, tolerate: ['AlreadyExists'] }];
  if (canonicalJson(part(current)) === canonicalJson(part(wanted))) return [];
  const { labels } = wanted.metadata;
  return [{ verb: 'update', gvr, object: { ...wanted, metadata: { ...current.metadata, ...(labels && { labels }) } } }];
}
