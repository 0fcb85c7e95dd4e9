/** Filling in the defaults of a schema. */
import { nodeOfKey, type SchemaNode } from './node.ts';

type JsonMap = Record<string, unknown>;

/** `value` with defaults where fields are absent, or null although they must not be. Shares what it does not change. */
export function applyDefaults(value: unknown, node: SchemaNode | undefined): unknown {
  if (!node) return value;
  if (Array.isArray(value)) return defaultList(value, node.items);
  if (typeof value !== 'object' || value === null) return value;
  return defaultMap(value as JsonMap, node);
}

function defaultList(list: readonly unknown[], items: SchemaNode | undefined): readonly unknown[] {
  if (!items) return list;
  const out = list.map((item) => applyDefaults(replaceNull(item, items), items));
  return out.some((item, i) => item !== list[i]) ? out : list;
}

function replaceNull(value: unknown, node: SchemaNode): unknown {
  return value === null && node.hasDefault && !node.source.nullable ? structuredClone(node.source.default) : value;
}

function defaultMap(map: JsonMap, node: SchemaNode): JsonMap {
  let out = map;
  const set = (key: string, value: unknown) => {
    if (value === map[key] && Object.hasOwn(map, key)) return;
    if (out === map) out = { ...map };
    out[key] = value;
  };
  for (const [key, property] of node.properties)
    if (property.hasDefault && (!Object.hasOwn(map, key) || (map[key] === null && !property.source.nullable)))
      set(key, structuredClone(property.source.default));
  for (const key of Object.keys(out)) {
    const below = nodeOfKey(node, key);
    if (below) set(key, applyDefaults(replaceNull(out[key], below), below));
  }
  return out;
}
