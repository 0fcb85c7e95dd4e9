/** Running the CEL rules of a schema over a value. */
import type { CelInput } from '@bufbuild/cel';
import { equalJson } from '../patch/json.ts';
import type { FieldCause } from './cause.ts';
import { toCelValue } from './cel-values.ts';
import { nodeOfKey, type SchemaNode } from './node.ts';
import { correlateItems } from './validate.ts';

interface Place {
  readonly path: string;
  readonly old: unknown;
  /** This value, or one that contains it, did not change: only transition rules may still complain. */
  readonly unchanged: boolean;
}

/** Faults by rules. The value must have passed schema validation. */
export function validateRules(value: unknown, node: SchemaNode, old: unknown): FieldCause[] {
  return check(value, node, { path: '', old, unchanged: false });
}

function check(value: unknown, node: SchemaNode, place: Place): FieldCause[] {
  if (!node.rulesBelow || value === null || value === undefined) return [];
  const unchanged = place.unchanged || (place.old !== undefined && equalJson(value, place.old));
  const here = { ...place, unchanged };
  return [
    ...ownRules(value, node, here),
    ...node.allOf.flatMap((part) => check(value, part, here)),
    ...childRules(value, node, here),
  ];
}

function ownRules(value: unknown, node: SchemaNode, { path, old, unchanged }: Place): FieldCause[] {
  const due = node.rules.filter((rule) => rule.usesOldSelf || !unchanged);
  if (due.length === 0) return [];
  const self = toCelValue(value, node);
  const oldSelf: CelInput | undefined = old === undefined || old === null ? undefined : toCelValue(old, node);
  const type = node.types[0] ?? node.source.type ?? '';
  return due.flatMap((rule) => rule.check({ self, oldSelf, path, type: node.intOrString ? '' : type }) ?? []);
}

function childRules(value: unknown, node: SchemaNode, { path, old, unchanged }: Place): FieldCause[] {
  if (Array.isArray(value)) {
    const { items } = node;
    if (!items?.rulesBelow) return [];
    const oldItem = correlateItems(node, old);
    return value.flatMap((item, i) => check(item, items, { path: `${path}[${i}]`, old: oldItem(item), unchanged }));
  }
  if (typeof value !== 'object' || value === null) return [];
  const oldMap = typeof old === 'object' && old !== null && !node.atomicMap ? (old as Record<string, unknown>) : {};
  return Object.entries(value).flatMap(([key, item]) => {
    const below = nodeOfKey(node, key);
    if (!below?.rulesBelow) return [];
    const at = node.properties.has(key) ? `${path}.${key}` : `${path}[${key}]`;
    return check(item, below, { path: at, old: Object.hasOwn(oldMap, key) ? oldMap[key] : undefined, unchanged });
  });
}
