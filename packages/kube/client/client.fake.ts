import type { Gvr, KubeObject } from '#api/kube';
import { ApiError } from './errors.ts';
import { trackFields } from './fields.fake.ts';
import { stripToMetadata } from './metadata.ts';
import { applyJsonPatch, applyMergePatch } from './patch.fake.ts';
import { matchesFields, matchesLabels } from './selectors.ts';
import type {
  DeleteOptions,
  KubeClient,
  LineStream,
  ListOptions,
  ObjectRef,
  Patch,
  RawRequest,
  RawResponse,
  VersionInfo,
  WatchOptions,
  WatchSink,
  WriteOptions,
} from './types.ts';

/** One call that changed something, in order, e.g. `{verb: 'create', resource: 'services', name: 'a/web'}`. */
export interface FakeAction {
  verb: 'create' | 'update' | 'patch' | 'delete';
  /** Resource, with `/subresource` where there is one. */
  resource: string;
  /** `namespace/name`, or the name of a cluster-scoped object. */
  name: string;
}

type AnyRecord = Record<string, unknown>;
interface Watcher {
  gvr: Gvr;
  options: ListOptions;
  sink: WatchSink<KubeObject>;
}

/**
 * The client's twin in memory: resource versions, conflicts, generateName, status subresource, selectors, finalizers and
 * watches behave as on a server; there is no schema, no admission and no garbage collection. Watch events are delivered
 * before the write that caused them resolves.
 */
export class FakeKubeClient implements KubeClient {
  readonly actions: FakeAction[] = [];
  /** Set to change what is created and updated, as a webhook would; whose labels and annotations are whose is tracked then. */
  admit: ((object: KubeObject) => void) | undefined;
  /** Set to make calls fail: called before each; a returned error rejects that call. */
  refuse: ((verb: string, gvr: Gvr, ref: ObjectRef) => Error | undefined) | undefined;
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #watchers = new Set<Watcher>();
  readonly #raw = new Map<string, RawResponse>();
  readonly #now: () => string;
  #version = 1;

  constructor(now: () => string = () => '2026-01-02T03:04:05Z') {
    this.#now = now;
  }

  /** Puts objects in place without recording actions; each needs a Gvr. Replaces what is there. */
  seed(gvr: Gvr, ...objects: KubeObject[]): this {
    for (const object of objects) {
      const old = this.#table(gvr).get(keyOf(object.metadata));
      this.#put(gvr, { ...structuredClone(object), metadata: { ...this.#born(object), ...object.metadata } }, old);
    }
    return this;
  }

  /** What {@link raw} answers for a path (without query); unknown paths answer 404. */
  answerRaw(path: string, body: unknown, status = 200): this {
    this.#raw.set(path, { status, headers: {}, body: typeof body === 'string' ? body : JSON.stringify(body) });
    return this;
  }

  /** Everything stored of a resource, unsorted. */
  all<T extends KubeObject>(gvr: Gvr): T[] {
    return [...this.#table(gvr).values()].map((object) => structuredClone(object) as T);
  }

  async get<T extends KubeObject>(gvr: Gvr, name: string, namespace?: string): Promise<T> {
    this.#check('get', gvr, { name, ...(namespace !== undefined && { namespace }) });
    return structuredClone(this.#need(gvr, { name, ...(namespace !== undefined && { namespace }) })) as T;
  }

  async list<T extends KubeObject>(
    gvr: Gvr,
    options: ListOptions = {},
  ): Promise<{ items: T[]; resourceVersion: string }> {
    this.#check('list', gvr, { name: '' });
    const items = [...this.#table(gvr).values()].filter((object) => selects(options, object));
    items.sort((a, b) => (keyOf(a.metadata) < keyOf(b.metadata) ? -1 : 1));
    return { items: items.map((object) => shown(options, object)) as T[], resourceVersion: String(this.#version) };
  }

  watch<T extends KubeObject>(gvr: Gvr, options: WatchOptions, sink: WatchSink<T>): () => void {
    const watcher: Watcher = { gvr, options, sink: sink as unknown as WatchSink<KubeObject> };
    let stopped = false;
    void this.list<T>(gvr, options).then(
      ({ items }) => {
        if (stopped) return;
        this.#watchers.add(watcher);
        sink.reset(items);
      },
      (error: Error) => sink.failed?.({ error, attempt: 1, retryInMs: 0 }),
    );
    return () => {
      stopped = true;
      this.#watchers.delete(watcher);
    };
  }

  async create<T extends KubeObject>(gvr: Gvr, object: T, options: WriteOptions = {}): Promise<T> {
    const created = structuredClone(object);
    created.metadata = { ...created.metadata, ...this.#born(object) };
    const ref = refOf(created);
    this.#check('create', gvr, ref);
    if (this.#table(gvr).has(keyOf(created.metadata)))
      throw ApiError.of(409, 'AlreadyExists', `${describe(gvr, ref)} already exists`);
    if (options.dryRun) return created;
    this.#record('create', gvr, ref);
    this.#admit(created, undefined);
    this.#put(gvr, created, undefined);
    return structuredClone(created);
  }

  async update<T extends KubeObject>(gvr: Gvr, object: T, subresource?: 'status' | 'finalize'): Promise<T> {
    const ref = refOf(object);
    this.#check('update', gvr, ref);
    const old = this.#need(gvr, ref);
    const given = object.metadata.resourceVersion;
    if (given !== undefined && given !== old.metadata.resourceVersion) throw conflict(gvr, ref);
    return this.#replace<T>('update', gvr, ref, old, structuredClone(object), subresource);
  }

  async patch<T extends KubeObject>(gvr: Gvr, ref: ObjectRef, patch: Patch): Promise<T> {
    this.#check('patch', gvr, ref);
    const old = this.#table(gvr).get(keyOf(ref));
    if (!old && patch.type === 'apply')
      return this.create(gvr, { ...(patch.body as T), metadata: { ...(patch.body as T).metadata, ...ref } });
    if (!old) throw notFound(gvr, ref);
    const next =
      patch.type === 'json'
        ? applyJsonPatch(structuredClone(old), patch.body)
        : applyMergePatch(structuredClone(old), patch.body);
    const given = (next as KubeObject).metadata.resourceVersion;
    if (given !== old.metadata.resourceVersion) throw conflict(gvr, ref);
    return this.#replace<T>('patch', gvr, ref, old, next as T, patch.subresource);
  }

  async delete(gvr: Gvr, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    this.#check('delete', gvr, ref);
    const old = this.#need(gvr, ref);
    const { uid, resourceVersion } = options.preconditions ?? {};
    if ((uid && uid !== old.metadata.uid) || (resourceVersion && resourceVersion !== old.metadata.resourceVersion))
      throw conflict(gvr, ref);
    this.#record('delete', gvr, ref);
    if (old.metadata.finalizers?.length) {
      this.#put(gvr, { ...old, metadata: { ...old.metadata, deletionTimestamp: this.#now() } }, old);
      return;
    }
    this.#remove(gvr, old);
  }

  version(): Promise<VersionInfo> {
    return Promise.resolve({ major: '1', minor: '34', gitVersion: 'v1.34.4+fake' });
  }

  raw(path: string, _request?: RawRequest): Promise<RawResponse> {
    const found = this.#raw.get(path.split('?')[0] ?? path);
    return Promise.resolve(found ?? { status: 404, headers: {}, body: '404 page not found' });
  }

  /** The lines of what {@link answerRaw} has for the path; the stream then ends. */
  lines(path: string, line: (text: string) => void): LineStream {
    const answer = this.#raw.get(path.split('?')[0] ?? path);
    if (!answer) return { done: Promise.reject(ApiError.of(404, 'NotFound', `${path} not found`)), stop: () => {} };
    for (const text of answer.body.split('\n').filter(Boolean)) line(text);
    return { done: Promise.resolve(), stop: () => {} };
  }

  close(): void {
    this.#watchers.clear();
  }

  #replace<T extends KubeObject>(
    verb: 'update' | 'patch',
    gvr: Gvr,
    ref: ObjectRef,
    old: KubeObject,
    next: T,
    subresource: string | undefined,
  ): T {
    // As a server: /status changes only status (and metadata stays), the object itself leaves status alone.
    const merged: KubeObject =
      subresource === 'status'
        ? Object.assign({ ...old, metadata: { ...old.metadata } }, { status: (next as unknown as AnyRecord)['status'] })
        : { ...next, metadata: { ...next.metadata } };
    for (const field of ['uid', 'creationTimestamp', 'resourceVersion'] as const)
      if (old.metadata[field] !== undefined) merged.metadata[field] = old.metadata[field] as string;
    if (JSON.stringify(merged) === JSON.stringify(old)) return structuredClone(old) as T;
    if (JSON.stringify(specOf(merged)) !== JSON.stringify(specOf(old)))
      merged.metadata.generation = (old.metadata.generation ?? 1) + 1;
    this.#record(verb, gvr, ref, subresource);
    if (subresource === undefined) this.#admit(merged, old);
    if (merged.metadata.deletionTimestamp && !merged.metadata.finalizers?.length) this.#remove(gvr, merged);
    else this.#put(gvr, merged, old);
    return structuredClone(merged) as unknown as T;
  }

  #admit(object: KubeObject, old: KubeObject | undefined): void {
    if (!this.admit) return;
    trackFields(old, object);
    this.admit(object);
  }

  #born(object: KubeObject) {
    this.#version += 1;
    const { name, generateName } = object.metadata;
    return {
      name: name ?? `${generateName ?? ''}${String(this.#version).padStart(5, '0')}`,
      uid: `uid-${this.#version}`,
      creationTimestamp: this.#now(),
    };
  }

  #put(gvr: Gvr, object: KubeObject, old: KubeObject | undefined): void {
    this.#version += 1;
    object.metadata = { ...object.metadata, resourceVersion: String(this.#version) };
    this.#table(gvr).set(keyOf(object.metadata), object);
    for (const watcher of this.#watchersOf(gvr)) {
      const sees = selects(watcher.options, object);
      const saw = old !== undefined && selects(watcher.options, old);
      if (sees) watcher.sink.applied(shown(watcher.options, object));
      else if (saw) watcher.sink.deleted(shown(watcher.options, object));
    }
  }

  #remove(gvr: Gvr, object: KubeObject): void {
    this.#version += 1;
    this.#table(gvr).delete(keyOf(object.metadata));
    for (const watcher of this.#watchersOf(gvr))
      if (selects(watcher.options, object)) watcher.sink.deleted(shown(watcher.options, object));
  }

  #watchersOf(gvr: Gvr): Watcher[] {
    return [...this.#watchers].filter((watcher) => tableKey(watcher.gvr) === tableKey(gvr));
  }

  #table(gvr: Gvr): Map<string, KubeObject> {
    const key = tableKey(gvr);
    let table = this.#objects.get(key);
    if (!table) {
      table = new Map();
      this.#objects.set(key, table);
    }
    return table;
  }

  #need(gvr: Gvr, ref: ObjectRef): KubeObject {
    const found = this.#table(gvr).get(keyOf(ref));
    if (!found) throw notFound(gvr, ref);
    return found;
  }

  #check(verb: string, gvr: Gvr, ref: ObjectRef): void {
    const error = this.refuse?.(verb, gvr, ref);
    if (error) throw error;
  }

  #record(verb: FakeAction['verb'], gvr: Gvr, ref: ObjectRef, subresource?: string): void {
    const name = ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`;
    this.actions.push({ verb, resource: subresource ? `${gvr.resource}/${subresource}` : gvr.resource, name });
  }
}

const specOf = (object: KubeObject): unknown => (object as unknown as AnyRecord)['spec'];
const tableKey = (gvr: Gvr): string => `${gvr.group}/${gvr.resource}`;
const keyOf = (meta: { name?: string; namespace?: string }): string => `${meta.namespace ?? ''}/${meta.name ?? ''}`;

function refOf(object: KubeObject): ObjectRef {
  const { name = '', namespace } = object.metadata;
  return namespace === undefined ? { name } : { name, namespace };
}

/** A copy of what somebody sees who asked so. */
function shown<T extends KubeObject>({ metadataOnly }: ListOptions, object: T): T {
  const copy = structuredClone(object);
  if (metadataOnly) stripToMetadata(copy);
  return copy;
}

const selects = (options: ListOptions, object: KubeObject): boolean =>
  (options.namespace === undefined || options.namespace === object.metadata.namespace) &&
  matchesLabels(options.labelSelector, object.metadata.labels ?? {}) &&
  matchesFields(options.fieldSelector, object);

const describe = (gvr: Gvr, ref: ObjectRef): string =>
  `${gvr.group ? `${gvr.resource}.${gvr.group}` : gvr.resource} "${ref.name}"`;
const notFound = (gvr: Gvr, ref: ObjectRef): ApiError =>
  ApiError.of(404, 'NotFound', `${describe(gvr, ref)} not found`);
const conflict = (gvr: Gvr, ref: ObjectRef): ApiError =>
  ApiError.of(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${describe(gvr, ref)}: the object has been modified; please apply your changes to the latest version and try again`,
  );
