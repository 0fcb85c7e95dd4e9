import type { Gvr, KubeList, KubeObject, Status, WatchEvent } from '#api/kube';
import { type Reflector, startReflector, type WatchSource } from '../watch/reflector.ts';
import { AnswerFault, ApiError, isNotFound } from './errors.ts';
import type { AnswerGuard, CollectionGuard } from './guard.ts';
import { Http } from './http.ts';
import { LIMITS } from './limits.ts';
import { readLineStream } from './line-stream.ts';
import { stripToMetadata } from './metadata.ts';
import type { RequestRate } from './pace.ts';
import { query, resourcePath } from './paths.ts';
import { FIELD_MANAGER, type ServerAccess } from './session.ts';
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
 * without, none does. `guard`: for a server that is not trusted, looks at every list and watch.
 */
export function createKubeClient(access: ServerAccess, rate?: RequestRate, guard?: AnswerGuard): KubeClient {
  return new HttpKubeClient(access, rate, guard);
}

class HttpKubeClient implements KubeClient {
  readonly #http: Http;
  readonly #guard: AnswerGuard | undefined;
  readonly #reflectors = new Set<Reflector>();

  constructor(access: ServerAccess, rate: RequestRate | undefined, guard: AnswerGuard | undefined) {
    this.#http = new Http(access, rate, guard?.answerBytesMax);
    this.#guard = guard;
  }

  get<T extends KubeObject>(gvr: Gvr, name: string, namespace?: string): Promise<T> {
    return this.#value<T>(resourcePath(gvr, { name, namespace }));
  }

  async list<T extends KubeObject>(
    gvr: Gvr,
    options: ListOptions = {},
  ): Promise<{ items: T[]; resourceVersion: string }> {
    const guard = this.#guard?.follow(gvr);
    try {
      return await this.#list<T>(gvr, options, guard);
    } finally {
      guard?.stop();
    }
  }

  async #list<T extends KubeObject>(
    gvr: Gvr,
    options: ListOptions,
    guard: CollectionGuard | undefined,
  ): Promise<{ items: T[]; resourceVersion: string }> {
    guard?.listing();
    const items: T[] = [];
    const request = options.metadataOnly ? { accept: METADATA_LIST } : {};
    let limit: number = LIMITS.pageSize;
    let next: string | undefined;
    for (;;) {
      let answer: Answer<KubeList<T>>;
      try {
        answer = await this.#json<KubeList<T>>(collectionPath(gvr, options, { limit, continue: next }), request);
      } catch (error) {
        if (!(error instanceof AnswerFault && error.reason === 'AnswerTooLarge')) throw error;
        if (limit === 1) throw new AnswerFault('ObjectTooLarge', `${error.message}, asked for a single object`);
        // Large objects: fewer at a time, down to one.
        limit = Math.max(1, Math.floor(limit / 4));
        continue;
      }
      const page = answer.value;
      guard?.page(page, answer.bytes);
      for (const item of page.items ?? []) items.push(named(item, page, options));
      if (!page.metadata.continue) return { items, resourceVersion: page.metadata.resourceVersion ?? '' };
      next = page.metadata.continue;
    }
  }

  watch<T extends KubeObject>(gvr: Gvr, options: WatchOptions, sink: WatchSink<T>): () => void {
    let served = gvr;
    let guard = this.#guard?.follow(gvr);
    const source: WatchSource<T> = {
      list: async () => {
        const found = await this.#listServed<T>(gvr, options, (version) => {
          if (served.version === version.version) return guard;
          guard?.stop();
          served = version;
          guard = this.#guard?.follow(version);
          return guard;
        });
        return found;
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
        const pass = options.metadataOnly ? strip : receive;
        const line = (text: string): void => {
          const event = parseEvent<T>(text, path);
          if (guard?.event(event, text.length) !== false) pass(event);
        };
        return readLineStream(this.#http, path, request, line, opened, this.#guard?.objectBytesMax);
      },
    };
    const reflector = startReflector(source, sink);
    this.#reflectors.add(reflector);
    return () => {
      reflector.stop();
      guard?.stop();
      this.#reflectors.delete(reflector);
    };
  }

  /** Lists the first of the versions that is served; without any, rejects as for the last of them. */
  async #listServed<T extends KubeObject>(
    gvr: Gvr,
    { olderVersions = [], ...options }: WatchOptions,
    guardOf: (version: Gvr) => CollectionGuard | undefined,
  ) {
    let served = gvr;
    for (const version of olderVersions) {
      try {
        return await this.#list<T>(served, options, guardOf(served));
      } catch (error) {
        if (!isNotFound(error)) throw error;
        served = { ...gvr, version };
      }
    }
    return this.#list<T>(served, options, guardOf(served));
  }

  create<T extends KubeObject>(gvr: Gvr, object: T, options: WriteOptions = {}): Promise<T> {
    const path = resourcePath(gvr, { namespace: object.metadata?.namespace }) + query(writeQuery(options));
    return this.#value<T>(path, { method: 'POST', body: JSON.stringify(object) });
  }

  update<T extends KubeObject>(gvr: Gvr, object: T, subresource?: 'status' | 'finalize'): Promise<T> {
    const { name = '', namespace } = object.metadata;
    const path = resourcePath(gvr, { name, namespace, ...(subresource && { subresource }) });
    return this.#value<T>(path, { method: 'PUT', body: JSON.stringify(object) });
  }

  patch<T extends KubeObject>(gvr: Gvr, ref: ObjectRef, patch: Patch): Promise<T> {
    const at = { ...ref, ...(patch.subresource && { subresource: patch.subresource }) };
    const manager = patch.fieldManager ?? (patch.type === 'apply' ? FIELD_MANAGER : undefined);
    const path = resourcePath(gvr, at) + query({ ...writeQuery(patch), fieldManager: manager, force: patch.force });
    return this.#value<T>(path, {
      method: 'PATCH',
      contentType: PATCH_TYPES[patch.type],
      body: JSON.stringify(patch.body),
    });
  }

  async delete(gvr: Gvr, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', ...options });
    await this.#value<Status>(resourcePath(gvr, ref), { method: 'DELETE', body });
  }

  version(): Promise<VersionInfo> {
    return this.#value<VersionInfo>('/version');
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

  async #value<T>(path: string, request: RawRequest = {}): Promise<T> {
    return (await this.#json<T>(path, request)).value;
  }

  async #json<T>(path: string, request: RawRequest): Promise<Answer<T>> {
    const response = await this.#http.request(path, request);
    if (response.status < 200 || response.status > 299) throw ApiError.fromResponse(response.status, response.body);
    return { value: parseJson<T>(response.body, path), bytes: response.body.length };
  }
}

/** A parsed answer, and how long it was: characters, which are bytes but for what is not ASCII. */
interface Answer<T> {
  value: T;
  bytes: number;
}

function parseEvent<T extends KubeObject>(text: string, path: string): WatchEvent<T> {
  const event = parseJson<WatchEvent<T> | null>(text, path);
  if (typeof event?.object?.metadata !== 'object' && event?.type !== 'ERROR')
    throw new AnswerFault('InvalidAnswer', `${path}: expected events of a watch, got ${text.slice(0, 200)}`);
  return event as WatchEvent<T>;
}

function parseJson<T>(text: string, path: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    const fault = new AnswerFault('InvalidAnswer', `${path}: the answer is not JSON: ${text.slice(0, 200)}`);
    fault.cause = error;
    throw fault;
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
