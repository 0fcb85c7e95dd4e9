import type { AnyObject, CustomResourceDefinition } from '#api/kube';
import type { Cel } from '#lab/cel';
import { type ClusterClient, hasReason } from '#lab/contract';
import {
  compileVersion,
  convertObject,
  defaultDefinition,
  isEstablished,
  reconcileStatus,
  validateDefinition,
} from '#lab/crd';
import type { Store } from '#lab/store';
import { fieldLabels } from './field-labels.ts';
import { sameJson, timestamp } from './object-meta.ts';
import type { ResourceRegistry } from './registry.ts';
import type { Resource, Strategy } from './resource.ts';

/** Where CustomResourceDefinitions are kept. */
export const DEFINITIONS = 'apiextensions.k8s.io/customresourcedefinitions';
const GVR = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' } as const;
const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';
const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const;

export interface CustomResourcesDeps {
  readonly store: Store;
  readonly registry: ResourceRegistry;
  readonly cel: Cel;
  readonly log: (line: string) => void;
}

/**
 * Serves what CRDs define: a definition is judged and, if its names are free, established in the very write that brings it, so
 * that its resources answer at once. Deleting one removes its objects first.
 */
export class CustomResources {
  readonly #deps: CustomResourcesDeps;
  #client: ClusterClient | undefined;
  #closed = false;

  constructor(deps: CustomResourcesDeps) {
    this.#deps = deps;
  }

  /** How CRDs are written; for the table of strategies. */
  get strategy(): Strategy {
    return {
      unconditionalUpdate: false,
      returnsDeleted: true,
      prepareCreate: (object, { nowMs }) => {
        object.metadata.finalizers = [...new Set([...(object.metadata.finalizers ?? []), CLEANUP])];
        delete object['status'];
        this.#settle(object, nowMs);
      },
      prepareUpdate: (object, _old, { nowMs }) => this.#settle(object, nowMs),
      validate: (object, old) => validateDefinition(asDefinition(object), this.#deps.cel, old && asDefinition(old)),
      written: (object) => this.#written(object),
      released: (object) => {
        this.#deps.registry.set(object.metadata.name ?? '', []);
        this.#reconcileOthers(object);
      },
    };
  }

  /** Serves the stored definitions; `client` is used for what happens behind a write. */
  start(client: ClusterClient): void {
    this.#client = client;
    for (const { object } of this.#deps.store.list(DEFINITIONS)) this.#written(object);
  }

  close(): void {
    this.#closed = true;
  }

  /** Fills defaults and the status, as far as the definition makes sense; validation reports where it does not. */
  #settle(object: AnyObject, nowMs: number): void {
    const defaulted = defaultDefinition(asDefinition(object));
    object['spec'] = defaulted.spec;
    if (validateDefinition(defaulted, this.#deps.cel).length > 0) return;
    object['status'] = reconcileStatus(asDefinition(object), this.#others(object), timestamp(nowMs));
  }

  #others(object: AnyObject): CustomResourceDefinition[] {
    const { name } = object.metadata;
    const stored = this.#deps.store.list(DEFINITIONS).map((one) => one.object);
    return stored.filter(({ metadata }) => metadata.name !== name).map(asDefinition);
  }

  #written(object: AnyObject): void {
    const definition = asDefinition(object);
    const name = object.metadata.name ?? '';
    this.#deps.registry.set(name, isEstablished(definition) ? this.#resourcesOf(definition) : []);
    if (object.metadata.deletionTimestamp && object.metadata.finalizers?.includes(CLEANUP))
      this.#cleanUp(definition).catch((error: Error) => this.#deps.log(`removal of ${name}: ${error.message}`));
  }

  #resourcesOf(crd: CustomResourceDefinition): Resource[] {
    const { group, scope, versions } = crd.spec;
    const names = crd.status?.acceptedNames ?? crd.spec.names;
    const storage = `${group}/${names.plural}`;
    const storedVersion = versions.find((version) => version.storage)?.name ?? '';
    const definedAt = Number(crd.metadata.resourceVersion ?? 0);
    return versions
      .filter(({ served }) => served)
      .map(({ name: version, schema, deprecated, deprecationWarning }) => {
        const compiled = compileVersion(crd, version, this.#deps.cel);
        const { subresources, scale } = compiled;
        const openApiSchema = schema?.openAPIV3Schema as Record<string, unknown> | undefined;
        return {
          gvr: { group, version, resource: names.plural },
          kind: names.kind,
          listKind: names.listKind ?? `${names.kind}List`,
          singular: names.singular ?? names.kind.toLowerCase(),
          namespaced: scope === 'Namespaced',
          shortNames: names.shortNames ?? [],
          categories: names.categories ?? [],
          verbs: ALL_VERBS,
          subresources: new Set([...(subresources.status ? ['status'] : []), ...(subresources.scale ? ['scale'] : [])]),
          custom: true,
          storage,
          generation: true,
          shape: compiled,
          strategy: {},
          conversion: {
            fromStored: servedForm(`${group}/${version}`, definedAt, compiled.applyDefaults),
            toStored: (object: AnyObject) => convertObject(object, `${group}/${storedVersion}`),
          },
          fields: new Map([...fieldLabels(storage), ...compiled.selectableFields]),
          ...(deprecated && { deprecation: deprecationWarning ?? `${group}/${version} ${names.kind} is deprecated` }),
          ...(scale && { scale }),
          ...(openApiSchema && { openApiSchema }),
        };
      });
  }

  /** Deletes the objects of a definition that is going, waits until the last one is gone, then lets it go. */
  async #cleanUp(crd: CustomResourceDefinition): Promise<void> {
    const client = this.#client;
    const version = crd.spec.versions.find(({ served }) => served)?.name ?? '';
    const { group, names } = crd.spec;
    const storage = `${group}/${names.plural}`;
    const { store } = this.#deps;
    if (!client) return;
    const gvr = { group, version, resource: names.plural };
    for (const { object } of isEstablished(crd) ? store.list(storage) : []) {
      const { name = '', namespace } = object.metadata;
      try {
        await client.delete(gvr, { name, ...(namespace && { namespace }) });
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error;
      }
    }
    await this.#emptied(storage);
    if (this.#closed) return;
    const { name = '' } = crd.metadata;
    const finalizers = (crd.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CLEANUP);
    try {
      await client.patch(GVR, { name }, { type: 'merge', body: { metadata: { finalizers } } });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }

  #emptied(storage: string): Promise<void> {
    const { store } = this.#deps;
    if (store.list(storage).length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = store.watch(storage, store.revision, () => {
        if (store.list(storage).length > 0) return;
        stop();
        resolve();
      });
    });
  }

  /** A definition that went may have held names that others of its group wait for. */
  #reconcileOthers(gone: AnyObject): void {
    const { group } = asDefinition(gone).spec;
    for (const other of this.#others(gone)) {
      if (other.spec.group !== group || isEstablished(other)) continue;
      const { name = '' } = other.metadata;
      // Every write settles the status anew, also one that asks for nothing.
      this.#client
        ?.patch(GVR, { name }, { type: 'merge', body: { metadata: {} } })
        .catch((error: Error) => this.#deps.log(`names of ${name}: ${error.message}`));
    }
  }
}

const asDefinition = (object: AnyObject): CustomResourceDefinition => object as unknown as CustomResourceDefinition;

/**
 * The stored object as a version serves it: under its apiVersion and, if it is older than the definition, with the defaults
 * that came since. An object that needs neither is the stored one itself.
 */
function servedForm(
  apiVersion: string,
  definedAt: number,
  applyDefaults: (object: AnyObject) => AnyObject,
): (object: AnyObject) => AnyObject {
  const made = new WeakMap<AnyObject, AnyObject>();
  return (stored) => {
    const older = Number(stored.metadata.resourceVersion ?? 0) < definedAt;
    if (!older && stored.apiVersion === apiVersion) return stored;
    const known = made.get(stored);
    if (known) return known;
    const converted = convertObject(stored, apiVersion);
    const defaulted = older ? applyDefaults(converted) : converted;
    const served = sameJson(defaulted, stored) ? stored : defaulted;
    made.set(stored, served);
    return served;
  };
}
