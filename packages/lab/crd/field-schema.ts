/** A CRD's schema as merge rules for patches and server-side apply. */
import { builtins, type FieldSchema, UNTYPED } from '../schema/index.ts';
import type { SchemaNode } from './node.ts';

const TEXT: FieldSchema = { kind: 'scalar', scalarType: 'string' };
const SCALARS: Readonly<Record<string, FieldSchema>> = {
  string: TEXT,
  integer: { kind: 'scalar', scalarType: 'number' },
  number: { kind: 'scalar', scalarType: 'number' },
  boolean: { kind: 'scalar', scalarType: 'boolean' },
};
const ANY_SCALAR: FieldSchema = { kind: 'scalar' };

/** Fields that every object has, whatever its schema says. */
function objectFields(): readonly (readonly [string, FieldSchema])[] {
  return [
    ['apiVersion', TEXT],
    ['kind', TEXT],
    ['metadata', builtins.schemaOf('meta/v1.ObjectMeta')],
  ];
}

/** Merge rules of a custom resource, apiVersion, kind and metadata included. */
export function rootFieldSchema(root: SchemaNode): FieldSchema {
  return toFieldSchema({ ...root, embedded: true, types: ['object'] });
}

function toFieldSchema(node: SchemaNode): FieldSchema {
  if (node.intOrString) return ANY_SCALAR;
  const [type] = node.types;
  if (type === 'array') return listSchema(node);
  if (type === 'object') return objectSchema(node);
  return (type && SCALARS[type]) || UNTYPED;
}

function listSchema({ items, listType, listKeys }: SchemaNode): FieldSchema {
  const itemSchema = items ? toFieldSchema(items) : UNTYPED;
  if (listType !== 'map') return { kind: 'list', items: itemSchema, listType };
  const keyDefaults: Record<string, unknown> = {};
  for (const key of listKeys) {
    const property = items?.properties.get(key);
    if (property?.hasDefault) keyDefaults[key] = property.source.default;
  }
  return { kind: 'list', items: itemSchema, listType, listKeys, keyDefaults };
}

function objectSchema(node: SchemaNode): FieldSchema {
  const mapType = node.atomicMap ? 'atomic' : 'granular';
  const { additional } = node;
  if (additional && node.properties.size === 0)
    return { kind: 'map', items: additional === true ? UNTYPED : toFieldSchema(additional), mapType };
  const fields = new Map([...node.properties].map(([name, property]) => [name, toFieldSchema(property)]));
  if (node.embedded) for (const [name, schema] of objectFields()) fields.set(name, schema);
  return { kind: 'object', fields, mapType, ...(node.preserves ? { preserveUnknown: true } : {}) };
}
