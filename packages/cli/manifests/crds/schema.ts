import type { AnyObject } from '#api/kube';

/** A structural OpenAPI v3 schema as custom resource definitions carry it. */
export type Schema = { [keyword: string]: unknown };

/** Anything a server should keep without looking inside. */
export const anything: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

export const str = (more: Schema = {}): Schema => ({ type: 'string', ...more });
export const bool: Schema = { type: 'boolean' };
export const int32 = (more: Schema = {}): Schema => ({ type: 'integer', format: 'int32', ...more });
export const int64 = (more: Schema = {}): Schema => ({ type: 'integer', format: 'int64', ...more });
export const intOrString = (more: Schema = {}): Schema => ({ 'x-kubernetes-int-or-string': true, ...more });
export const oneOfNames = (...names: string[]): Schema => ({ type: 'string', enum: names });
export const list = (items: Schema, more: Schema = {}): Schema => ({ type: 'array', items, ...more });
export const stringMap: Schema = { type: 'object', additionalProperties: { type: 'string' } };

/** An object; field names ending in `*` are required: `fields({'name*': str()})`. */
export function fields(spec: Record<string, Schema>, more: Schema = {}): Schema {
  const names = Object.keys(spec);
  const required = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  const properties = Object.fromEntries(names.map((name) => [name.replace(/\*$/, ''), spec[name]]));
  return { type: 'object', properties, ...(required.length > 0 && { required }), ...more };
}

/** A list whose items are told apart by the named keys, so that server-side apply merges them. */
export const keyed = (items: Schema, keys: string[], more: Schema = {}): Schema =>
  list(items, { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys, ...more });

/** Exactly one of these fields must be there. */
export const exactlyOne = (...names: string[]): Schema => ({ oneOf: names.map((name) => ({ required: [name] })) });

/** A CEL rule with what the user reads when it does not hold. */
export const rule = (cel: string, message: string): { rule: string; message: string } => ({ rule: cel, message });
export const rules = (...each: { rule: string; message: string }[]): Schema => ({ 'x-kubernetes-validations': each });

export interface CrdVersion {
  name: string;
  /** Default true. */
  served?: boolean;
  storage?: boolean;
  deprecated?: string;
  schema: Schema;
  /** Has a status subresource. */
  status?: boolean;
  columns?: readonly { name: string; jsonPath: string; type?: string; format?: string; description?: string }[];
}

export interface CrdSource {
  group: string;
  kind: string;
  plural: string;
  shortNames?: readonly string[];
  categories?: readonly string[];
  versions: readonly CrdVersion[];
}

/** What all definitions of one install have in common. */
export interface CrdMetadata {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** The CustomResourceDefinition (apiextensions.k8s.io/v1) of a source. All our kinds are namespaced and not converted. */
export function customResourceDefinition(source: CrdSource, metadata: CrdMetadata): AnyObject {
  const { group, kind, plural, shortNames, categories } = source;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, ...metadata },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        ...(shortNames && { shortNames }),
        ...(categories && { categories }),
      },
      versions: source.versions.map(versionOf),
    },
  };
}

function versionOf(version: CrdVersion): Record<string, unknown> {
  const meta = { apiVersion: str(), kind: str(), metadata: { type: 'object' } };
  const { properties, ...rest } = version.schema as { properties: Record<string, Schema> };
  return {
    name: version.name,
    served: version.served ?? true,
    storage: version.storage ?? false,
    ...(version.deprecated !== undefined && { deprecated: true, deprecationWarning: version.deprecated }),
    schema: { openAPIV3Schema: { ...rest, properties: { ...meta, ...properties } } },
    ...(version.status && { subresources: { status: {} } }),
    ...(version.columns && {
      additionalPrinterColumns: version.columns.map((column) => ({ type: 'string', ...column })),
    }),
  };
}
