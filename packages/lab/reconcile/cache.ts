import type { Gvr, KubeObject } from '#api/kube';
import type { ClusterClient, WatchSink } from '../contract/index.ts';
import { gvrKey } from '../kinds/index.ts';
import { LIMITS } from './limits.ts';

/** One object's change as a cache saw it. `now` is absent when it went, `old` when it came. */
export interface Change<T extends KubeObject = KubeObject> {
  gvr: Gvr;
  old?: T;
  now?: T;
}

/** `namespace/name`, or `/name` for cluster-scoped objects: the key of caches and queues. */
export const refOf = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name ?? ''}`;

/** Splits a key of {@link refOf}. */
export function splitRef(ref: string): { namespace: string; name: string } {
  const slash = ref.indexOf('/');
  return { namespace: ref.slice(0, slash), name: ref.slice(slash + 1) };
}

const revisionOf = (object: KubeObject): number => Number(object.metadata.resourceVersion ?? 0);

/**
 * All objects of one resource, fed by a watch and by the answers to our own writes, so that a controller reads what it wrote.
 * Objects are frozen snapshots.
 */
export class Cache<T extends KubeObject = KubeObject> implements WatchSink<T> {
  readonly gvr: Gvr;
  private readonly changed: (change: Change<T>) => void;
  private readonly namespaces = new Map<string, Map<string, T>>();
  private readonly uids = new Map<string, T>();
  private readonly owned = new Map<string, Map<string, T>>();
  private readonly tombstones = new Set<string>();
  /** What came before the first full list, to be replayed after it. */
  private early: (() => void)[] | undefined = [];
  private markSynced: () => void = () => {};
  /** Settles after the first full list. */
  readonly synced: Promise<void> = new Promise((done) => {
    this.markSynced = done;
  });

  constructor(gvr: Gvr, changed: (change: Change<T>) => void) {
    this.gvr = gvr;
    this.changed = changed;
  }

  get(name: string, namespace = ''): T | undefined {
    return this.namespaces.get(namespace)?.get(name);
  }

  byRef(ref: string): T | undefined {
    const { name, namespace } = splitRef(ref);
    return this.get(name, namespace);
  }

  byUid(uid: string): T | undefined {
    return this.uids.get(uid);
  }

  /** All objects, or those of one namespace. Order is arrival. */
  list(namespace?: string): T[] {
    if (namespace !== undefined) return [...(this.namespaces.get(namespace)?.values() ?? [])];
    return [...this.uids.values()];
  }

  /** Objects with an owner reference (controller or not) to that uid. */
  ownedBy(uid: string): T[] {
    return [...(this.owned.get(uid)?.values() ?? [])];
  }

  /** Takes in the server's answer to our own write. Older states and objects known to be gone are ignored. */
  learn(object: T): void {
    if (this.early) return void this.early.push(() => this.learn(object));
    const uid = object.metadata.uid ?? '';
    const known = this.uids.get(uid);
    if (this.tombstones.has(uid) || (known && revisionOf(known) >= revisionOf(object))) return;
    this.put(object);
  }

  /** Our own delete was accepted: shows the object as being deleted until the watch tells what came of it. */
  learnDeleted(name: string, namespace: string, nowText: string): void {
    const known = this.get(name, namespace);
    if (!known || known.metadata.deletionTimestamp) return;
    this.put({ ...known, metadata: { ...known.metadata, deletionTimestamp: nowText } });
  }

  /** Our own binding was accepted: shows the pod as assigned until the watch tells so. */
  learnBound(name: string, namespace: string, nodeName: string): void {
    const known = this.get(name, namespace) as (T & { spec?: { nodeName?: string } }) | undefined;
    if (known && !known.spec?.nodeName) this.put({ ...known, spec: { ...known.spec, nodeName } });
  }

  reset(objects: readonly T[]): void {
    const present = new Set(objects.map((object) => object.metadata.uid));
    for (const known of [...this.uids.values()]) if (!present.has(known.metadata.uid)) this.drop(known);
    const early = this.early ?? [];
    this.early = undefined;
    for (const object of objects) this.applied(object);
    for (const replay of early) replay();
    this.markSynced();
  }

  applied(object: T): void {
    if (this.early) return void this.early.push(() => this.applied(object));
    const known = this.uids.get(object.metadata.uid ?? '');
    if (known && revisionOf(known) >= revisionOf(object)) return;
    this.put(object);
  }

  deleted(object: T): void {
    if (this.early) return void this.early.push(() => this.deleted(object));
    const known = this.uids.get(object.metadata.uid ?? '');
    this.bury(object.metadata.uid ?? '');
    if (known) this.drop(known);
  }

  private put(object: T): void {
    const { uid = '', namespace = '', name = '' } = object.metadata;
    const replaced = this.get(name, namespace);
    if (replaced && replaced.metadata.uid !== uid) this.drop(replaced);
    const old = this.uids.get(uid);
    if (old) this.unlink(old);
    this.uids.set(uid, object);
    const inNamespace = this.namespaces.get(namespace) ?? new Map<string, T>();
    inNamespace.set(name, object);
    this.namespaces.set(namespace, inNamespace);
    for (const reference of object.metadata.ownerReferences ?? []) {
      const owned = this.owned.get(reference.uid) ?? new Map<string, T>();
      owned.set(uid, object);
      this.owned.set(reference.uid, owned);
    }
    this.changed({ gvr: this.gvr, now: object, ...(old && { old }) });
  }

  private drop(known: T): void {
    const { uid = '', namespace = '', name = '' } = known.metadata;
    this.unlink(known);
    this.uids.delete(uid);
    const inNamespace = this.namespaces.get(namespace);
    if (inNamespace?.get(name) === known) inNamespace.delete(name);
    if (inNamespace?.size === 0) this.namespaces.delete(namespace);
    this.changed({ gvr: this.gvr, old: known });
  }

  private unlink(object: T): void {
    for (const reference of object.metadata.ownerReferences ?? []) {
      const owned = this.owned.get(reference.uid);
      owned?.delete(object.metadata.uid ?? '');
      if (owned?.size === 0) this.owned.delete(reference.uid);
    }
  }

  private bury(uid: string): void {
    this.tombstones.add(uid);
    if (this.tombstones.size <= LIMITS.tombstonesMax) return;
    const [oldest] = this.tombstones;
    this.tombstones.delete(oldest ?? '');
  }
}

/** What controllers may read: the caches of all resources they declared. */
export interface CacheReader {
  of<T extends KubeObject>(gvr: Gvr): Pick<Cache<T>, 'get' | 'byRef' | 'byUid' | 'list' | 'ownedBy'>;
}

/** One cache per resource, shared by all controllers of a process and started when first asked for. */
export class Caches implements CacheReader {
  private readonly client: ClusterClient;
  private readonly caches = new Map<
    string,
    { cache: Cache; listeners: Set<(change: Change) => void>; stop: () => void }
  >();

  constructor(client: ClusterClient) {
    this.client = client;
  }

  of<T extends KubeObject>(gvr: Gvr): Cache<T> {
    return this.entry(gvr).cache as unknown as Cache<T>;
  }

  /** Hears of every change of a resource, beginning with what is already known. Returns a stop function. */
  subscribe(gvr: Gvr, listener: (change: Change) => void): () => void {
    const { cache, listeners } = this.entry(gvr);
    listeners.add(listener);
    for (const object of cache.list()) listener({ gvr, now: object });
    return () => void listeners.delete(listener);
  }

  /** The resources that have a cache. */
  has(gvr: Gvr): boolean {
    return this.caches.has(gvrKey(gvr));
  }

  /** Ends the watch of a resource that is served no more; its objects count as deleted. */
  close(gvr: Gvr): void {
    const entry = this.caches.get(gvrKey(gvr));
    if (!entry) return;
    entry.stop();
    entry.cache.reset([]);
    this.caches.delete(gvrKey(gvr));
  }

  /** Settles when every cache asked for so far has its first full list. */
  async synced(): Promise<void> {
    await Promise.all([...this.caches.values()].map(({ cache }) => cache.synced));
  }

  stop(): void {
    for (const { stop } of this.caches.values()) stop();
    this.caches.clear();
  }

  private entry(gvr: Gvr) {
    const known = this.caches.get(gvrKey(gvr));
    if (known) return known;
    const listeners = new Set<(change: Change) => void>();
    const cache = new Cache<KubeObject>(gvr, (change) => {
      for (const listener of listeners) listener(change);
    });
    const entry = { cache, listeners, stop: (): void => {} };
    this.caches.set(gvrKey(gvr), entry);
    entry.stop = this.client.watch(gvr, {}, cache);
    return entry;
  }
}
