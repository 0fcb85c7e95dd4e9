import {
  backendRef,
  filterOf,
  headerModifier,
  headerName,
  METHODS,
  oneBackend,
  pathModifier,
  requestRedirect,
} from './routes.ts';
import { bool, fields, int32, list, oneOfNames, rule, rules, type Schema, str } from './schema.ts';
import { DNS_NAME, group, kind, name } from './shapes.ts';

/** Filters of the Gateway API's routes: what happens to requests on their way. */

/** Printable text, with single blanks or tabs inside. */
export const HEADER_TEXT: Schema = { pattern: '^[!-~]+([\\t ]?[!-~]+)*$' };
/** What may stand in the path of a URL. */
export const PATH_TEXT = "^([-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$";

type Kinds = Parameters<typeof filterOf>[0];

const objectRef = (): Schema => fields({ 'group*': group(), 'kind*': kind(), 'name*': name() });

const mirror = (): Schema =>
  fields(
    {
      'backendRef*': oneBackend(),
      percent: int32({ minimum: 0, maximum: 100 }),
      fraction: fields(
        { 'numerator*': int32({ minimum: 0 }), denominator: int32({ minimum: 1, default: 100 }) },
        rules(rule('self.numerator <= self.denominator', 'numerator must not exceed denominator')),
      ),
    },
    rules(rule('!has(self.percent) || !has(self.fraction)', 'percent and fraction exclude each other')),
  );

/** A field of one type of path modifier, needed by it and by no other. */
const ofPathType = (type: string, field: string) =>
  rule(`has(self.${field}) == (self.type == '${type}')`, `${field} must be there for type ${type}, and only for it`);
const elsewhere = (): { hostname: Schema; path: Schema } => ({
  hostname: str({ minLength: 1, maxLength: 253, pattern: DNS_NAME }),
  path: pathModifier(
    rules(ofPathType('ReplaceFullPath', 'replaceFullPath'), ofPathType('ReplacePrefixMatch', 'replacePrefixMatch')),
  ),
});

/** A set of texts that may be `*` alone. */
const setOrAll = (what: string, item: Schema, maxItems: number): Schema =>
  list(item, {
    maxItems,
    'x-kubernetes-list-type': 'set',
    ...rules(rule("size(self) < 2 || !('*' in self)", `${what}: * stands for all and must be alone`)),
  });
const ORIGIN = '^\\*$|^https?://(\\*|(\\*\\.)?([a-zA-Z0-9-]+\\.)*[a-zA-Z0-9-]+)(:[0-9]{1,5})?$';

const cors = (): Schema =>
  fields({
    allowOrigins: setOrAll('allowOrigins', str({ minLength: 1, maxLength: 253, pattern: ORIGIN }), 64),
    allowCredentials: bool,
    allowMethods: setOrAll('allowMethods', oneOfNames(...METHODS, '*'), 9),
    allowHeaders: setOrAll('allowHeaders', headerName(), 64),
    exposeHeaders: list(headerName(), { maxItems: 64, 'x-kubernetes-list-type': 'set' }),
    maxAge: int32({ minimum: 1, default: 5 }),
  });

const headerNames = (): Schema => list(str(), { maxItems: 64, 'x-kubernetes-list-type': 'set' });
const externalAuth = (): Schema =>
  fields(
    {
      'protocol*': oneOfNames('HTTP', 'GRPC'),
      'backendRef*': oneBackend(),
      grpc: fields({ allowedHeaders: headerNames() }),
      http: fields({
        path: str({ maxLength: 1024, pattern: PATH_TEXT }),
        allowedHeaders: headerNames(),
        allowedResponseHeaders: headerNames(),
      }),
      forwardBody: fields({ maxSize: { type: 'integer' } }),
    },
    rules(
      rule("has(self.grpc) == (self.protocol == 'GRPC')", 'grpc must be there for protocol GRPC, and only for it'),
      rule("has(self.http) == (self.protocol == 'HTTP')", 'http must be there for protocol HTTP, and only for it'),
    ),
  );

/** A list of filters, of which those in `once` may not be repeated. */
const filters = (kinds: Kinds, once: readonly string[], ...more: ReturnType<typeof rule>[]): Schema =>
  list(filterOf(kinds), {
    maxItems: 16,
    'x-kubernetes-list-type': 'atomic',
    ...rules(
      ...once.map((type) =>
        rule(`size(self.filter(f, f.type == '${type}')) <= 1`, `there may be one filter of type ${type}`),
      ),
      ...more,
    ),
  });

const SHARED: Kinds = {
  RequestHeaderModifier: ['requestHeaderModifier', headerModifier(HEADER_TEXT)],
  ResponseHeaderModifier: ['responseHeaderModifier', headerModifier(HEADER_TEXT)],
  RequestMirror: ['requestMirror', mirror()],
};
const HEADER_MODIFIERS = ['RequestHeaderModifier', 'ResponseHeaderModifier'] as const;

const httpFilters = (): Schema =>
  filters(
    {
      ...SHARED,
      RequestRedirect: ['requestRedirect', requestRedirect([301, 302, 303, 307, 308], elsewhere())],
      URLRewrite: ['urlRewrite', fields(elsewhere())],
      ExtensionRef: ['extensionRef', objectRef()],
      CORS: ['cors', cors()],
      ExternalAuth: ['externalAuth', externalAuth()],
    },
    [...HEADER_MODIFIERS, 'RequestRedirect', 'URLRewrite', 'CORS'],
    rule(
      "!self.exists(f, f.type == 'RequestRedirect') || !self.exists(f, f.type == 'URLRewrite')",
      'RequestRedirect and URLRewrite exclude each other',
    ),
  );
const grpcFilters = (): Schema => filters({ ...SHARED, ExtensionRef: ['extensionRef', objectRef()] }, HEADER_MODIFIERS);

/** Filters of a rule, and backends with filters of their own. */
const withFilters = (of: () => Schema) => ({
  filters: of(),
  backendRefs: list(backendRef({ filters: of() }), { maxItems: 16, 'x-kubernetes-list-type': 'atomic' }),
});
export const httpTargets = () => withFilters(httpFilters);
export const grpcTargets = () => withFilters(grpcFilters);
