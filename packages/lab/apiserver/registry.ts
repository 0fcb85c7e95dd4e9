import type { Gvr } from '#api/kube';
import { apiVersionOf } from '#lab/kinds';
import type { Resource } from './resource.ts';

/** The served resources: built-in ones from the start, custom ones while their CRD is established. */
export class ResourceRegistry {
  readonly #byPath = new Map<string, Resource>();
  readonly #listeners = new Set<() => void>();
  #generation = 0;

  /** Grows with every change; part of the ETag of discovery documents. */
  get generation(): number {
    return this.#generation;
  }

  find({ group, version, resource }: Gvr): Resource | undefined {
    return this.#byPath.get(`${group}/${version}/${resource}`);
  }

  /** By kind, e.g. for owner references and `apiVersion`+`kind` bodies. */
  findKind(apiVersion: string, kind: string): Resource | undefined {
    for (const resource of this.#byPath.values())
      if (resource.kind === kind && apiVersionOf(resource.gvr) === apiVersion) return resource;
    return undefined;
  }

  all(): Resource[] {
    return [...this.#byPath.values()];
  }

  /** Resources of one group and version, in the order of registration. */
  inVersion(group: string, version: string): Resource[] {
    return this.all().filter(({ gvr }) => gvr.group === group && gvr.version === version);
  }

  /** All versions under which one stored resource is served. */
  storedAs(storage: string): Resource[] {
    return this.all().filter((resource) => resource.storage === storage);
  }

  /** Replaces the resources that `owner` (a CRD's name, or `builtin`) had before; none removes them. */
  set(owner: string, resources: readonly Resource[]): void {
    for (const path of this.#owned.get(owner) ?? []) this.#byPath.delete(path);
    const paths = resources.map(({ gvr }) => `${gvr.group}/${gvr.version}/${gvr.resource}`);
    resources.forEach((resource, at) => {
      this.#byPath.set(paths[at]!, resource);
    });
    if (paths.length > 0) this.#owned.set(owner, paths);
    else this.#owned.delete(owner);
    this.#generation++;
    for (const listener of this.#listeners) listener();
  }

  /** Counts a change of what others serve, which discovery shows beside these resources. */
  touch(): void {
    this.#generation++;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  readonly #owned = new Map<string, readonly string[]>();
}
