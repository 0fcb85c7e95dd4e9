import type { Gvr, KubeList, KubeObject, Status, WatchEvent } from '#api/kube';
import { type Reflector, startReflector, type WatchSource } from '../watch/reflector.ts';
import { ApiError, isNotFound } from './errors.ts';
import { Http } from './http.ts';
import { LIMITS } from './limits.ts';
import { readLineStream } from './line-stream.ts';
import type { RequestRate } from './pace.ts';
import { query, resourcePath } from './paths.ts';
import type { ServerAccess } from './session.ts';
import type {
  DeleteOptions,
  KubeClient,
  LineStream,
  ListOptions,
  ObjectRef,
  Patch,
  PatchType,
  RawRequest,
  RawResponse,
  VersionInfo,
  WatchOptions,
  WatchSink,
  WriteOptions,
} from './types.ts';

const PATCH_TYPES: Record<PatchType, string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  // JSON is YAML, and older servers know only this spelling.
  apply: 'application/apply-patch+yaml',
};
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
const METADATA_ONE = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

/**
 * A client for the API server that `access` names. Connects on first use; `close()` ends everything. `rate`: requests beyond it wait;
 * without, none does.
 */
export function createKubeClient(access: ServerAccess, rate?: RequestRate): KubeClient {
  return new HttpKubeClient(access, rate);
}

class HttpKubeClient implements KubeClient {
  readonly #http: Http;
  readonly #reflectors = new Set<Reflector>();

  constructor(access: ServerAccess, rate: RequestRate | undefined) {
    this.#http = new Http(access, rate);
  }

  get<T extends KubeObject>(gvr: Gvr, name: string, namespace?: string): Promise<T> {
    return this.#json<T>(resourcePath(gvr, { name, namespace }));
  }

  async list<T extends KubeObject>(
    gvr: Gvr,
    options: ListOptions = {},
  ): Promise<{ items: T[]; resourceVersion: string }> {
    const items: T[] = [];
    let page: KubeList<T> | undefined;
    do {
      const path = collectionPath(gvr, options, { limit: LIMITS.pageSize, continue: page?.metadata.continue });
      page = await this.#json<KubeList<T>>(path, options.metadataOnly ? { accept: METADATA_LIST } : {});
      for (const item of page.items ?? []) items.push(named(item, page, options));
    } while (page.metadata.continue);
    return { items, resourceVersion: page.metadata.resourceVersion ?? '' };
  }

  watch<T extends KubeObject>(gvr: Gvr, options: WatchOptions, sink: WatchSink<T>): () => void {
    let served = gvr;
    const source: WatchSource<T> = {
      list: async () => {
        const found = await this.#listServed<T>(gvr, options);
        served = found.served;
        return found.list;
      },
      watch: (resourceVersion, seconds, receive, opened) => {
        const path = collectionPath(served, options, {
          watch: true,
          allowWatchBookmarks: true,
          resourceVersion,
          timeoutSeconds: seconds,
        });
        const request = options.metadataOnly ? { accept: METADATA_ONE } : {};
        const strip = (event: WatchEvent<T>): void => {
          if (event.type !== 'ERROR') stripToMetadata(event.object);
          receive(event);
        };
        const event = options.metadataOnly ? strip : receive;
        return readLineStream(this.#http, path, request, (line) => event(JSON.parse(line) as WatchEvent<T>), opened);
      },
    };
    const reflector = startReflector(source, sink);
    this.#reflectors.add(reflector);
    return () => {
      reflector.stop();
      this.#reflectors.delete(reflector);
    };
  }

  /** Lists the first of the versions that is served; without any, rejects as for the last of them. */
  async #listServed<T extends KubeObject>(gvr: Gvr, { olderVersions = [], ...options }: WatchOptions) {
    let served = gvr;
    for (const version of olderVersions) {
      try {
        return { served, list: await this.list<T>(served, options) };
      } catch (error) {
        if (!isNotFound(error)) throw error;
        served = { ...gvr, version };
      }
    }
    return { served, list: await this.list<T>(served, options) };
  }

  create<T extends KubeObject>(gvr: Gvr, object: T, options: WriteOptions = {}): Promise<T> {
    const path = resourcePath(gvr, { namespace: object.metadata?.namespace }) + query(writeQuery(options));
    return this.#json<T>(path, { method: 'POST', body: JSON.stringify(object) });
  }

  update<T extends KubeObject>(gvr: Gvr, object: T, subresource?: 'status' | 'finalize'): Promise<T> {
    const { name = '', namespace } = object.metadata;
    const path = resourcePath(gvr, { name, namespace, ...(subresource && { subresource }) });
    return this.#json<T>(path, { method: 'PUT', body: JSON.stringify(object) });
  }

  patch<T extends KubeObject>(gvr: Gvr, ref: ObjectRef, patch: Patch): Promise<T> {
    const at = { ...ref, ...(patch.subresource && { subresource: patch.subresource }) };
    const manager = patch.fieldManager ?? (patch.type === 'apply' ? 'weft' : undefined);
    const path = resourcePath(gvr, at) + query({ ...writeQuery(patch), fieldManager: manager, force: patch.force });
    return this.#json<T>(path, {
      method: 'PATCH',
      contentType: PATCH_TYPES[patch.type],
      body: JSON.stringify(patch.body),
    });
  }

  async delete(gvr: Gvr, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', ...options });
    await this.#json<Status>(resourcePath(gvr, ref), { method: 'DELETE', body });
  }

  version(): Promise<VersionInfo> {
    return this.#json<VersionInfo>('/version');
  }

  raw(path: string, request: RawRequest = {}): Promise<RawResponse> {
    return this.#http.request(path, request);
  }

  lines(path: string, line: (text: string) => void): LineStream {
    return readLineStream(this.#http, path, { accept: '*/*' }, line);
  }

  close(): void {
    for (const reflector of this.#reflectors) reflector.stop();
    this.#reflectors.clear();
    this.#http.close();
  }

  async #json<T>(path: string, request: RawRequest = {}): Promise<T> {
    const response = await this.#http.request(path, request);
    if (response.status < 200 || response.status > 299) throw ApiError.fromResponse(response.status, response.body);
    try {
      return JSON.parse(response.body) as T;
    } catch (error) {
      throw new Error(`${path}: the answer is not JSON: ${response.body.slice(0, 200)}`, { cause: error });
    }
  }
}

const writeQuery = (options: WriteOptions) => ({
  dryRun: options.dryRun ? 'All' : undefined,
  fieldManager: options.fieldManager,
});

function collectionPath(
  gvr: Gvr,
  options: ListOptions,
  more: Record<string, string | number | boolean | undefined>,
): string {
  const { namespace, labelSelector, fieldSelector } = options;
  return resourcePath(gvr, { namespace }) + query({ labelSelector, fieldSelector, ...more });
}

/** Lists leave out what each item is; watches do not. Callers should see no difference. */
function named<T extends KubeObject>(item: T, list: KubeList<T>, options: ListOptions): T {
  if (options.metadataOnly) stripToMetadata(item);
  if (list.apiVersion !== undefined && !options.metadataOnly) item.apiVersion ??= list.apiVersion;
  if (list.kind !== undefined && !options.metadataOnly) item.kind ??= list.kind.replace(/List$/, '');
  return item;
}

/** A server that ignores `as=PartialObjectMetadata` sends all; memory must not pay for it. */
function stripToMetadata(object: KubeObject): void {
  for (const field of Object.keys(object))
    if (field !== 'metadata' && field !== 'apiVersion' && field !== 'kind')
      delete (object as unknown as Record<string, unknown>)[field];
  delete object.metadata.managedFields;
}
