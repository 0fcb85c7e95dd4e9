/** A structural schema, compiled: what pruning, defaulting, validation and merging walk beside a value. */
import type { JSONSchemaProps } from '#api/kube';
import type { Cel } from '../cel/index.ts';
import { compileRules, type Rule } from './rule.ts';

export interface SchemaNode {
  readonly source: JSONSchemaProps;
  /** JSON types that the value may have; empty: any. */
  readonly types: readonly string[];
  readonly properties: ReadonlyMap<string, SchemaNode>;
  /** Schema of further keys; true: anything goes, undefined: none is declared. */
  readonly additional: SchemaNode | true | undefined;
  readonly items: SchemaNode | undefined;
  readonly preserves: boolean;
  readonly embedded: boolean;
  readonly intOrString: boolean;
  readonly listType: 'atomic' | 'set' | 'map';
  readonly listKeys: readonly string[];
  readonly atomicMap: boolean;
  readonly hasDefault: boolean;
  readonly allOf: readonly SchemaNode[];
  readonly anyOf: readonly SchemaNode[];
  readonly oneOf: readonly SchemaNode[];
  readonly not: SchemaNode | undefined;
  readonly rules: readonly Rule[];
  /** Some node from here down has rules. */
  readonly rulesBelow: boolean;
}

/** Compiles a schema; rules are compiled by `cel` when they first run. */
export function compileSchema(source: JSONSchemaProps, cel: Cel): SchemaNode {
  const nested = (schema: JSONSchemaProps) => compileSchema(schema, cel);
  const properties = new Map(Object.entries(source.properties ?? {}).map(([name, schema]) => [name, nested(schema)]));
  const additional = additionalOf(source, nested);
  const items = source.items && !Array.isArray(source.items) ? nested(source.items) : undefined;
  const allOf = (source.allOf ?? []).map(nested);
  const rules = compileRules(source['x-kubernetes-validations'] ?? [], cel);
  const below = [
    ...properties.values(),
    ...allOf,
    ...(items ? [items] : []),
    ...(additional && additional !== true ? [additional] : []),
  ];
  return {
    source,
    types: source['x-kubernetes-int-or-string'] ? ['integer', 'string'] : source.type ? [source.type] : [],
    properties,
    additional,
    items,
    preserves: source['x-kubernetes-preserve-unknown-fields'] ?? false,
    embedded: source['x-kubernetes-embedded-resource'] ?? false,
    intOrString: source['x-kubernetes-int-or-string'] ?? false,
    listType: (source['x-kubernetes-list-type'] as SchemaNode['listType'] | undefined) ?? 'atomic',
    listKeys: source['x-kubernetes-list-map-keys'] ?? [],
    atomicMap: source['x-kubernetes-map-type'] === 'atomic',
    hasDefault: source.default !== undefined && source.default !== null,
    allOf,
    anyOf: (source.anyOf ?? []).map(nested),
    oneOf: (source.oneOf ?? []).map(nested),
    not: source.not ? nested(source.not) : undefined,
    rules,
    rulesBelow: rules.length > 0 || below.some((node) => node.rulesBelow),
  };
}

function additionalOf({ additionalProperties }: JSONSchemaProps, nested: (schema: JSONSchemaProps) => SchemaNode) {
  if (additionalProperties === undefined || additionalProperties === false) return undefined;
  return additionalProperties === true ? true : nested(additionalProperties);
}

/** The schema of `key` in an object; undefined where none is declared. */
export function nodeOfKey(node: SchemaNode, key: string): SchemaNode | undefined {
  const { additional } = node;
  return node.properties.get(key) ?? (additional === true ? undefined : additional);
}
