import { ENDPOINT_SLICES, type EndpointSlice, NAMESPACES, type Namespace, SERVICES, type Service } from '#api/kube';
import type { Caches } from '../reconcile/index.ts';
import { type DnsView, dashed } from './records.ts';

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/** The cluster's names, read from caches of its Services, EndpointSlices and Namespaces. */
export class ClusterView implements DnsView {
  private readonly caches: Caches;
  private readonly clusterDomain: string;
  private readonly slicesOf = new Map<string, Map<string, EndpointSlice>>();
  private readonly reverse = new Map<string, { owner: string; name: string }>();
  private readonly stops: (() => void)[];

  constructor(caches: Caches, clusterDomain: string) {
    this.caches = caches;
    this.clusterDomain = clusterDomain;
    this.stops = [
      caches.subscribe(NAMESPACES, () => {}),
      caches.subscribe(SERVICES, ({ now, old }) => this.serviceChanged(now as Service, old as Service)),
      caches.subscribe(ENDPOINT_SLICES, ({ now, old }) =>
        this.sliceChanged(now as EndpointSlice, old as EndpointSlice),
      ),
    ];
  }

  stop(): void {
    for (const stop of this.stops) stop();
  }

  service(namespace: string, name: string): Service | undefined {
    return this.caches.of<Service>(SERVICES).get(name, namespace);
  }

  slices(namespace: string, service: string): readonly EndpointSlice[] {
    return [...(this.slicesOf.get(`${namespace}/${service}`)?.values() ?? [])];
  }

  hasNamespace(namespace: string): boolean {
    return this.caches.of<Namespace>(NAMESPACES).get(namespace) !== undefined;
  }

  nameOf(ip: string): string | undefined {
    return this.reverse.get(ip)?.name;
  }

  private base(namespace: string | undefined, service: string): string {
    return `${service}.${namespace}.svc.${this.clusterDomain}`;
  }

  private serviceChanged(now: Service | undefined, old: Service | undefined): void {
    const owner = `service/${(now ?? old)?.metadata.uid}`;
    this.forget(owner, old?.spec?.clusterIPs ?? []);
    for (const ip of now?.spec?.clusterIPs ?? [])
      if (ip !== 'None')
        this.reverse.set(ip, { owner, name: this.base(now?.metadata.namespace, now?.metadata.name ?? '') });
  }

  private sliceChanged(now: EndpointSlice | undefined, old: EndpointSlice | undefined): void {
    if (old) {
      const key = sliceKey(old);
      this.slicesOf.get(key)?.delete(old.metadata.name ?? '');
      if (this.slicesOf.get(key)?.size === 0) this.slicesOf.delete(key);
      this.forget(
        `slice/${old.metadata.uid}`,
        old.endpoints.flatMap(({ addresses }) => addresses),
      );
    }
    if (!now) return;
    const slices = this.slicesOf.get(sliceKey(now)) ?? new Map<string, EndpointSlice>();
    slices.set(now.metadata.name ?? '', now);
    this.slicesOf.set(sliceKey(now), slices);
    this.learnEndpoints(now);
  }

  private learnEndpoints(slice: EndpointSlice): void {
    const service = slice.metadata.labels?.[SERVICE_NAME_LABEL] ?? '';
    const owner = `slice/${slice.metadata.uid}`;
    for (const { addresses, hostname } of slice.endpoints)
      for (const ip of addresses) {
        if (this.reverse.has(ip)) continue;
        this.reverse.set(ip, {
          owner,
          name: `${hostname || dashed(ip)}.${this.base(slice.metadata.namespace, service)}`,
        });
      }
  }

  private forget(owner: string, ips: readonly string[]): void {
    for (const ip of ips) if (this.reverse.get(ip)?.owner === owner) this.reverse.delete(ip);
  }
}

const sliceKey = ({ metadata }: EndpointSlice): string =>
  `${metadata.namespace}/${metadata.labels?.[SERVICE_NAME_LABEL]}`;
