import { fields, int32, keyed, list, oneOfNames, rule, rules, type Schema, str } from './schema.ts';
import { group, hostname, kind, name, namespace, port } from './shapes.ts';

/** Parts of HTTP and gRPC routes that Linkerd's HTTPRoute and the Gateway API's kinds have in common. */

const TOKEN = "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$";
export const DURATION = '^([0-9]{1,5}(h|m|s|ms)){1,4}$';
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'] as const;
const matchType = (): Schema => ({ ...oneOfNames('Exact', 'RegularExpression'), default: 'Exact' });

const headerName = (): Schema => str({ minLength: 1, maxLength: 256, pattern: TOKEN });
const header = (): Schema => fields({ 'name*': headerName(), 'value*': str({ minLength: 1, maxLength: 4096 }) });

export const headerMatches = (): Schema =>
  keyed(
    fields({ type: matchType(), 'name*': headerName(), 'value*': str({ minLength: 1, maxLength: 4096 }) }),
    ['name'],
    { maxItems: 16 },
  );
export const queryMatches = (): Schema =>
  keyed(
    fields({ type: matchType(), 'name*': headerName(), 'value*': str({ minLength: 1, maxLength: 1024 }) }),
    ['name'],
    { maxItems: 16 },
  );
export const pathMatch = (): Schema =>
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
      ),
    },
  );
export const httpMatch = (): Schema =>
  fields({
    path: pathMatch(),
    headers: headerMatches(),
    queryParams: queryMatches(),
    method: oneOfNames(...METHODS),
  });

export const headerModifier = (): Schema =>
  fields({
    set: keyed(header(), ['name'], { maxItems: 16 }),
    add: keyed(header(), ['name'], { maxItems: 16 }),
    remove: list(str(), { maxItems: 16, 'x-kubernetes-list-type': 'set' }),
  });
const pathModifier = (): Schema =>
  fields({
    'type*': oneOfNames('ReplaceFullPath', 'ReplacePrefixMatch'),
    replaceFullPath: str({ maxLength: 1024 }),
    replacePrefixMatch: str({ maxLength: 1024 }),
  });
export const requestRedirect = (statusCodes: number[]): Schema =>
  fields({
    scheme: oneOfNames('http', 'https'),
    hostname: hostname(),
    path: pathModifier(),
    port: port(),
    statusCode: { type: 'integer', enum: statusCodes, default: 302 },
  });
export const urlRewrite = (): Schema => fields({ hostname: hostname(), path: pathModifier() });

/** Reference to where traffic goes; `more` adds e.g. filters. */
export const backendRef = (more: Record<string, Schema> = {}): Schema =>
  fields(
    {
      group: group({ default: '' }),
      kind: kind({ default: 'Service' }),
      'name*': name(),
      namespace: namespace(),
      port: port(),
      weight: int32({ minimum: 0, maximum: 1_000_000, default: 1 }),
      ...more,
    },
    rules(
      rule(
        "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true",
        'Must have port for Service reference',
      ),
    ),
  );

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
