import { fields, int32, keyed, list, oneOfNames, rule, rules, type Schema, str } from './schema.ts';
import { group, hostname, kind, name, namespace, port } from './shapes.ts';

/** Parts of HTTP and gRPC routes that Linkerd's HTTPRoute and the Gateway API's kinds have in common. */

export const TOKEN = "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$";
export const DURATION = '^([0-9]{1,5}(h|m|s|ms)){1,4}$';
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'] as const;
const matchType = (): Schema => ({ ...oneOfNames('Exact', 'RegularExpression'), default: 'Exact' });

export const headerName = (): Schema => str({ minLength: 1, maxLength: 256, pattern: TOKEN });
/** `more`: what else must hold of it. */
const headerValue = (more: Schema): Schema => str({ minLength: 1, maxLength: 4096, ...more });
const header = (value: Schema): Schema => fields({ 'name*': headerName(), 'value*': headerValue(value) });

export const headerMatches = (value: Schema = {}): Schema =>
  keyed(fields({ type: matchType(), 'name*': headerName(), 'value*': headerValue(value) }), ['name'], { maxItems: 16 });
export const queryMatches = (): Schema =>
  keyed(
    fields({ type: matchType(), 'name*': headerName(), 'value*': str({ minLength: 1, maxLength: 1024 }) }),
    ['name'],
    { maxItems: 16 },
  );
type Rule = ReturnType<typeof rule>;

/** `more`: rules besides those that every path of HTTP obeys. */
const pathMatch = (more: readonly Rule[]): Schema =>
  fields(
    {
      type: { ...oneOfNames('Exact', 'PathPrefix', 'RegularExpression'), default: 'PathPrefix' },
      value: str({ maxLength: 1024, default: '/' }),
    },
    {
      default: { type: 'PathPrefix', value: '/' },
      ...rules(
        rule("self.type == 'RegularExpression' || self.value.startsWith('/')", 'value must be an absolute path'),
        rule("self.type == 'RegularExpression' || !self.value.contains('//')", "value must not contain '//'"),
        ...more,
      ),
    },
  );
export const httpMatch = ({ header = {}, path = [] }: { header?: Schema; path?: readonly Rule[] } = {}): Schema =>
  fields({
    path: pathMatch(path),
    headers: headerMatches(header),
    queryParams: queryMatches(),
    method: oneOfNames(...METHODS),
  });

export const headerModifier = (value: Schema = {}): Schema =>
  fields({
    set: keyed(header(value), ['name'], { maxItems: 16 }),
    add: keyed(header(value), ['name'], { maxItems: 16 }),
    remove: list(str(), { maxItems: 16, 'x-kubernetes-list-type': 'set' }),
  });
export const pathModifier = (more: Schema = {}): Schema =>
  fields(
    {
      'type*': oneOfNames('ReplaceFullPath', 'ReplacePrefixMatch'),
      replaceFullPath: str({ maxLength: 1024 }),
      replacePrefixMatch: str({ maxLength: 1024 }),
    },
    more,
  );
/** Where a redirect or rewrite leads. */
interface Elsewhere {
  hostname: Schema;
  path: Schema;
}
export const requestRedirect = (
  statusCodes: number[],
  to: Elsewhere = { hostname: hostname(), path: pathModifier() },
): Schema =>
  fields({
    scheme: oneOfNames('http', 'https'),
    ...to,
    port: port(),
    statusCode: { type: 'integer', enum: statusCodes, default: 302 },
  });

const PORT_OF_SERVICE = rule(
  "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true",
  'Must have port for Service reference',
);

/** Reference to the one place where traffic goes; `more` adds e.g. filters. */
export const oneBackend = (more: Record<string, Schema> = {}): Schema =>
  fields(
    {
      group: group({ default: '' }),
      kind: kind({ default: 'Service' }),
      'name*': name(),
      namespace: namespace(),
      port: port(),
      ...more,
    },
    rules(PORT_OF_SERVICE),
  );

/** One of several, with a weight. */
export const backendRef = (more: Record<string, Schema> = {}): Schema =>
  oneBackend({ weight: int32({ minimum: 0, maximum: 1_000_000, default: 1 }), ...more });

/** Filters by type: exactly the field that belongs to the type may be there. */
export function filterOf(kinds: Record<string, readonly [field: string, schema: Schema]>): Schema {
  const properties = Object.fromEntries(Object.values(kinds).map(([field, schema]) => [field, schema]));
  const each = Object.entries(kinds).map(([type, [field]]) =>
    rule(
      `has(self.${field}) == (self.type == '${type}')`,
      `filter.${field} must be specified for, and only for, filter type ${type}`,
    ),
  );
  return fields({ 'type*': oneOfNames(...Object.keys(kinds)), ...properties }, rules(...each));
}

export const DEFAULT_RULES = [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }] }];
