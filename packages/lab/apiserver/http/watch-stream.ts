import type { AnyObject, Status } from '#api/kube';
import { ApiError } from '#lab/contract';
import { encodeJson } from '#lab/decode';
import { apiVersionOf } from '#lab/kinds';
import { CompactedError } from '#lab/store';
import { asServed } from '../core.ts';
import { badRequest, cause, expired, invalid } from '../errors.ts';
import { BOOKMARK_INTERVAL_MS, WATCH_BUFFER_BYTES_MAX, WATCH_TIMEOUT_MAX_MS, WATCH_TIMEOUT_MIN_MS } from '../limits.ts';
import { reached } from '../list.ts';
import type { Resource } from '../resource.ts';
import { type Selection, selectionOf } from '../selection.ts';
import { follow } from '../watch.ts';
import type { Call } from './call.ts';
import { headerOf, sendHead } from './exchange.ts';
import { type Format, negotiate } from './negotiation.ts';
import { includeObjectOf, partialOf, tableOf } from './projections.ts';
import { isTrue } from './request-info.ts';

/** The watch verb: one JSON line per event until the client goes, the time is up, or the client stops reading. */
export async function watchResource(call: Call, resource: Resource): Promise<void> {
  const { core, info, reply, request } = call;
  const format = negotiate(headerOf(request, 'accept'));
  const options = watchOptions(call);
  const selection = selectionOf(resource, {
    namespace: info.namespace,
    labelSelector: info.query.get('labelSelector') ?? undefined,
    fieldSelector: info.query.get('fieldSelector') ?? undefined,
    name: info.name || undefined,
  });
  if (options.revision > 0) await reached(core, options.revision);
  const stream = new WatchStream(call, resource, format);
  sendHead(reply, 200, {
    'content-type': 'application/json',
    'cache-control': 'no-cache, private',
    ...(call.warnings.headers.length > 0 && { warning: call.warnings.headers }),
  });
  stream.start(selection, options);
}

interface WatchOptions {
  /** 0: from the present state, which is sent first. */
  readonly revision: number;
  /** Present state first, then a marked bookmark (a streaming list). */
  readonly initialEvents: boolean;
  /** Whether the end of the present state is marked. */
  readonly marksInitialEnd: boolean;
  readonly bookmarks: boolean;
  readonly timeoutMs: number;
}

function watchOptions({ core, info }: Call): WatchOptions {
  const { query } = info;
  const version = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  if (version && !/^\d+$/.test(version))
    throw badRequest(`Invalid value: "${version}": resource version must be a number`);
  const sends = query.get('sendInitialEvents');
  const refuse = (field: string, detail: string) =>
    invalid('meta.k8s.io', 'ListOptions', '', [cause.forbidden(field, detail)]);
  if (sends === null && match)
    throw refuse(
      'resourceVersionMatch',
      'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    );
  if (sends !== null && match !== 'NotOlderThan')
    throw refuse('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  const asked = Number(query.get('timeoutSeconds') ?? 0) * 1000;
  const spread = WATCH_TIMEOUT_MAX_MS - WATCH_TIMEOUT_MIN_MS;
  const streaming = sends !== null && isTrue(sends);
  const revision = Number(version || 0);
  return {
    revision,
    initialEvents: streaming || (sends === null && revision === 0),
    marksInitialEnd: streaming,
    bookmarks: isTrue(query.get('allowWatchBookmarks')),
    timeoutMs: asked > 0 ? asked : WATCH_TIMEOUT_MIN_MS + core.random() * spread,
  };
}

const INITIAL_END = { 'k8s.io/initial-events-end': 'true' } as const;

/** Writes events of one watch in the client's format and ends it when it must end. */
class WatchStream {
  readonly #call: Call;
  readonly #resource: Resource;
  readonly #format: Format;
  readonly #timers: NodeJS.Timeout[] = [];
  #stop: () => void = () => undefined;
  #stopRegistry: () => void = () => undefined;
  #ended = false;

  constructor(call: Call, resource: Resource, format: Format) {
    this.#call = call;
    this.#resource = resource;
    this.#format = format;
  }

  start(selection: Selection, options: WatchOptions): void {
    const { core, reply } = this.#call;
    reply.on('close', () => this.#end());
    // The CRD behind the resource went, or stopped serving this version.
    this.#stopRegistry = core.registry.onChange(() => {
      if (!core.registry.find(this.#resource.gvr)) this.#end();
    });
    const present = core.store.revision;
    const { revision, initialEvents } = options;
    if (initialEvents) this.#sendPresent(selection);
    if (options.marksInitialEnd) this.#bookmark(present, INITIAL_END);
    try {
      this.#stop = follow(
        core,
        this.#resource,
        selection,
        initialEvents || revision === 0 ? present : revision,
        (seen) => this.#write(seen.type, seen.object, seen.stored?.json),
      );
    } catch (error) {
      this.#fail(error);
      return;
    }
    const finish = (): void => {
      // Lets the client go on from here although nothing it watches changed.
      if (options.bookmarks) this.#bookmark(core.store.revision);
      this.#end();
    };
    this.#timers.push(setTimeout(finish, options.timeoutMs));
    if (!options.bookmarks) return;
    this.#timers.push(setInterval(() => this.#bookmark(core.store.revision), BOOKMARK_INTERVAL_MS));
  }

  #sendPresent(selection: Selection): void {
    for (const stored of this.#call.core.store.list(this.#resource.storage, selection.namespace)) {
      const object = asServed(this.#resource, stored.object);
      if (selection.matches(object)) this.#write('ADDED', object, object === stored.object ? stored.json : undefined);
    }
  }

  #write(type: string, object: AnyObject, json: string | undefined): void {
    if (this.#ended) return;
    const { reply } = this.#call;
    reply.write(`{"type":"${type}","object":${this.#project(object, json)}}\n`);
    // A client that does not read is cut off rather than waited for; it starts over from its last revision.
    if (reply.writableLength > WATCH_BUFFER_BYTES_MAX) reply.destroy();
  }

  #project(object: AnyObject, json: string | undefined): string {
    const { as, metaVersion } = this.#format;
    if (as === 'object') return json ?? encodeJson(object);
    if (as === 'partial') return encodeJson(partialOf(object, metaVersion));
    const metadata = { resourceVersion: object.metadata.resourceVersion ?? '' };
    const include = includeObjectOf(this.#call.info.query);
    const nowMs = this.#call.core.nowMs();
    return encodeJson(tableOf(this.#resource, [object], metadata, { include, metaVersion, nowMs }));
  }

  #bookmark(revision: number, annotations?: Readonly<Record<string, string>>): void {
    const metadata = {
      resourceVersion: String(revision),
      creationTimestamp: null,
      ...(annotations && { annotations }),
    };
    const { as, metaVersion } = this.#format;
    const typeMeta =
      as === 'object'
        ? { kind: this.#resource.kind, apiVersion: apiVersionOf(this.#resource.gvr) }
        : { kind: as === 'table' ? 'Table' : 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${metaVersion}` };
    const rest = as === 'table' ? { columnDefinitions: [], rows: [] } : {};
    if (!this.#ended)
      this.#call.reply.write(`${JSON.stringify({ type: 'BOOKMARK', object: { ...typeMeta, metadata, ...rest } })}\n`);
  }

  #fail(error: unknown): void {
    if (!(error instanceof CompactedError) && !(error instanceof ApiError)) throw error;
    const status: Status = error instanceof ApiError ? error.status : expired(error.message).status;
    this.#call.reply.write(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#stop();
    this.#stopRegistry();
    this.#call.reply.end();
  }
}
