import type { KubeObject } from '#api/kube';
import type { ClusterClient, ServedResource } from '../contract/index.ts';
import { gvrKey } from '../kinds/index.ts';
import type { Caches, Change } from '../reconcile/index.ts';

/** Kinds without owners, or written so often that watching them costs more than it gives. */
const NOT_WATCHED: ReadonlySet<string> = new Set(['events']);

/**
 * Watches every served resource that can be listed, watched and deleted, CRDs included as they come and go: what garbage
 * collection and namespace deletion need. One version per group and resource: the first that discovery gives.
 */
export class Everything {
  private readonly client: ClusterClient;
  private readonly caches: Caches;
  private readonly listeners = new Set<(resource: ServedResource, change: Change) => void>();
  private readonly watched = new Map<string, { resource: ServedResource; stop: () => void }>();
  private readonly stopResources: () => void;

  constructor(client: ClusterClient, caches: Caches) {
    this.client = client;
    this.caches = caches;
    this.stopResources = client.onResourcesChanged(() => this.refresh());
    this.refresh();
  }

  /** The watched resources. */
  resources(): ServedResource[] {
    return [...this.watched.values()].map(({ resource }) => resource);
  }

  /** All resources that a namespace can hold and that can be deleted, watched or not. */
  sweepable(): ServedResource[] {
    return preferredVersions(this.client.resources()).filter(
      ({ namespaced, verbs }) => namespaced && can(verbs, 'list', 'delete'),
    );
  }

  /** Finds an object by uid in the caches. */
  byUid(uid: string): { resource: ServedResource; object: KubeObject } | undefined {
    for (const { resource } of this.watched.values()) {
      const object = this.caches.of(resource.gvr).byUid(uid);
      if (object) return { resource, object };
    }
    return undefined;
  }

  /** All objects with an owner reference to that uid. */
  dependents(uid: string): { resource: ServedResource; object: KubeObject }[] {
    return this.resources().flatMap((resource) =>
      this.caches
        .of(resource.gvr)
        .ownedBy(uid)
        .map((object) => ({ resource, object })),
    );
  }

  /** Objects of a namespace, of watched kinds. */
  inNamespace(namespace: string): { resource: ServedResource; object: KubeObject }[] {
    return this.resources().flatMap((resource) =>
      resource.namespaced
        ? this.caches
            .of(resource.gvr)
            .list(namespace)
            .map((object) => ({ resource, object }))
        : [],
    );
  }

  /** The served resource of an owner reference's apiVersion and kind. */
  ofKind(apiVersion: string, kind: string): ServedResource | undefined {
    const served = this.client.resources();
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    return (
      served.find((each) => each.kind === kind && each.gvr.group === group && each.gvr.version === version) ??
      served.find((each) => each.kind === kind && each.gvr.group === group)
    );
  }

  /** Hears of all changes of all watched resources, beginning with what is there. */
  subscribe(listener: (resource: ServedResource, change: Change) => void): () => void {
    this.listeners.add(listener);
    for (const resource of this.resources())
      for (const object of this.caches.of(resource.gvr).list()) listener(resource, { gvr: resource.gvr, now: object });
    return () => void this.listeners.delete(listener);
  }

  stop(): void {
    this.stopResources();
    for (const { stop } of this.watched.values()) stop();
    this.watched.clear();
    this.listeners.clear();
  }

  private refresh(): void {
    const wanted = preferredVersions(this.client.resources()).filter(
      ({ verbs, gvr }) => can(verbs, 'list', 'watch', 'delete') && !NOT_WATCHED.has(gvr.resource),
    );
    const keys = new Set(wanted.map((resource) => gvrKey(resource.gvr)));
    for (const [key, { resource, stop }] of this.watched) {
      if (keys.has(key)) continue;
      this.caches.close(resource.gvr);
      stop();
      this.watched.delete(key);
    }
    for (const resource of wanted) {
      const key = gvrKey(resource.gvr);
      if (this.watched.has(key)) continue;
      const stop = this.caches.subscribe(resource.gvr, (change) => {
        for (const listener of this.listeners) listener(resource, change);
      });
      this.watched.set(key, { resource, stop });
    }
  }
}

const can = (verbs: readonly string[], ...wanted: string[]): boolean => wanted.every((verb) => verbs.includes(verb));

function preferredVersions(served: readonly ServedResource[]): ServedResource[] {
  const first = new Map<string, ServedResource>();
  for (const resource of served) {
    const key = `${resource.gvr.group}/${resource.gvr.resource}`;
    if (!resource.gvr.resource.includes('/') && !first.has(key)) first.set(key, resource);
  }
  return [...first.values()];
}
