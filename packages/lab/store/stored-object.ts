import type { AnyObject } from '#api/kube';
import { encodeJson } from '#lab/decode';

/** One revision of one object: a frozen snapshot, and its JSON text made at most once however many clients read it. */
export class StoredObject {
  readonly object: AnyObject;
  /** The revision that wrote it; equals `object.metadata.resourceVersion`. */
  readonly revision: number;
  #json: string | undefined;

  constructor(object: AnyObject, revision: number, json?: string) {
    this.object = deepFreeze(object);
    this.revision = revision;
    this.#json = json;
  }

  get json(): string {
    this.#json ??= encodeJson(this.object);
    return this.#json;
  }
}

/** Freezes a JSON value and all below it; stops at parts that are frozen already. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
  return value;
}
