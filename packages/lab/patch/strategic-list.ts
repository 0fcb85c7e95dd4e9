/** Lists in a strategic merge: merging by key, and the order of the result. */
import { equalJson, getKey, isMap, type JsonMap } from './json.ts';
import { internalPatchError, unprocessablePatch } from './patch-error.ts';

export interface ListMerge {
  /** Absent: items are scalars. */
  mergeKey: string | undefined;
  mergeItem(item: JsonMap, change: JsonMap): JsonMap;
}

export interface ListOrder {
  /** Items (or bare merge keys in maps) in the wanted order. */
  order: readonly unknown[];
  /** The list before the patch: places the items that `order` does not name. */
  serverOrder: readonly unknown[];
  mergeKey: string | undefined;
}

/** Merges `patch` into `current`; a `$patch: delete` item removes its match, `$patch: replace` the whole list. */
export function mergeList(current: unknown[], patch: unknown[], how: ListMerge): unknown[] {
  if (current.length === 0 && patch.length === 0) return current;
  const items = [...current, ...patch];
  if (items.some(Array.isArray)) throw unprocessablePatch('lists of lists are not supported');
  const maps = items.filter(isMap).length;
  if (maps === 0) return mergeScalars(current, patch);
  if (maps < items.length) throw internalPatchError('list element types are not identical');
  return mergeByKey(current as JsonMap[], patch as JsonMap[], how);
}

function mergeScalars(current: unknown[], patch: unknown[]): unknown[] {
  const merged: unknown[] = [];
  for (const item of [...current, ...patch]) if (!merged.some((other) => equalJson(other, item))) merged.push(item);
  return orderLike(merged, { order: patch, serverOrder: current, mergeKey: undefined });
}

function mergeByKey(current: JsonMap[], patch: JsonMap[], { mergeKey, mergeItem }: ListMerge): unknown[] {
  if (!mergeKey) throw internalPatchError('cannot merge lists without merge key for struct');
  const { kept, changes, replaced } = obeyDirectives(current, patch, mergeKey);
  if (replaced) return changes;
  const merged = [...kept];
  for (const change of changes) {
    const key = keyOf(change, mergeKey);
    const index = merged.findIndex((item) => equalJson(getKey(item, mergeKey), key));
    const found = merged[index];
    if (found) merged[index] = mergeItem(found, change);
    else merged.push(change);
  }
  return orderLike(merged, { order: changes, serverOrder: kept, mergeKey });
}

function obeyDirectives(current: JsonMap[], patch: JsonMap[], mergeKey: string) {
  let kept = current;
  let replaced = false;
  const changes: JsonMap[] = [];
  for (const item of patch) {
    const directive = getKey(item, '$patch');
    if (directive === undefined) changes.push(item);
    else if (directive === 'replace') replaced = true;
    else if (directive === 'delete') {
      const key = keyOf(item, mergeKey);
      kept = kept.filter((other) => !equalJson(getKey(other, mergeKey), key));
    } else if (directive === 'merge') throw internalPatchError('merging lists cannot yet be specified in the patch');
    else throw internalPatchError(`unknown patch type: ${String(directive)} in map: ${JSON.stringify(item)}`);
  }
  return { kept, changes, replaced };
}

function keyOf(item: JsonMap, mergeKey: string): unknown {
  const key = getKey(item, mergeKey);
  if (key === undefined)
    throw internalPatchError(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
  return key;
}

/**
 * Items named in `order` in that order; the others (the server's own) keep their order and stand before the next named item
 * that they preceded on the server, else behind.
 */
export function orderLike(items: unknown[], { order, serverOrder, mergeKey }: ListOrder): unknown[] {
  const identity = (item: unknown) => (mergeKey && isMap(item) ? getKey(item, mergeKey) : item);
  const rank = (list: readonly unknown[], item: unknown) =>
    list.findIndex((other) => equalJson(identity(other), identity(item)));
  const byRankIn = (list: readonly unknown[]) => (a: unknown, b: unknown) => rank(list, a) - rank(list, b);
  const named = items.filter((item) => rank(order, item) >= 0).sort(byRankIn(order));
  const others = items.filter((item) => rank(order, item) < 0).sort(byRankIn(serverOrder));
  const out: unknown[] = [];
  for (const item of named) {
    const place = rank(serverOrder, item);
    while (others.length > 0 && place >= 0 && rank(serverOrder, others[0]) < place) out.push(others.shift());
    out.push(item);
  }
  return [...out, ...others];
}
