import type { AnyObject } from '#api/kube';
import { EVENT_RING_SIZE, WRITES_PER_COMPACTION } from './limits.ts';
import type { LogEntry, RevisionLog } from './log.ts';
import { StoredObject } from './stored-object.ts';

/** Names one object of a resource; no namespace for cluster-scoped ones. */
export interface ObjectKey {
  namespace?: string | undefined;
  name: string;
}

export type StoreEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** One write as watches see it. Of a deletion, `current` is the last state carrying the deletion's revision. */
export interface StoreEvent {
  readonly revision: number;
  readonly resource: string;
  readonly key: string;
  readonly type: StoreEventType;
  readonly current: StoredObject;
  readonly previous: StoredObject | undefined;
}

export class KeyExistsError extends Error {}
/** The object changed since it was read, or is gone (`current` undefined). */
export class RevisionConflictError extends Error {
  readonly current: StoredObject | undefined;
  constructor(current: StoredObject | undefined) {
    super('the object changed since it was read');
    this.current = current;
  }
}
/** The asked revision is no longer held. */
export class CompactedError extends Error {
  readonly oldest: number;
  constructor(asked: number, oldest: number) {
    super(`too old resource version: ${asked} (${oldest})`);
    this.oldest = oldest;
  }
}
/** The asked revision is not reached yet. */
export class FutureRevisionError extends Error {
  readonly current: number;
  constructor(asked: number, current: number) {
    super(`Too large resource version: ${asked}, current: ${current}`);
    this.current = current;
  }
}

interface Watcher {
  resource: string;
  /** Last revision delivered, or skipped as another resource's. */
  seen: number;
  listener: (event: StoreEvent) => void;
}

interface ResourceIndex {
  objects: Map<string, StoredObject>;
  /** Keys in order, rebuilt after an insertion or deletion. */
  sorted: readonly string[] | undefined;
}

/**
 * All objects of one cluster. Reads and writes are synchronous; every write is one revision, is in the log before it is in
 * memory, and reaches watchers in order in a later microtask. Objects go in as plain JSON and come out frozen, with
 * `metadata.resourceVersion` set.
 */
export class Store {
  readonly #log: RevisionLog;
  readonly #ringSize: number;
  readonly #indexes = new Map<string, ResourceIndex>();
  readonly #ring: (StoreEvent | undefined)[];
  readonly #watchers = new Set<Watcher>();
  #revision = 1;
  /** Events up to here are not in the ring. */
  #oldest = 1;
  #dispatched = 1;
  #dispatchScheduled = false;
  #writesSinceCompaction = 0;

  constructor(log: RevisionLog, ringSize = EVENT_RING_SIZE) {
    this.#log = log;
    this.#ringSize = ringSize;
    this.#ring = new Array(ringSize);
    this.#recover();
  }

  /** The last write's revision; 1 before the first. */
  get revision(): number {
    return this.#revision;
  }

  /** Watches that are open. */
  get watchers(): number {
    return this.#watchers.size;
  }

  get(resource: string, key: ObjectKey): StoredObject | undefined {
    return this.#indexes.get(resource)?.objects.get(keyText(key));
  }

  /** All objects, or those of one namespace, ordered by namespace and name. */
  list(resource: string, namespace?: string): StoredObject[] {
    const index = this.#indexes.get(resource);
    if (!index) return [];
    index.sorted ??= [...index.objects.keys()].sort(compareKeys);
    const prefix = namespace === undefined ? '' : `${namespace}/`;
    const found: StoredObject[] = [];
    for (const key of index.sorted) if (key.startsWith(prefix)) found.push(index.objects.get(key)!);
    return found;
  }

  /** As {@link list}, but as things stood at `revision`: the events since are undone. */
  listAt(resource: string, namespace: string | undefined, revision: number): StoredObject[] {
    this.#assertHeld(revision);
    const objects = new Map(this.#indexes.get(resource)?.objects);
    for (let at = this.#revision; at > revision; at--) {
      const event = this.#ring[at % this.#ringSize];
      if (event?.resource !== resource) continue;
      if (event.previous) objects.set(event.key, event.previous);
      else objects.delete(event.key);
    }
    const prefix = namespace === undefined ? '' : `${namespace}/`;
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(compareKeys);
    return keys.map((key) => objects.get(key)!);
  }

  /** Storage names that hold at least one object. */
  resources(): string[] {
    return [...this.#indexes].filter(([, index]) => index.objects.size > 0).map(([resource]) => resource);
  }

  /** @throws KeyExistsError */
  create(resource: string, key: ObjectKey, object: AnyObject): StoredObject {
    const text = keyText(key);
    if (this.#indexes.get(resource)?.objects.has(text)) throw new KeyExistsError(`${resource} ${text} exists`);
    return this.#write('ADDED', resource, text, object, undefined);
  }

  /** @throws RevisionConflictError when the object is not at `expectedRevision` */
  update(resource: string, key: ObjectKey, object: AnyObject, expectedRevision: number): StoredObject {
    const previous = this.#expect(resource, keyText(key), expectedRevision);
    return this.#write('MODIFIED', resource, keyText(key), object, previous);
  }

  /** Removes it and returns its last state. @throws RevisionConflictError when it is not at `expectedRevision` */
  delete(resource: string, key: ObjectKey, expectedRevision: number): StoredObject {
    const previous = this.#expect(resource, keyText(key), expectedRevision);
    return this.#write('DELETED', resource, keyText(key), previous.object, previous);
  }

  /**
   * Delivers every event of `resource` after `fromRevision`, in order: held ones before this returns, later ones in
   * microtasks after their write. Returns a stop function.
   * @throws CompactedError, FutureRevisionError
   */
  watch(resource: string, fromRevision: number, listener: (event: StoreEvent) => void): () => void {
    this.#assertHeld(fromRevision);
    const watcher: Watcher = { resource, seen: Math.max(fromRevision, this.#dispatched), listener };
    for (let at = fromRevision + 1; at <= this.#dispatched; at++) {
      const event = this.#ring[at % this.#ringSize];
      if (event?.resource === resource) listener(event);
    }
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  /** A small text kept beside the objects, e.g. the cluster's keys. */
  readNote(name: string): string | undefined {
    return this.#log.readNote(name);
  }

  writeNote(name: string, text: string): void {
    this.#log.writeNote(name, text);
  }

  close(): void {
    this.#watchers.clear();
    this.#log.close();
  }

  #assertHeld(revision: number): void {
    if (revision > this.#revision) throw new FutureRevisionError(revision, this.#revision);
    if (revision < this.#oldest) throw new CompactedError(revision, this.#oldest);
  }

  #expect(resource: string, key: string, revision: number): StoredObject {
    const current = this.#indexes.get(resource)?.objects.get(key);
    if (current?.revision !== revision) throw new RevisionConflictError(current);
    return current;
  }

  #write(
    type: StoreEventType,
    resource: string,
    key: string,
    object: AnyObject,
    previous: StoredObject | undefined,
  ): StoredObject {
    const revision = this.#revision + 1;
    const stamped = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
    const current = new StoredObject(stamped, revision);
    this.#log.append({ revision, resource, key, type, json: current.json });
    this.#apply({ revision, resource, key, type, current, previous });
    this.#scheduleDispatch();
    if (++this.#writesSinceCompaction >= WRITES_PER_COMPACTION) {
      this.#writesSinceCompaction = 0;
      this.#log.compact(this.#oldest);
    }
    return current;
  }

  #apply(event: StoreEvent): void {
    const { resource, key, type, current } = event;
    let index = this.#indexes.get(resource);
    if (!index) {
      index = { objects: new Map(), sorted: undefined };
      this.#indexes.set(resource, index);
    }
    if (type !== 'MODIFIED') index.sorted = undefined;
    if (type === 'DELETED') index.objects.delete(key);
    else index.objects.set(key, current);
    this.#revision = event.revision;
    this.#ring[event.revision % this.#ringSize] = event;
    this.#oldest = Math.max(this.#oldest, event.revision - this.#ringSize);
  }

  #scheduleDispatch(): void {
    if (this.#dispatchScheduled) return;
    this.#dispatchScheduled = true;
    queueMicrotask(() => this.#dispatch());
  }

  /** Listeners may write: the loop runs until it has caught up with them. */
  #dispatch(): void {
    this.#dispatchScheduled = false;
    while (this.#dispatched < this.#revision) {
      const event = this.#ring[++this.#dispatched % this.#ringSize]!;
      for (const watcher of this.#watchers) {
        if (watcher.resource !== event.resource || watcher.seen >= event.revision) continue;
        watcher.seen = event.revision;
        watcher.listener(event);
      }
    }
  }

  #recover(): void {
    const { entries, compactedTo } = this.#log.load();
    this.#oldest = Math.max(this.#oldest, compactedTo);
    for (const entry of entries) this.#apply(this.#replay(entry));
    this.#revision = Math.max(this.#revision, compactedTo);
    this.#dispatched = this.#revision;
  }

  #replay({ revision, resource, key, type, json }: LogEntry): StoreEvent {
    const current = new StoredObject(JSON.parse(json) as AnyObject, revision, json);
    return { revision, resource, key, type, current, previous: this.#indexes.get(resource)?.objects.get(key) };
  }
}

const keyText = (key: ObjectKey): string => `${key.namespace ?? ''}/${key.name}`;

/** By namespace, then name; neither holds a `/`, and `/` sorts below every character that names may hold but `-` and `.`. */
function compareKeys(a: string, b: string): number {
  const [left, right] = [a.indexOf('/'), b.indexOf('/')];
  const namespaces = compareText(a.slice(0, left), b.slice(0, right));
  return namespaces !== 0 ? namespaces : compareText(a.slice(left + 1), b.slice(right + 1));
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
