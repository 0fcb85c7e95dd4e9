import {
  CUSTOM_RESOURCE_DEFINITIONS,
  type CustomResourceDefinition,
  ENDPOINT_SLICES,
  type EndpointSlice,
  type Gvr,
  type KubeObject,
  NAMESPACES,
  type Namespace,
  SERVICES,
  type Service,
} from '#api/kube';
import type { Caches } from '../reconcile/index.ts';
import type { ClustersetView, ImportedService } from './clusterset.ts';
import { dashed } from './records.ts';

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
const IMPORT_NAME_LABEL = 'multicluster.kubernetes.io/service-name';
const CLUSTER_LABEL = 'multicluster.kubernetes.io/source-cluster';
const IMPORTS: Gvr = { group: 'multicluster.x-k8s.io', version: 'v1beta1', resource: 'serviceimports' };

/** The cluster's names, read from caches of its Services, EndpointSlices and Namespaces, and of ServiceImports where there are any. */
export class ClusterView implements ClustersetView {
  private readonly caches: Caches;
  private readonly clusterDomain: string;
  private readonly slicesOf = new Map<string, Map<string, EndpointSlice>>();
  private readonly reverse = new Map<string, { owner: string; name: string }>();
  /** Slices of imports: the same objects, by another of their labels. */
  private readonly importedSlicesOf = new Map<string, Map<string, EndpointSlice>>();
  private stopImports: (() => void) | undefined;
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
      caches.subscribe(CUSTOM_RESOURCE_DEFINITIONS, ({ now, old }) =>
        this.definitionChanged(now as CustomResourceDefinition, old as CustomResourceDefinition),
      ),
    ];
  }

  stop(): void {
    for (const stop of this.stops) stop();
    this.stopImports?.();
  }

  imported(namespace: string, name: string): ImportedService | undefined {
    return this.stopImports && this.caches.of<KubeObject & ImportedService>(IMPORTS).get(name, namespace);
  }

  importedSlices(namespace: string, name: string): readonly { cluster: string; slice: EndpointSlice }[] {
    const slices = [...(this.importedSlicesOf.get(`${namespace}/${name}`)?.values() ?? [])];
    return slices.map((slice) => ({ cluster: slice.metadata.labels?.[CLUSTER_LABEL] ?? '', slice }));
  }

  /** A kind can be watched from when it is served to when it goes. */
  private definitionChanged(
    now: CustomResourceDefinition | undefined,
    old: CustomResourceDefinition | undefined,
  ): void {
    if ((now ?? old)?.metadata.name !== `${IMPORTS.resource}.${IMPORTS.group}`) return;
    const isServed = now?.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
    if (isServed) this.stopImports ??= this.caches.subscribe(IMPORTS, () => {});
    else if (this.stopImports) {
      this.stopImports();
      this.stopImports = undefined;
      this.caches.close(IMPORTS);
    }
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
      drop(this.slicesOf, SERVICE_NAME_LABEL, old);
      drop(this.importedSlicesOf, IMPORT_NAME_LABEL, old);
      this.forget(
        `slice/${old.metadata.uid}`,
        old.endpoints.flatMap(({ addresses }) => addresses),
      );
    }
    if (!now) return;
    put(this.slicesOf, SERVICE_NAME_LABEL, now);
    put(this.importedSlicesOf, IMPORT_NAME_LABEL, now);
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

type SliceIndex = Map<string, Map<string, EndpointSlice>>;

/** Under which key of an index a slice stands; undefined when it lacks the label. */
function sliceKey({ metadata }: EndpointSlice, label: string): string | undefined {
  const service = metadata.labels?.[label];
  return service === undefined ? undefined : `${metadata.namespace}/${service}`;
}

function put(index: SliceIndex, label: string, slice: EndpointSlice): void {
  const key = sliceKey(slice, label);
  if (key === undefined) return;
  const slices = index.get(key) ?? new Map<string, EndpointSlice>();
  slices.set(slice.metadata.name ?? '', slice);
  index.set(key, slices);
}

function drop(index: SliceIndex, label: string, slice: EndpointSlice): void {
  const key = sliceKey(slice, label) ?? '';
  index.get(key)?.delete(slice.metadata.name ?? '');
  if (index.get(key)?.size === 0) index.delete(key);
}
