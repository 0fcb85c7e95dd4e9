/** Uniqueness in lists of type set and map. */
import { type FieldCause, fault, printValue } from './cause.ts';
import { nodeOfKey, type SchemaNode } from './node.ts';

/** The repeated items of all lists below `value`. */
export function validateLists(value: unknown, node: SchemaNode | undefined, path = ''): FieldCause[] {
  if (!node) return [];
  if (Array.isArray(value))
    return [
      ...repeated(value, node, path),
      ...value.flatMap((item, i) => validateLists(item, node.items, `${path}[${i}]`)),
    ];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    validateLists(
      item,
      nodeOfKey(node, key),
      node.properties.has(key) ? (path === '' ? key : `${path}.${key}`) : `${path}[${key}]`,
    ),
  );
}

function repeated(list: readonly unknown[], node: SchemaNode, path: string): FieldCause[] {
  if (node.listType === 'atomic') return [];
  const bad = list.findIndex((item) => node.listType === 'map' && (typeof item !== 'object' || Array.isArray(item)));
  if (bad >= 0) return [fault.invalid(`${path}[${bad}]`, list[bad], 'must be an object for an array of list-type map')];
  const counts = new Map<string, number>();
  const causes: FieldCause[] = [];
  for (const [i, item] of list.entries()) {
    const identity = node.listType === 'map' ? keysOf(item, node.listKeys) : item;
    const text = printValue(identity);
    const count = (counts.get(text) ?? 0) + 1;
    counts.set(text, count);
    // The second appearance is reported, further ones say nothing new.
    if (count === 2) causes.push(fault.duplicate(`${path}[${i}]`, identity));
  }
  return causes;
}

function keysOf(item: unknown, keys: readonly string[]): Record<string, unknown> {
  const map = (item ?? {}) as Record<string, unknown>;
  return Object.fromEntries(keys.filter((key) => Object.hasOwn(map, key)).map((key) => [key, map[key]]));
}
