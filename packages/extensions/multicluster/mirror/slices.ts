import type { EndpointPort, EndpointSlice } from '#api/kube';
import type { EndpointCount } from '../link/index.ts';
import { serviceKey } from './service.ts';
import { EndpointTally } from './tally.ts';

/** What a gateway mirror needs to know of the endpoints of a remote Service. */
export interface RemoteEndpoints {
  /** Some endpoint is ready. */
  ready: boolean;
  /** There are endpoints, ready or not. */
  any: boolean;
  /** Endpoints that have a name of their own (pods of a StatefulSet), by name, and whether each is ready. */
  hosts: ReadonlyMap<string, boolean>;
  /** Ports of the endpoints themselves. */
  ports: readonly EndpointPort[];
}

/** The EndpointSlices of a cluster, folded: of each only what {@link RemoteEndpoints} needs is kept. */
export class SliceIndex {
  readonly #services = new Map<string, Map<string, RemoteEndpoints>>();
  readonly #tally = new EndpointTally();

  /** How many endpoints a Service has; undefined without any slice. */
  count(service: string): EndpointCount | undefined {
    return this.#tally.get(service);
  }

  /** What is known of a Service's endpoints; undefined without any slice. */
  get(service: string): RemoteEndpoints | undefined {
    const slices = this.#services.get(service);
    return slices && joined([...slices.values()]);
  }

  reset(slices: readonly EndpointSlice[]): void {
    this.#services.clear();
    this.#tally.reset([]);
    for (const slice of slices) this.apply(slice);
  }

  /** Returns whether anything that matters changed: not so when pods with other addresses take over. */
  apply(slice: EndpointSlice): boolean {
    this.#tally.apply(slice);
    const { service, name } = nameOf(slice);
    if (service === undefined) return false;
    const slices = this.#services.get(service) ?? new Map<string, RemoteEndpoints>();
    this.#services.set(service, slices);
    const old = slices.get(name);
    const reduced = reduce(slice);
    slices.set(name, reduced);
    return old === undefined || textOf(old) !== textOf(reduced);
  }

  delete(slice: EndpointSlice): void {
    this.#tally.delete(slice);
    const { service, name } = nameOf(slice);
    const slices = service === undefined ? undefined : this.#services.get(service);
    slices?.delete(name);
    if (slices?.size === 0) this.#services.delete(service ?? '');
  }
}

function nameOf({ metadata }: EndpointSlice): { service: string | undefined; name: string } {
  const service = metadata.labels?.['kubernetes.io/service-name'];
  return {
    service: service === undefined ? undefined : serviceKey(metadata.namespace ?? '', service),
    name: metadata.name ?? '',
  };
}

function reduce(slice: EndpointSlice): RemoteEndpoints {
  const hosts = new Map<string, boolean>();
  let ready = false;
  for (const { hostname, conditions } of slice.endpoints ?? []) {
    // Absent means yes (EndpointConditions).
    const isReady = conditions?.ready ?? true;
    ready ||= isReady;
    if (hostname) hosts.set(hostname, isReady);
  }
  const ports = (slice.ports ?? []).flatMap(({ port, ...rest }) => (port === undefined ? [] : [{ ...rest, port }]));
  return { ready, any: (slice.endpoints ?? []).length > 0, hosts, ports };
}

/** A host may stand in a slice of each address family. */
function joined(slices: readonly RemoteEndpoints[]): RemoteEndpoints {
  const hosts = new Map<string, boolean>();
  const ports = new Map<string, EndpointPort>();
  for (const slice of slices) {
    for (const [name, ready] of slice.hosts) hosts.set(name, ready || (hosts.get(name) ?? false));
    for (const port of slice.ports) ports.set(`${port.name ?? ''}/${port.port}/${port.protocol ?? 'TCP'}`, port);
  }
  return {
    ready: slices.some(({ ready }) => ready),
    any: slices.some(({ any }) => any),
    hosts,
    ports: [...ports.values()],
  };
}

const textOf = ({ ready, any, hosts, ports }: RemoteEndpoints): string =>
  JSON.stringify([ready, any, [...hosts].sort(), ports]);
