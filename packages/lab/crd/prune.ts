/** Dropping fields that the schema does not declare, and nulls that it does not allow. */
import { nodeOfKey, type SchemaNode } from './node.ts';

type JsonMap = Record<string, unknown>;

export interface Pruned {
  readonly value: unknown;
  /** Paths of what was dropped, e.g. `spec.list[0].foo`. */
  readonly unknown: readonly string[];
}

const META_FIELDS = new Set(['apiVersion', 'kind', 'metadata']);
/** More unknown fields than these are dropped without being named. */
const UNKNOWN_MAX = 100;

/** `object` without undeclared fields; apiVersion, kind and metadata stay. The argument is not changed. */
export function prune(object: unknown, root: SchemaNode): Pruned {
  const unknown: string[] = [];
  const value = pruneValue(object, { ...root, embedded: true }, '', unknown);
  return { value, unknown: unknown.slice(0, UNKNOWN_MAX) };
}

function pruneValue(value: unknown, node: SchemaNode | undefined, path: string, unknown: string[]): unknown {
  if (Array.isArray(value)) {
    // Items of a list without schema: everything in them is unknown, unless it is preserved.
    return value.map((item, i) => pruneValue(item, node?.items ?? below(node), `${path}[${i}]`, unknown));
  }
  if (typeof value !== 'object' || value === null) return value;
  return pruneMap(value as JsonMap, node, path, unknown);
}

/** Below a node that preserves unknown fields, undeclared values stay whole. */
function below(node: SchemaNode | undefined): SchemaNode | undefined {
  return node?.preserves ? { ...node, properties: new Map(), additional: undefined, items: undefined } : undefined;
}

function pruneMap(map: JsonMap, node: SchemaNode | undefined, path: string, unknown: string[]): JsonMap {
  const out: JsonMap = {};
  for (const key of Object.keys(map)) {
    const at = path === '' ? key : `${path}.${key}`;
    const declared = node && nodeOfKey(node, key);
    if (declared && !(node.embedded && META_FIELDS.has(key)))
      setOwn(out, key, pruneValue(map[key], declared, at, unknown));
    else if (node?.embedded && META_FIELDS.has(key)) setOwn(out, key, map[key]);
    else if (node?.preserves) setOwn(out, key, map[key]);
    // `additionalProperties: true` declares the keys, but nothing inside their values.
    else if (node?.additional === true) setOwn(out, key, pruneValue(map[key], undefined, at, unknown));
    else unknown.push(at);
  }
  return out;
}

function setOwn(map: JsonMap, key: string, value: unknown): void {
  if (key !== '__proto__') map[key] = value;
  else Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
}

/** `object` without nulls that are neither allowed nor replaced by a default. */
export function dropNulls(object: unknown, node: SchemaNode | undefined): unknown {
  if (Array.isArray(object)) return object.map((item) => dropNulls(item, node?.items));
  if (typeof object !== 'object' || object === null) return object;
  const out: JsonMap = {};
  for (const [key, value] of Object.entries(object)) {
    const below = node && nodeOfKey(node, key);
    if (value === null && below && !below.source.nullable && !below.hasDefault) continue;
    setOwn(out, key, dropNulls(value, below));
  }
  return out;
}
