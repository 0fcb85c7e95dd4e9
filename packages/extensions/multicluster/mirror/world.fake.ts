import type { Link } from '../link/index.ts';
import { type EndpointsChange, endpointsName, type ObservedEndpoints, observeEndpoints } from './endpoints.ts';
import type { LocalView } from './reconcile.ts';
import { type Change, type ObservedService, observe, type ServiceObject, serviceKey } from './service.ts';

let versions = 0;

/** A Service as it was observed, with a version of its own. */
export function service(
  name: string,
  labels: Record<string, string> = {},
  more: Partial<ObservedService> = {},
): ObservedService {
  versions += 1;
  const standard = {
    annotations: {},
    ports: [{ name: 'http', port: 8080, targetPort: 8080 }],
    headless: false,
    external: false,
  };
  return { name, namespace: 'shop', resourceVersion: String(versions), labels, ...standard, ...more };
}

/** A local cluster that changes can be played into, as an API server would keep it. */
export class World implements LocalView {
  readonly services = new Map<string, ObservedService>();
  readonly namespaces = new Set(['shop']);
  readonly endpoints = new Map<string, ObservedEndpoints>();

  constructor(...services: ObservedService[]) {
    for (const each of services) this.services.set(serviceKey(each.namespace, each.name), each);
  }

  play(changes: readonly Change[]): this {
    for (const change of changes) {
      if (change.do !== 'delete') this.#put(change.service);
      else {
        this.services.delete(serviceKey(change.namespace, change.name));
        this.endpoints.delete(serviceKey(change.namespace, change.name));
      }
    }
    return this;
  }

  /** Plays Endpoints, too. */
  playAll({ changes, endpoints }: { changes: readonly Change[]; endpoints: readonly EndpointsChange[] }): this {
    this.play(changes);
    for (const change of endpoints) {
      const key = endpointsName(change);
      if (change.do === 'delete') this.endpoints.delete(key);
      else this.endpoints.set(key, observeEndpoints(this.#versioned(change.endpoints)));
    }
    return this;
  }

  get(name: string): ObservedService {
    const found = this.services.get(`shop/${name}`);
    if (!found) throw new Error(`${name} does not exist`);
    return found;
  }

  names(): string[] {
    return [...this.services.values()].map((each) => each.name).sort();
  }

  #put(object: ServiceObject): void {
    const observed = observe(this.#versioned(object));
    const key = serviceKey(observed.namespace, observed.name);
    // As the controller writes: an update leaves an address as it is, and makes anew what has none any more.
    const old = this.services.get(key);
    const { headless } = observed;
    const clusterIP = old?.clusterIP ?? `10.96.0.${versions}`;
    this.services.set(key, { ...observed, ...(!headless && { clusterIP, clusterIPs: [clusterIP] }) });
  }

  #versioned<T extends Pick<ServiceObject, 'metadata'>>(object: T): T {
    versions += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(versions) } };
  }
}

/** A remote cluster's Services. */
export const remote = (...services: ObservedService[]) =>
  new Map(services.map((each) => [serviceKey(each.namespace, each.name), each]));
/** When the Links were made, by cluster. */
export const times = (...links: Link[]) =>
  new Map(links.map((each) => [each.metadata.name ?? '', each.metadata.creationTimestamp ?? '']));
