/** A watched resource as a table of records that are found by name, by namespace and by whatever else they are looked for. */
import type { Gvr, KubeObject } from '#api/kube';
import { Collection, keyOf, type Watched } from '../../fold/index.ts';
import { Refusal } from '../admission/refusal.ts';

/** What every record has. */
export interface Named {
  namespace: string;
  name: string;
  createdAt: string;
  /** Of the object; the same version has the same content. */
  resourceVersion: string | undefined;
}

/** What every record has, from an object. */
export function nameOf({ metadata }: KubeObject): Named {
  const { namespace = '', name = '', creationTimestamp = '', resourceVersion } = metadata;
  return { namespace, name, createdAt: creationTimestamp, resourceVersion };
}

/** Older ones first, then by name. */
export function byAge(a: Named, b: Named): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** Called for an object that does not say what it must: what was last read of it stays. */
export type Skipped = (resource: string, key: string, problem: string) => void;

/** Where a table's records come from. */
export interface Source<R> {
  gvr: Gvr;
  labelSelector?: string;
  /** Throws Refusal. */
  read(object: KubeObject): R;
  /** The record of an object that `read` refuses; without it, what was last read stays. */
  unreadable?(object: KubeObject, old: R | undefined, problem: string): R;
}

/** Records by keys; one may have several, and several one. */
export class Index<R> {
  readonly #sets = new Map<string, Set<R>>();
  readonly #keysOf: (record: R) => Iterable<string>;

  constructor(keysOf: (record: R) => Iterable<string>) {
    this.#keysOf = keysOf;
  }

  /** In the order in which they came. */
  get(key: string): ReadonlySet<R> {
    return this.#sets.get(key) ?? NONE;
  }

  /** Keys that any record has, with how many have it. */
  *sizes(): Iterable<[key: string, size: number]> {
    for (const [key, set] of this.#sets) yield [key, set.size];
  }

  update(now: R | undefined, old: R | undefined): void {
    for (const key of old ? this.#keysOf(old) : []) {
      const set = this.#sets.get(key);
      set?.delete(old as R);
      if (set?.size === 0) this.#sets.delete(key);
    }
    for (const key of now ? this.#keysOf(now) : []) {
      const set = this.#sets.get(key);
      if (set) set.add(now as R);
      else this.#sets.set(key, new Set([now as R]));
    }
  }
}
const NONE: ReadonlySet<never> = new Set();

export class Table<R extends Named> {
  readonly #collection: Collection<R>;
  readonly #indexes: Index<R>[] = [];
  readonly #byNamespace: Index<R>;
  /** What has to be watched for it. */
  readonly watched: Watched;

  /** `changed` is called for each record that came, changed or went, when the table and its indexes hold the new state. */
  constructor(
    { gvr, labelSelector, read, unreadable }: Source<R>,
    skipped: Skipped,
    changed: (now: R | undefined, old: R | undefined) => void,
  ) {
    const readOrKeep = (object: KubeObject, old: R | undefined): R | undefined => {
      const { namespace, name, resourceVersion } = object.metadata;
      if (old && resourceVersion !== undefined && old.resourceVersion === resourceVersion) return old;
      try {
        return read(object);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        skipped(gvr.resource, keyOf(namespace, name), error.message);
        return unreadable ? unreadable(object, old, error.message) : old;
      }
    };
    this.#collection = new Collection<R>(readOrKeep, (_, now, old) => {
      if (now === old) return;
      for (const index of this.#indexes) index.update(now, old);
      changed(now, old);
    });
    this.#byNamespace = this.index((record) => [record.namespace]);
    this.watched = { gvr, collection: this.#collection, ...(labelSelector && { labelSelector }) };
  }

  /** By `namespace/name`. */
  get(key: string): R | undefined {
    return this.#collection.records.get(key);
  }

  of(namespace: string): ReadonlySet<R> {
    return this.#byNamespace.get(namespace);
  }

  all(): Iterable<R> {
    return this.#collection.records.values();
  }

  /** Namespaces that have any, with how many. */
  sizes(): Iterable<[namespace: string, size: number]> {
    return this.#byNamespace.sizes();
  }

  /** A further way to find records; to be made before the first record comes. */
  index(keysOf: (record: R) => Iterable<string>): Index<R> {
    const index = new Index(keysOf);
    this.#indexes.push(index);
    return index;
  }
}
