/**
 * Values under a {@link FieldSchema}, as server-side apply sees them: which parts are leaves, which paths a value has, how two
 * values differ, how one merges over another. After sigs.k8s.io/structured-merge-diff/typed.
 */
import { childSchema, type FieldSchema, UNTYPED } from '../schema/index.ts';
import { EMPTY_SET, type FieldSet, FieldSetBuilder } from './field-set.ts';
import { equalJson, getKey, isMap, type JsonMap, setKey } from './json.ts';
import { fieldElement, itemElement, type PathElement } from './path-element.ts';

type Shape = 'leaf' | 'map' | 'list';

function isUntyped(schema: FieldSchema): boolean {
  return schema.kind === 'object' && schema.preserveUnknown === true && (schema.fields?.size ?? 0) === 0;
}

/** How `value` is treated under `schema`; scalars, atomic lists and atomic maps are leaves. */
function shapeOf(schema: FieldSchema, value: unknown): Shape {
  if (isUntyped(schema) && value !== null && !isMap(value)) return 'leaf';
  if (schema.kind === 'scalar') return 'leaf';
  if (schema.kind === 'list') return (schema.listType ?? 'atomic') === 'atomic' ? 'leaf' : 'list';
  return schema.mapType === 'atomic' ? 'leaf' : 'map';
}

function fieldSchemaOf(schema: FieldSchema, key: string): FieldSchema {
  return childSchema(schema, key) ?? UNTYPED;
}

const isEmptyMap = (value: unknown) => isMap(value) && Object.keys(value).length === 0;
const mapOf = (value: unknown): JsonMap => (isMap(value) ? value : {});
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The paths of everything in `value`. Throws where items of a list cannot be told apart. */
export function toFieldSet(value: unknown, schema: FieldSchema): FieldSet {
  const root = new FieldSetBuilder();
  collect(value, schema, root);
  return root.build();
}

function collect(value: unknown, schema: FieldSchema, at: FieldSetBuilder): void {
  const shape = shapeOf(schema, value);
  if (shape === 'leaf') at.member = true;
  else if (shape === 'list')
    for (const item of listOf(value)) {
      const child = at.child(itemElement(schema, item));
      collect(item, schema.items ?? UNTYPED, child);
      child.member = true;
    }
  else for (const [key, item] of Object.entries(mapOf(value))) collectField(key, item, schema, at);
}

/** Keys of maps are members, declared fields only through what they hold; an empty map or null is a leaf. */
function collectField(key: string, value: unknown, schema: FieldSchema, at: FieldSetBuilder): void {
  if (value === undefined) return;
  const child = at.child(fieldElement(key));
  collect(value, fieldSchemaOf(schema, key), child);
  const declared = schema.kind === 'object' && schema.fields?.has(key);
  if (value === null || isEmptyMap(value) || !declared) child.member = true;
}

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

class ComparisonBuilder {
  readonly added: FieldSetBuilder;
  readonly modified: FieldSetBuilder;
  readonly removed: FieldSetBuilder;

  constructor(added: FieldSetBuilder, modified: FieldSetBuilder, removed: FieldSetBuilder) {
    this.added = added;
    this.modified = modified;
    this.removed = removed;
  }

  child(element: PathElement): ComparisonBuilder {
    return new ComparisonBuilder(this.added.child(element), this.modified.child(element), this.removed.child(element));
  }
}

/** The paths by which `after` differs from `before`. Throws where items of a list cannot be told apart. */
export function compareTyped(before: unknown, after: unknown, schema: FieldSchema): Comparison {
  const builder = new ComparisonBuilder(new FieldSetBuilder(), new FieldSetBuilder(), new FieldSetBuilder());
  compare(before, after, schema, builder);
  return { added: builder.added.build(), modified: builder.modified.build(), removed: builder.removed.build() };
}

function compare(before: unknown, after: unknown, schema: FieldSchema, out: ComparisonBuilder): void {
  // A big shortcut: snapshots share what did not change.
  if (before === after) return;
  const shapes: Shape[] = [];
  if (before !== undefined) shapes.push(shapeOf(schema, before));
  if (after !== undefined) shapes.push(shapeOf(schema, after));
  // Of an untyped value that changed its shape both shapes are walked, each beside nothing.
  if (shapes.length === 2 && shapes[0] !== shapes[1]) {
    compareAs(shapes[0] ?? 'leaf', before, after, schema, out);
    compareAs(shapes[1] ?? 'leaf', before, after, schema, out);
  } else compareAs(shapes[0] ?? 'leaf', before, after, schema, out);
}

function compareAs(shape: Shape, before: unknown, after: unknown, schema: FieldSchema, out: ComparisonBuilder): void {
  const noItems =
    (shape === 'map' && isNothing(mapOf(before)) && isNothing(mapOf(after))) ||
    (shape === 'list' && listOf(before).length === 0 && listOf(after).length === 0);
  if (shape === 'leaf' || noItems) {
    compareLeaf(before, after, out);
    return;
  }
  if (shape === 'map') compareMaps(mapOf(before), mapOf(after), schema, out);
  else compareLists(listOf(before), listOf(after), schema, out);
  if (before === undefined) out.added.member = true;
  else if (after === undefined) out.removed.member = true;
}

const isNothing = (map: JsonMap) => Object.keys(map).length === 0;

function compareLeaf(before: unknown, after: unknown, out: ComparisonBuilder): void {
  if (before === undefined) out.added.member = true;
  else if (after === undefined) out.removed.member = true;
  else if (!equalJson(before, after)) out.modified.member = true;
}

function compareMaps(before: JsonMap, after: JsonMap, schema: FieldSchema, out: ComparisonBuilder): void {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const old = getKey(before, key);
    const now = getKey(after, key);
    if (old === now || (old === undefined && now === undefined)) continue;
    compare(old, now, fieldSchemaOf(schema, key), out.child(fieldElement(key)));
  }
}

function groupItems(list: readonly unknown[], schema: FieldSchema): Map<PathElement, unknown[]> {
  const groups = new Map<PathElement, unknown[]>();
  for (const item of list) {
    const element = itemElement(schema, item);
    const group = groups.get(element);
    if (group) group.push(item);
    else groups.set(element, [item]);
  }
  return groups;
}

function compareLists(before: unknown[], after: unknown[], schema: FieldSchema, out: ComparisonBuilder): void {
  // Most lists of most updates did not change; naming their items costs far more than comparing them.
  if (equalJson(before, after)) return;
  const old = groupItems(before, schema);
  const now = groupItems(after, schema);
  const itemSchema = schema.items ?? UNTYPED;
  for (const element of new Set([...old.keys(), ...now.keys()]))
    compareItems(old.get(element) ?? [], now.get(element) ?? [], itemSchema, out.child(element));
}

/** Stored lists may hold an item twice (Service ports before validation got strict): such items count as one leaf. */
function compareItems(old: unknown[], now: unknown[], schema: FieldSchema, out: ComparisonBuilder): void {
  if (old.length <= 1 && now.length <= 1) compare(old[0], now[0], schema, out);
  else if (old.length >= 2 && now.length >= 2) {
    if (!equalJson(old, now)) out.modified.member = true;
  } else if (old.length >= 2) {
    if (now.length > 0) compare(undefined, now[0], schema, out);
    out.removed.member = true;
  } else {
    if (old.length > 0) compare(old[0], undefined, schema, out);
    out.added.member = true;
  }
}

/** `config` merged over `live`: what config names wins, the rest stays. Shares structure with both. */
export function mergeTyped(live: unknown, config: unknown, schema: FieldSchema): unknown {
  if (config === undefined) return live;
  if (live === undefined) return config;
  const shape = shapeOf(schema, config);
  if (shape === 'map') return mergeMaps(live, config, schema);
  if (shape === 'list') return mergeLists(live, config, schema);
  return config;
}

function mergeMaps(live: unknown, config: unknown, schema: FieldSchema): unknown {
  if (isNothing(mapOf(live)) && isNothing(mapOf(config))) return config;
  const out: JsonMap = { ...mapOf(live) };
  for (const [key, value] of Object.entries(mapOf(config))) {
    const merged = mergeTyped(getKey(out, key), value, fieldSchemaOf(schema, key));
    if (merged !== undefined) setKey(out, key, merged);
  }
  return out;
}

/** The config's items in its order; live items that it does not name keep their place before the shared item they preceded. */
function mergeLists(live: unknown, config: unknown, schema: FieldSchema): unknown {
  const left = listOf(live);
  const right = listOf(config);
  if (left.length === 0 && right.length === 0) return config;
  const leftKeys = left.map((item) => itemElement(schema, item));
  const rightKeys = right.map((item) => itemElement(schema, item));
  const leftGroups = groupItems(left, schema);
  const rightSet = new Set(rightKeys);
  const itemSchema = schema.items ?? UNTYPED;
  // An item that is there twice is not merged with: it is replaced.
  const mergeRight = (key: PathElement, item: unknown) => {
    const group = leftGroups.get(key) ?? [];
    return group.length === 1 ? mergeTyped(group[0], item, itemSchema) : item;
  };
  const shared = rightKeys.filter((key) => leftGroups.has(key));
  const done = new Set<PathElement>();
  const out: unknown[] = [];
  let l = 0;
  let r = 0;
  const takeRight = () => {
    const key = rightKeys[r] ?? '';
    out.push(mergeRight(key, right[r]));
    done.add(key);
    if (shared[0] === key) shared.shift();
    r++;
  };
  while (l < left.length || r < right.length) {
    const key = leftKeys[l];
    if (key !== undefined && r < right.length) {
      if (key === rightKeys[r]) {
        takeRight();
        l++;
        continue;
      }
      // Shared, but not the shared item that comes next in the config's order.
      if (rightSet.has(key) && shared.length > 0 && shared[0] !== key) {
        l++;
        continue;
      }
    }
    if (key !== undefined && !rightSet.has(key)) {
      out.push(left[l++]);
      continue;
    }
    if (key !== undefined && done.has(key)) l++;
    if (r < right.length) takeRight();
  }
  return out;
}

/** `value` without the paths of `gone`; a list or map that is emptied goes too (undefined). */
export function removePaths(value: unknown, gone: FieldSet, schema: FieldSchema): unknown {
  const shape = shapeOf(schema, value);
  if (shape === 'leaf' || gone.children.size === 0) return value;
  if (shape === 'list') return removeItems(listOf(value), gone, schema);
  const out: JsonMap = {};
  for (const [key, item] of Object.entries(mapOf(value))) {
    const below = gone.children.get(fieldElement(key)) ?? EMPTY_SET;
    const kept = below.member ? undefined : removePaths(item, below, fieldSchemaOf(schema, key));
    if (kept !== undefined) setKey(out, key, kept);
  }
  return isNothing(out) ? undefined : out;
}

function removeItems(list: unknown[], gone: FieldSet, schema: FieldSchema): unknown {
  const out: unknown[] = [];
  for (const item of list) {
    const below = gone.children.get(itemElement(schema, item)) ?? EMPTY_SET;
    const kept = below.member ? undefined : removePaths(item, below, schema.items ?? UNTYPED);
    if (kept !== undefined) out.push(kept);
  }
  return out.length > 0 ? out : undefined;
}
