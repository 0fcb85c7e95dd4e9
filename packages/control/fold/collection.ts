/** A watched resource as a table of records. */
import type { KubeObject } from '#api/kube';
import type { WatchFailure, WatchSink } from '#kube/client';

/** Key of a namespaced object: `namespace/name`; of others: the name. */
export function keyOf(namespace: string | undefined, name: string | undefined): string {
  return namespace ? `${namespace}/${name ?? ''}` : (name ?? '');
}

/**
 * Folds a watch into records, which are what is kept of objects. `changed` is called for each record that came, changed or
 * went, after the table holds the new state.
 */
export class Collection<R> {
  readonly records = new Map<string, R>();
  readonly #read: (object: KubeObject, old: R | undefined) => R | undefined;
  readonly #changed: (key: string, now: R | undefined, old: R | undefined) => void;

  /** `read` gives the record of an object; the old one where what came cannot be read; nothing for an object that does not count. */
  constructor(
    read: (object: KubeObject, old: R | undefined) => R | undefined,
    changed: (key: string, now: R | undefined, old: R | undefined) => void,
  ) {
    this.#read = read;
    this.#changed = changed;
  }

  /** Receives a watch; `synced` is called with the first full set, or when the server does not have the resource at all. */
  sink(synced: () => void, failed: (failure: WatchFailure) => void, recovered: () => void): WatchSink<KubeObject> {
    return {
      reset: (objects) => {
        const gone = new Set(this.records.keys());
        for (const object of objects) {
          gone.delete(keyOf(object.metadata.namespace, object.metadata.name));
          this.apply(object);
        }
        for (const key of gone) this.#set(key, undefined);
        synced();
      },
      applied: (object) => this.apply(object),
      deleted: (object) => this.#set(keyOf(object.metadata.namespace, object.metadata.name), undefined),
      failed: (failure) => {
        if ((failure.error as { code?: unknown }).code === 404) synced();
        failed(failure);
      },
      recovered,
    };
  }

  apply(object: KubeObject): void {
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    this.#set(key, this.#read(object, this.records.get(key)));
  }

  #set(key: string, now: R | undefined): void {
    const old = this.records.get(key);
    if (now === undefined && old === undefined) return;
    if (now === undefined) this.records.delete(key);
    else this.records.set(key, now);
    this.#changed(key, now, old);
  }
}
