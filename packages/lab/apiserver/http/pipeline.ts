import { type Authorizer, refusal, type TokenAuthority, type TokenReviewer, type UserInfo } from '#lab/auth';
import { ApiError } from '#lab/contract';
import type { Core } from '../core.ts';
import { forbidden, methodNotAllowed, unknownResource } from '../errors.ts';
import type { Resource } from '../resource.ts';
import { pinnedName } from '../selection.ts';
import { admitConnect } from './admit-subresource.ts';
import type { Authentication } from './authentication.ts';
import { agentName, type Call, writeRequestOf } from './call.ts';
import type { Documents } from './documents.ts';
import { headerOf, type ServerReply, type ServerRequest, send, sendStatus, Warnings } from './exchange.ts';
import type { Metrics } from './metrics.ts';
import { type RequestInfo, readRequestInfo } from './request-info.ts';
import { answerReview, isReview } from './reviews.ts';
import { answerBinding, SUBRESOURCES } from './subresources.ts';
import { assertServes, VERBS } from './verbs.ts';

/** Something that answers requests of its own before resources are looked up; true when it has taken the request. */
export interface Detour {
  take(call: Call): Promise<boolean>;
}

/** An upgrade request behind authorization. */
export type UpgradeCall = Pick<Call, 'core' | 'info' | 'user'>;

/** A stage that answers a subresource which streams: log, exec, attach, portforward, proxy. */
export type StreamHandler = (call: Call, resource: Resource) => Promise<void>;

export interface PipelineDeps {
  readonly core: Core;
  readonly authentication: Authentication;
  readonly authorizer: Authorizer;
  readonly reviewer: TokenReviewer;
  readonly tokens: TokenAuthority;
  readonly documents: Documents;
  /** Aggregated API servers. */
  readonly detours: readonly Detour[];
  readonly streams: Readonly<Record<string, StreamHandler>>;
  readonly metrics: Metrics;
  readonly log: (line: string) => void;
}

/** Every request's way through the server: authenticate, understand, authorize, then the handler of its path. */
export class Pipeline {
  readonly #deps: PipelineDeps;

  constructor(deps: PipelineDeps) {
    this.#deps = deps;
  }

  /** Answers one request, whatever happens; never rejects. */
  async handle(request: ServerRequest, reply: ServerReply): Promise<void> {
    const warnings = new Warnings();
    // A client that goes away in the middle is no failure of ours.
    reply.on('error', () => undefined);
    try {
      const info = readRequestInfo(request.method ?? 'GET', request.url ?? '/', pinnedName);
      this.#deps.metrics.observe(info, reply);
      const user = await this.#deps.authentication.identify(request);
      this.#authorize(info, user);
      await this.#route({ core: this.#deps.core, info, user, request, reply, warnings });
    } catch (error) {
      this.#fail(error, request, reply, warnings);
    }
  }

  /** An upgrade request that may go on, understood. It has no reply: its handler owns the socket. @throws ApiError */
  async admitUpgrade(request: ServerRequest): Promise<{ call: UpgradeCall; resource: Resource }> {
    const info = readRequestInfo(request.method ?? 'GET', request.url ?? '/', pinnedName);
    const user = await this.#deps.authentication.identify(request);
    this.#authorize(info, user);
    const call = { core: this.#deps.core, info, user };
    const resource = this.#resourceOf(info);
    const fieldManager = agentName(headerOf(request, 'user-agent'));
    // There is no answer that could carry warnings: the connection switches protocols.
    await admitConnect(call, resource, { user, fieldManager, dryRun: false, warn: () => undefined });
    return { call, resource };
  }

  #authorize(info: RequestInfo, user: UserInfo): void {
    const { verb, group, resource, subresource, namespace, name } = info;
    const attributes = info.isResource
      ? { user, verb, group, resource, subresource, namespace, name }
      : { user, verb, path: info.path };
    if (this.#deps.authorizer.authorize(attributes).allowed) return;
    const why = refusal(attributes);
    if (info.isResource) throw forbidden({ group, resource }, name, why);
    throw ApiError.of('Forbidden', `forbidden: ${why}`, {});
  }

  async #route(call: Call): Promise<void> {
    const { info } = call;
    for (const detour of this.#deps.detours) if (await detour.take(call)) return;
    if (!info.isResource) {
      if (!this.#deps.documents.answer(call))
        send(call.reply, 404, 'text/plain; charset=utf-8', '404 page not found\n');
      return;
    }
    const resource = this.#resourceOf(info);
    if (resource.deprecation) call.warnings.add(resource.deprecation);
    if (info.subresource) return this.#routeSubresource(call, resource);
    if (resource.storage === '/bindings') return answerBinding(this.#deps, call, resource);
    assertServes(resource, info.verb);
    if (isReview(resource)) return answerReview(this.#deps, call, resource);
    const handler = VERBS[info.verb];
    if (!handler || !fitsPath(info)) throw methodNotAllowed(resource.gvr, info.verb);
    await handler(call, resource);
  }

  async #routeSubresource(call: Call, resource: Resource): Promise<void> {
    const { subresource } = call.info;
    if (!resource.subresources.has(subresource)) throw unknownResource();
    const stream = this.#deps.streams[subresource];
    if (stream) {
      if (subresource === 'proxy') await admitConnect(call, resource, writeRequestOf(call));
      return stream(call, resource);
    }
    const handler = SUBRESOURCES[subresource];
    if (!handler) throw unknownResource();
    await handler(this.#deps, call, resource);
  }

  #resourceOf({ group, version, resource, namespace }: RequestInfo): Resource {
    const found = this.#deps.core.registry.find({ group, version, resource });
    if (!found) throw unknownResource();
    if (!found.namespaced && namespace && resource !== 'namespaces') throw unknownResource();
    return found;
  }

  #fail(error: unknown, request: ServerRequest, reply: ServerReply, warnings: Warnings): void {
    const known = error instanceof ApiError;
    if (!known) this.#deps.log(`${request.method} ${request.url}: ${(error as Error).stack ?? String(error)}`);
    const failure = known
      ? error
      : ApiError.of('InternalError', `Internal error occurred: ${(error as Error).message}`);
    const warning = warnings.headers;
    if (reply.headersSent) reply.destroy();
    else sendStatus(reply, failure.status, warning.length > 0 ? { warning } : {});
  }
}

/** Verbs on one object need its name in the path, verbs on a collection must not have one there. */
function fitsPath({ verb, name, query }: RequestInfo): boolean {
  if (verb === 'get' || verb === 'update' || verb === 'patch' || verb === 'delete') return name !== '';
  if (verb === 'deletecollection') return name === '';
  return verb !== 'list' || name === '' || query.has('fieldSelector');
}
