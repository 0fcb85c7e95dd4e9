/**
 * Strategic merge patch: a merge patch that knows, per field, whether a list is replaced or merged by a key, and that obeys
 * the directives `$patch`, `$retainKeys`, `$setElementOrder/f` and `$deleteFromPrimitiveList/f`.
 * Behaviour after apimachinery's util/strategicpatch; only the first merge key of a field counts there, so here too.
 */
import { childSchema, type FieldSchema, UNTYPED } from '../schema/index.ts';
import { cloneJson, equalJson, getKey, isMap, type JsonMap, setKey } from './json.ts';
import { badPatch, internalPatchError } from './patch-error.ts';
import { mergeList, orderLike } from './strategic-list.ts';

const PATCH = '$patch';
const RETAIN_KEYS = '$retainKeys';
const SET_ORDER = '$setElementOrder';
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList';

/**
 * Returns `original` with `patch` merged in; neither argument is changed. `schema` is that of the whole object.
 * Faults: 400 for malformed directives, 422 for lists of lists, 500 where a list item lacks its merge key (as upstream).
 */
export function applyStrategicMergePatch(original: unknown, patch: unknown, schema: FieldSchema): unknown {
  if (!isMap(patch)) throw badPatch('invalid JSON document');
  return mergeMap(isMap(original) ? cloneJson(original) : {}, cloneJson(patch), schema);
}

/** Merges in place: both maps are private copies of the caller. */
function mergeMap(original: JsonMap, patch: JsonMap, schema: FieldSchema): JsonMap {
  const directive = getKey(patch, PATCH);
  if (directive !== undefined) {
    delete patch[PATCH];
    if (directive === 'replace') return withoutNulls(patch) as JsonMap;
    if (directive === 'delete') return {};
    if (directive !== 'merge')
      throw internalPatchError(`unknown patch type: ${String(directive)} in map: ${JSON.stringify(patch)}`);
  }
  retainKeys(original, patch);
  for (const key of Object.keys(patch)) if (key.startsWith(SET_ORDER)) mergeOrdered(original, patch, key, schema);
  for (const key of Object.keys(patch)) mergeField(original, patch, key, schema);
  return original;
}

/** `$retainKeys: [a, b]` drops every other key; a patch that sets a key outside the list contradicts itself. */
function retainKeys(original: JsonMap, patch: JsonMap): void {
  const list = getKey(patch, RETAIN_KEYS);
  if (list === undefined) return;
  delete patch[RETAIN_KEYS];
  if (!Array.isArray(list)) throw badPatch('invalid patch format of retainKeys');
  const retained = new Set(list);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || key.startsWith(DELETE_PRIMITIVES) || key.startsWith(SET_ORDER)) continue;
    if (!retained.has(key)) throw badPatch('invalid patch format of retainKeys');
  }
  for (const key of Object.keys(original)) if (!retained.has(key)) delete original[key];
}

/** `prefix/field` -> `field`. */
function fieldOf(key: string, prefix: string, name: string): string {
  if (!key.startsWith(`${prefix}/`)) throw badPatch(`invalid patch format of ${name} list`);
  return key.slice(prefix.length + 1);
}

/** Handles `$setElementOrder/f` together with the patch of `f`, and removes both from the patch. */
function mergeOrdered(original: JsonMap, patch: JsonMap, key: string, schema: FieldSchema): void {
  const field = fieldOf(key, SET_ORDER, 'setElementOrder');
  const order = patch[key];
  delete patch[key];
  if (!Array.isArray(order)) throw badPatch('invalid patch format of setElementOrder list');
  // A list that is deleted has no order.
  if (getKey(patch, field) === null) return;
  const current = listAt(original, field);
  const change = listAt(patch, field);
  const fieldSchema = childSchema(schema, field) ?? UNTYPED;
  const mergeKey = fieldSchema.patchMergeKey;
  if (change) requireSameOrder(change, order, mergeKey);
  if (!current && !change) return;
  delete patch[field];
  const merged =
    current && change
      ? mergeLists(current, change, fieldSchema)
      : (current ?? (cleanNew(change ?? []).value as unknown[]));
  setKey(original, field, orderLike(merged, { order, serverOrder: current ?? [], mergeKey }));
}

function listAt(map: JsonMap, key: string): unknown[] | undefined {
  const value = getKey(map, key);
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw internalPatchError(`expected a []interface {}, but received a ${typeof value}`);
  return value;
}

/** The patched items must stand in the order that the directive states, deletions aside. */
function requireSameOrder(change: unknown[], order: unknown[], mergeKey: string | undefined): void {
  const keyOf = (item: unknown) => (mergeKey && isMap(item) ? item[mergeKey] : item);
  let at = 0;
  for (const item of change) {
    if (isMap(item) && Object.hasOwn(item, PATCH)) continue;
    while (at < order.length && !equalJson(keyOf(order[at]), keyOf(item))) at++;
    if (at++ >= order.length)
      throw internalPatchError(
        `The order in patch list:\n${JSON.stringify(change)}\n doesn't match ${SET_ORDER} list:\n${JSON.stringify(order)}\n`,
      );
  }
}

function mergeField(original: JsonMap, patch: JsonMap, patchKey: string, schema: FieldSchema): void {
  const value = patch[patchKey];
  if (value === undefined) return;
  if (patchKey.startsWith(DELETE_PRIMITIVES)) {
    deletePrimitives(original, fieldOf(patchKey, DELETE_PRIMITIVES, 'primitive'), value);
    return;
  }
  if (value === null) {
    delete original[patchKey];
    return;
  }
  const current = getKey(original, patchKey);
  const fieldSchema = childSchema(schema, patchKey) ?? UNTYPED;
  if (isMap(current) && isMap(value)) setKey(original, patchKey, mergeMaps(current, value, fieldSchema));
  else if (Array.isArray(current) && Array.isArray(value))
    setKey(original, patchKey, mergeLists(current, value, fieldSchema));
  else setNew(original, patchKey, value);
}

function deletePrimitives(original: JsonMap, field: string, value: unknown): void {
  if (!Array.isArray(value)) throw badPatch('invalid patch format of primitive list');
  const current = getKey(original, field);
  if (Array.isArray(current)) original[field] = current.filter((item) => !value.some((gone) => equalJson(gone, item)));
}

function mergeMaps(current: JsonMap, patch: JsonMap, schema: FieldSchema): JsonMap {
  if (schema.patchStrategy?.includes('replace')) return withoutNulls(patch) as JsonMap;
  return mergeMap(current, patch, schema);
}

function mergeLists(current: unknown[], patch: unknown[], schema: FieldSchema): unknown[] {
  if (!schema.patchStrategy?.includes('merge')) return patch;
  const itemSchema = schema.items ?? UNTYPED;
  return mergeList(current, patch, {
    mergeKey: schema.patchMergeKey,
    mergeItem: (item, change) => mergeMap(item, change, itemSchema),
  });
}

/** What is new to the object is taken as it is, less directives and nulls. */
function setNew(original: JsonMap, key: string, value: unknown): void {
  const { value: clean, keep } = cleanNew(withoutNulls(value));
  if (keep) setKey(original, key, clean);
  else delete original[key];
}

/** Drops maps that carry `$patch` (there is nothing to replace or delete) from a value that is new. */
function cleanNew(value: unknown): { value: unknown; keep: boolean } {
  if (Array.isArray(value)) {
    const items = value.map(cleanNew).filter((item) => item.keep);
    return { value: items.map((item) => item.value), keep: true };
  }
  if (!isMap(value)) return { value, keep: true };
  if (Object.hasOwn(value, PATCH)) return { value: undefined, keep: false };
  const out: JsonMap = {};
  for (const key of Object.keys(value)) {
    const { value: clean, keep } = cleanNew(value[key]);
    if (keep) setKey(out, key, clean);
  }
  return { value: out, keep: true };
}

/** A null that deletes nothing is not stored. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMap(value)) return value;
  const out: JsonMap = {};
  for (const key of Object.keys(value)) if (value[key] !== null) setKey(out, key, withoutNulls(value[key]));
  return out;
}
