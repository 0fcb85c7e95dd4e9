import type { EndpointSlice } from '#api/kube';
import type { EndpointCount } from '../link/index.ts';
import { serviceKey } from './service.ts';

/** Of one slice. */
interface Counted extends EndpointCount {
  service: string;
  addressType: string;
}

/** How many endpoints Services have, by their EndpointSlices: of each slice two numbers are kept, however large it is. */
export class EndpointTally {
  readonly #slices = new Map<string, Counted>();
  readonly #services = new Map<string, Set<string>>();

  /** Undefined without any slice. */
  get(service: string): EndpointCount | undefined {
    const names = this.#services.get(service);
    if (!names) return undefined;
    const families = new Map<string, EndpointCount>();
    for (const name of names) {
      const { addressType, total, ready } = this.#slices.get(name) as Counted;
      const sum = families.get(addressType) ?? { total: 0, ready: 0 };
      families.set(addressType, { total: sum.total + total, ready: sum.ready + ready });
    }
    // A pod with addresses of two families stands in slices of both, and is one.
    const [most] = [...families.values()].sort((a, b) => b.total - a.total || b.ready - a.ready);
    return most;
  }

  reset(slices: Iterable<EndpointSlice>): void {
    this.#slices.clear();
    this.#services.clear();
    for (const slice of slices) this.apply(slice);
  }

  /** Returns the Service whose numbers are others now; undefined where none are. */
  apply(slice: EndpointSlice): string | undefined {
    const { namespace = '', name = '', labels } = slice.metadata;
    const owner = labels?.['kubernetes.io/service-name'];
    if (owner === undefined) return undefined;
    const service = serviceKey(namespace, owner);
    const key = serviceKey(namespace, name);
    const counted = { service, addressType: slice.addressType ?? '', ...count(slice) };
    const old = this.#slices.get(key);
    if (old && old.service !== service) this.#forget(key, old);
    this.#slices.set(key, counted);
    const slices = this.#services.get(service) ?? new Set();
    this.#services.set(service, slices.add(key));
    return old?.total === counted.total && old.ready === counted.ready && old.service === service ? undefined : service;
  }

  delete({ metadata: { namespace = '', name = '' } }: EndpointSlice): string | undefined {
    const key = serviceKey(namespace, name);
    const old = this.#slices.get(key);
    if (old) this.#forget(key, old);
    return old?.service;
  }

  #forget(key: string, { service }: Counted): void {
    this.#slices.delete(key);
    const slices = this.#services.get(service);
    slices?.delete(key);
    if (slices?.size === 0) this.#services.delete(service);
  }
}

/** What is on its way out is no endpoint any more, as when shares of clusters are worked out. Absent conditions mean ready. */
function count({ endpoints }: EndpointSlice): EndpointCount {
  const stay = (endpoints ?? []).filter(({ conditions }) => conditions?.terminating !== true);
  return { total: stay.length, ready: stay.filter(({ conditions }) => conditions?.ready ?? true).length };
}
