import { ISSUER, type TokenAuthority } from '#lab/auth';
import { ApiError } from '#lab/contract';
import {
  Discovery,
  type ForeignVersion,
  negotiateDiscovery,
  OPENAPI_V2_PROTOBUF,
  OpenApiV2,
  OpenApiV3,
} from '#lab/openapi';
import type { ResourceRegistry } from '../registry.ts';
import type { Call } from './call.ts';
import { headerOf, send } from './exchange.ts';
import type { Metrics } from './metrics.ts';

/** The Kubernetes release whose behaviour is followed. The suffix is build metadata: a `-suffix` would be a pre-release. */
export const GIT_VERSION = 'v1.34.4+weft';

const VERSION_INFO = {
  major: '1',
  minor: '34',
  emulationMajor: '1',
  emulationMinor: '34',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '33',
  gitVersion: GIT_VERSION,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: 'go1.24.0',
  compiler: 'gc',
  platform: 'linux/amd64',
} as const;

const HEALTH_CHECKS = ['ping', 'log', 'etcd'] as const;

/** Answers every path that is no resource: discovery, OpenAPI, version, health, token issuer. */
export class Documents {
  readonly metrics: Metrics;
  readonly #registry: ResourceRegistry;
  readonly #tokens: TokenAuthority;
  readonly #openApi = new OpenApiV3(GIT_VERSION);
  readonly #openApiV2 = new OpenApiV2(GIT_VERSION);
  readonly #address: string;
  readonly #foreign: () => Iterable<ForeignVersion>;
  #generation = -1;
  #discovery: Discovery | undefined;

  /** @param address host:port that `/api` names @param foreign what aggregated servers serve */
  constructor(
    registry: ResourceRegistry,
    tokens: TokenAuthority,
    address: string,
    foreign: () => Iterable<ForeignVersion>,
    metrics: Metrics,
  ) {
    this.metrics = metrics;
    this.#foreign = foreign;
    this.#registry = registry;
    this.#tokens = tokens;
    this.#address = address;
  }

  /** Sends the document of the call's path; false where there is none. */
  answer(call: Call): boolean {
    const { path } = call.info;
    const handler = EXACT[path.length > 1 ? path.replace(/\/$/, '') : path];
    if (handler) {
      handler(this, call);
      return true;
    }
    if (path.startsWith('/openapi/v3/')) return this.sendOpenApi(call, path.slice('/openapi/v3/'.length));
    if (/^\/(healthz|livez|readyz)\//.test(path)) {
      send(call.reply, 200, 'text/plain; charset=utf-8', 'ok');
      return true;
    }
    return this.#sendDiscoveryOf(call, path.split('/').filter(Boolean));
  }

  sendDiscovery(call: Call, root: 'api' | 'apis'): void {
    const form = negotiateDiscovery(headerOf(call.request, 'accept'));
    if (!form) throw ApiError.of('NotAcceptable', 'only the following media types are accepted: application/json');
    const discovery = this.#current();
    const legacy = root === 'api' ? () => discovery.apiVersions() : () => discovery.groupList();
    const value = form.version === 'legacy' ? legacy() : discovery.aggregated(root, form.version);
    const etag = `"${this.#registry.generation}-${root}-${form.version}"`;
    sendTagged(call, form.contentType, JSON.stringify(value), etag, { vary: 'Accept' });
  }

  #sendDiscoveryOf(call: Call, parts: readonly string[]): boolean {
    const [prefix, ...rest] = parts;
    const discovery = this.#current();
    const value =
      prefix === 'api' && rest.length === 1
        ? discovery.resourceList('', rest[0]!)
        : prefix === 'apis' && rest.length === 1
          ? discovery.group(rest[0]!)
          : prefix === 'apis' && rest.length === 2
            ? discovery.resourceList(rest[0]!, rest[1]!)
            : undefined;
    if (!value) return false;
    send(call.reply, 200, 'application/json', JSON.stringify(value));
    return true;
  }

  sendOpenApiRoot(call: Call): void {
    this.#current();
    send(call.reply, 200, 'application/json', JSON.stringify(this.#openApi.root()));
  }

  sendOpenApi(call: Call, path: string): boolean {
    this.#current();
    const document = this.#openApi.document(path);
    if (!document) return false;
    const asked = call.info.query.get('hash');
    if (asked && asked !== document.hash) {
      const location = `/openapi/v3/${path}?hash=${document.hash}`;
      send(call.reply, 301, 'text/plain', '', { location });
      return true;
    }
    const cache: Record<string, string> = asked ? { 'cache-control': 'public, immutable' } : {};
    sendTagged(call, 'application/json', document.body, `"${document.hash}"`, { vary: 'Accept', ...cache });
    return true;
  }

  sendOpenApiV2(call: Call): void {
    this.#current();
    const accept = headerOf(call.request, 'accept') ?? '';
    const binary = accept.includes(OPENAPI_V2_PROTOBUF.accept);
    const { body, hash } = binary ? this.#openApiV2.protobuf() : this.#openApiV2.json();
    const contentType = binary ? OPENAPI_V2_PROTOBUF.contentType : 'application/json';
    sendTagged(call, contentType, body, `"${hash}"`, { vary: 'Accept' });
  }

  sendHealth(call: Call): void {
    const verbose = call.info.query.has('verbose');
    const lines = HEALTH_CHECKS.map((check) => `[+]${check} ok\n`).join('');
    const text = verbose ? `${lines}${call.info.path.slice(1)} check passed\n` : 'ok';
    send(call.reply, 200, 'text/plain; charset=utf-8', text);
  }

  sendIssuer(call: Call): void {
    const document = {
      issuer: ISSUER,
      jwks_uri: `https://${this.#address}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    };
    send(call.reply, 200, 'application/json', JSON.stringify(document));
  }

  sendKeys(call: Call): void {
    send(call.reply, 200, 'application/jwk-set+json', JSON.stringify(this.#tokens.jwks));
  }

  /** The documents of the resources that are served now. */
  #current(): Discovery {
    if (!this.#discovery || this.#generation !== this.#registry.generation) {
      const resources = this.#registry.all();
      this.#discovery = new Discovery(resources, this.#foreign(), this.#address);
      this.#openApi.update(resources);
      this.#openApiV2.update(resources);
      this.#generation = this.#registry.generation;
    }
    return this.#discovery;
  }
}

type Handler = (documents: Documents, call: Call) => void;

const health: Handler = (documents, call) => documents.sendHealth(call);

const EXACT: Readonly<Record<string, Handler>> = {
  '/': (_, call) => send(call.reply, 200, 'application/json', JSON.stringify({ paths: Object.keys(EXACT) })),
  '/version': (_, call) => send(call.reply, 200, 'application/json', JSON.stringify(VERSION_INFO)),
  '/healthz': health,
  '/livez': health,
  '/readyz': health,
  '/metrics': ({ metrics }, call) =>
    send(call.reply, 200, 'text/plain; version=0.0.4; charset=utf-8', metrics.render()),
  '/api': (documents, call) => documents.sendDiscovery(call, 'api'),
  '/apis': (documents, call) => documents.sendDiscovery(call, 'apis'),
  '/openapi/v2': (documents, call) => documents.sendOpenApiV2(call),
  '/openapi/v3': (documents, call) => documents.sendOpenApiRoot(call),
  '/.well-known/openid-configuration': (documents, call) => documents.sendIssuer(call),
  '/openid/v1/jwks': (documents, call) => documents.sendKeys(call),
};

function sendTagged(
  call: Call,
  contentType: string,
  body: string | Uint8Array,
  etag: string,
  headers: Readonly<Record<string, string>>,
): void {
  const all = { etag, ...headers };
  if (headerOf(call.request, 'if-none-match') === etag) call.reply.writeHead(304, all).end();
  else send(call.reply, 200, contentType, body, all);
}
