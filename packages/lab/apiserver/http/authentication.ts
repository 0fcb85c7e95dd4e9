import type { TLSSocket } from 'node:tls';
import { ANONYMOUS, type Authorizer, isIssuedBy, refusal, type TokenReviewer, type UserInfo } from '#lab/auth';
import { ApiError } from '#lab/contract';
import { forbidden } from '../errors.ts';
import { headerOf, type ServerRequest } from './exchange.ts';
import type { Metrics } from './metrics.ts';

/** What telling users apart takes. */
export interface AuthenticationDeps {
  readonly reviewer: TokenReviewer;
  readonly authorizer: Authorizer;
  /** PEM of the authority that signs client certificates. */
  readonly clientCa: string;
  readonly nowMs: () => number;
  readonly metrics: Metrics;
  /** Hears why credentials were refused. */
  readonly log: (line: string) => void;
}

const UNAUTHORIZED = () => ApiError.of('Unauthorized', 'Unauthorized');

/** Tells who sends a request: client certificate, then bearer token, then nobody. @throws ApiError 401, 403 */
export class Authentication {
  readonly #deps: AuthenticationDeps;
  /** By TLS connection: a certificate is checked once. */
  readonly #certificates = new WeakMap<object, Promise<UserInfo | undefined>>();

  constructor(deps: AuthenticationDeps) {
    this.#deps = deps;
  }

  async identify(request: ServerRequest): Promise<UserInfo> {
    const { metrics, log } = this.#deps;
    let user: UserInfo;
    try {
      user = await this.#credentials(request);
    } catch (error) {
      metrics.authenticated('error');
      log(`authentication refused: ${(error as Error).message}`);
      throw UNAUTHORIZED();
    }
    metrics.authenticated(user === ANONYMOUS ? 'anonymous' : 'success');
    return this.#impersonated(request, user);
  }

  /** @throws Error that says what is wrong with the credentials */
  async #credentials(request: ServerRequest): Promise<UserInfo> {
    const socket = tlsSocketOf(request);
    let known = this.#certificates.get(socket);
    if (!known) {
      known = this.#certificateUser(socket);
      this.#certificates.set(socket, known);
    }
    const user = await known;
    if (user) return user;
    const authorization = headerOf(request, 'authorization');
    const token = /^Bearer\s+(\S+)\s*$/i.exec(authorization ?? '')?.[1];
    if (!token) return ANONYMOUS;
    return (await this.#deps.reviewer.review(token, [], this.#deps.nowMs())).user;
  }

  /** Common name and organizations of a valid certificate; undefined without one. @throws Error for a foreign one */
  async #certificateUser(socket: TLSSocket): Promise<UserInfo | undefined> {
    const certificate = socket.getPeerCertificate?.(true);
    if (!certificate?.raw) return undefined;
    if (!(await isIssuedBy(this.#deps.clientCa, certificate.raw, this.#deps.nowMs())))
      throw new Error(
        `client certificate ${JSON.stringify(certificate.subject)} is not signed by this cluster or expired`,
      );
    const { CN, O } = certificate.subject as { CN?: string | string[]; O?: string | string[] };
    const name = [CN ?? ''].flat()[0] ?? '';
    const groups = [O ?? []].flat();
    return { name, groups: [...groups, 'system:authenticated'] };
  }

  /** `Impersonate-*` headers (`kubectl --as`): each part needs the verb `impersonate`. */
  #impersonated(request: ServerRequest, user: UserInfo): UserInfo {
    const name = headerOf(request, 'impersonate-user');
    const groups = headerList(request, 'impersonate-group');
    const uid = headerOf(request, 'impersonate-uid');
    const extra = extraHeaders(request);
    if (!name) {
      if (groups.length === 0 && !uid && Object.keys(extra).length === 0) return user;
      throw ApiError.of(
        'InternalError',
        'Internal error occurred: requested impersonation without impersonating a user',
      );
    }
    const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
    if (account) this.#require(user, { resource: 'serviceaccounts', namespace: account[1], name: account[2]! });
    else this.#require(user, { resource: 'users', name });
    for (const group of groups) this.#require(user, { resource: 'groups', name: group });
    if (uid) this.#require(user, { group: 'authentication.k8s.io', resource: 'uids', name: uid });
    for (const [key, values] of Object.entries(extra))
      for (const value of values)
        this.#require(user, { group: 'authentication.k8s.io', resource: 'userextras', subresource: key, name: value });
    return {
      name,
      ...(uid && { uid }),
      groups: impersonatedGroups(name, groups, account?.[1]),
      ...(Object.keys(extra).length > 0 && { extra }),
    };
  }

  #require(
    user: UserInfo,
    wanted: { group?: string; resource: string; subresource?: string; namespace?: string | undefined; name: string },
  ): void {
    const attributes = { group: '', ...wanted, user, verb: 'impersonate' };
    if (this.#deps.authorizer.authorize(attributes).allowed) return;
    throw forbidden({ group: attributes.group, resource: wanted.resource }, wanted.name, refusal(attributes));
  }
}

function impersonatedGroups(name: string, asked: readonly string[], accountNamespace: string | undefined): string[] {
  const groups = [...asked];
  if (asked.length === 0 && accountNamespace)
    groups.push('system:serviceaccounts', `system:serviceaccounts:${accountNamespace}`);
  if (name === ANONYMOUS.name) return asked.length > 0 ? groups : [...ANONYMOUS.groups];
  if (!groups.includes('system:authenticated') && !groups.includes('system:unauthenticated'))
    groups.push('system:authenticated');
  return groups;
}

function headerList(request: ServerRequest, name: string): string[] {
  const value = request.headers[name];
  return [value ?? []]
    .flat()
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter(Boolean);
}

function extraHeaders(request: ServerRequest): Record<string, string[]> {
  const prefix = 'impersonate-extra-';
  const extra: Record<string, string[]> = {};
  for (const name of Object.keys(request.headers))
    if (name.startsWith(prefix)) extra[decodeURIComponent(name.slice(prefix.length))] = headerList(request, name);
  return extra;
}

/** The TLS connection below a request; an HTTP/2 request reaches it through its session. */
function tlsSocketOf(request: ServerRequest): TLSSocket {
  const { socket, stream } = request as { socket?: unknown; stream?: { session?: { socket?: unknown } } };
  const candidates = [stream?.session?.socket, socket];
  return (candidates.find((one) => one !== undefined && one !== null) ?? request) as TLSSocket;
}
