import type { AnyObject } from '#api/kube';
import type { Store } from '#lab/store';

/** No endpoint to connect to; the text is the one that kube's API server shows. */
export class BackendError extends Error {}

/** A port of a Service, by number or name; absent: its first. */
export interface ServicePortRef {
  readonly namespace: string;
  readonly name: string;
  readonly port?: number | string | undefined;
}

export interface ResolvedEndpoint {
  /** A pod's or node's address, or the name of an ExternalName Service. */
  readonly host: string;
  readonly port: number;
}

interface ServiceSpec {
  type?: string;
  externalName?: string;
  ports?: { name?: string; port: number; targetPort?: number | string }[];
}
interface Slice {
  endpoints?: { addresses?: string[]; conditions?: { ready?: boolean } }[];
  ports?: { name?: string; port?: number }[];
}

/** One ready endpoint of a Service's port, taken at random. @throws BackendError */
export function resolveService(store: Store, ref: ServicePortRef, random: () => number): ResolvedEndpoint {
  const found = endpointsOf(store, ref);
  const one = found[Math.floor(random() * found.length)];
  if (!one) throw new BackendError(`no endpoints available for service "${ref.name}"`);
  return one;
}

/** All ready endpoints of a Service's port. @throws BackendError where Service or port do not exist */
export function endpointsOf(store: Store, { namespace, name, port }: ServicePortRef): ResolvedEndpoint[] {
  const service = store.get('/services', { namespace, name })?.object;
  if (!service) throw new BackendError(`service "${name}" not found`);
  const { type, externalName, ports = [] } = (service['spec'] ?? {}) as ServiceSpec;
  const wanted = port === undefined ? ports[0] : ports.find((one) => one.port === port || one.name === String(port));
  if (!wanted) throw new BackendError(`no service port ${JSON.stringify(port)} found for service "${name}"`);
  if (type === 'ExternalName') return externalName ? [{ host: externalName, port: wanted.port }] : [];
  return slicesOf(store, namespace, name).flatMap((slice) => {
    const target = slice.ports?.find((one) => (one.name ?? '') === (wanted.name ?? ''))?.port;
    if (target === undefined) return [];
    return (slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses = [] }) => addresses.slice(0, 1).map((host) => ({ host, port: target })));
  });
}

const SERVICE_LABEL = 'kubernetes.io/service-name';

const slicesOf = (store: Store, namespace: string, service: string): Slice[] =>
  store
    .list('discovery.k8s.io/endpointslices', namespace)
    .map(({ object }) => object)
    .filter(({ metadata }) => metadata.labels?.[SERVICE_LABEL] === service)
    .map((object: AnyObject) => object as unknown as Slice);
