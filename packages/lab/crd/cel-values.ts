/** A value under its schema as CEL sees it: integers as ints, dates as timestamps, property names escaped. */
import { type CelInput, celList, celMap } from '@bufbuild/cel';
import { durationOf, jsonToCel, timestampOf } from '../cel/index.ts';
import { nodeOfKey, type SchemaNode } from './node.ts';

const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

/** `namespace` -> `__namespace__`, `a-b` -> `a__dash__b`: property names as rules spell them. */
export function escapeProperty(name: string): string {
  if (RESERVED.has(name)) return `__${name}__`;
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}

/** Converts a value that passed schema validation. */
export function toCelValue(value: unknown, node: SchemaNode | undefined): CelInput {
  if (value === null || value === undefined) return null;
  if (!node) return jsonToCel(value);
  if (Array.isArray(value)) return celList(value.map((item) => toCelValue(item, node.items)));
  if (typeof value === 'object') return celMap(mapOf(value as Record<string, unknown>, node));
  if (typeof value === 'string') return textOf(value, node);
  // `type: number` is a double even where it has no fraction.
  if (typeof value === 'number') return node.types[0] === 'number' ? value : jsonToCel(value);
  return value as boolean | bigint;
}

function mapOf(value: Record<string, unknown>, node: SchemaNode): Map<string, CelInput> {
  const map = new Map<string, CelInput>();
  for (const key of Object.keys(value)) {
    const below = nodeOfKey(node, key);
    const declared = node.properties.has(key) || (node.additional === undefined && !node.preserves);
    map.set(declared ? escapeProperty(key) : key, toCelValue(value[key], below));
  }
  return map;
}

function textOf(value: string, { source }: SchemaNode): CelInput {
  if (source.format === 'date-time' || source.format === 'date') return timestampOf(value) ?? value;
  if (source.format === 'duration') return durationOf(value) ?? value;
  if (source.format === 'byte') return Uint8Array.from(Buffer.from(value, 'base64'));
  return value;
}
