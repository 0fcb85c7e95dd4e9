/** Server-side apply: a manager states the fields it wants; the server merges, and remembers who stated what. */

import type { AnyObject } from '#api/kube';
import { apiVersionOf } from '../kinds/index.ts';
import type { FieldSchema } from '../schema/index.ts';
import {
  difference,
  EMPTY_SET,
  equalSets,
  type FieldSet,
  intersection,
  isEmpty,
  recursiveDifference,
  union,
  withNamedFields,
} from './field-set.ts';
import { equalJson, isMap } from './json.ts';
import { type Manager, type Managers, managerKey, readManagers, writeManagers } from './managers.ts';
import {
  type Conflict,
  compareForOwners,
  conflictError,
  conflictsBeyond,
  conflictsOf,
  dispossess,
  type OwnershipOptions,
  resetSetOf,
  withManagedFields,
  withoutManagedFields,
  withoutUntracked,
} from './ownership.ts';
import { badPatch, internalPatchError } from './patch-error.ts';
import { ListItemError } from './path-element.ts';
import { emptyLike, recordUpdate } from './track-update.ts';
import { compareTyped, mergeTyped, removePaths, toFieldSet } from './typed.ts';
import { joinTypedErrors, typedErrors } from './validate-typed.ts';

export interface ApplyOptions extends OwnershipOptions {
  /** Take fields from other managers instead of failing. */
  readonly force: boolean;
  /** What the endpoint serves; a config of another kind is refused. */
  readonly gvk: { readonly group: string; readonly version: string; readonly kind: string };
}

export interface ApplyResult {
  /** The merged object with managedFields; not yet defaulted, admitted or validated. */
  readonly object: AnyObject;
  /** False where the merged object equals the live one, managedFields aside. */
  readonly changed: boolean;
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Applies `config` (the decoded body) over `live` (undefined where it does not exist yet). Arguments are not changed.
 * Faults: 400 wrong version, wrong kind or managedFields in the config; 409 conflicts; 500 a config that does not fit the
 * schema (`failed to create typed patch object (ns/name; g/v, Kind=K): .foo: field not declared in schema`).
 */
export function serverSideApply(live: AnyObject | undefined, config: AnyObject, options: ApplyOptions): ApplyResult {
  checkConfig(config, options);
  const stored = withoutManagedFields(live ?? options.emptyObject ?? emptyLike(config));
  const managers = ownersBefore(live, stored, options);
  const outcome = applyAs(stored, config, managers, options);
  return 'conflicts' in outcome
    ? resolveLegacy(stored, config, managers, options, outcome.conflicts)
    : finish(outcome, config, options);
}

function printGvk({ group, version, kind }: ApplyOptions['gvk']): string {
  return `${group}/${version}, Kind=${kind}`;
}

function checkConfig(config: AnyObject, { gvk, schema }: ApplyOptions): void {
  const [group, version] = config.apiVersion?.includes('/')
    ? (config.apiVersion.split('/') as [string, string])
    : ['', config.apiVersion ?? ''];
  const sent = { group, version, kind: config.kind ?? '' };
  if (printGvk(sent) !== printGvk(gvk)) throw badPatch(`invalid object type: ${printGvk(sent)}`);
  if (config.metadata?.managedFields != null) throw badPatch('metadata.managedFields must be nil');
  const errors = typedErrors(config, schema);
  if (errors.length === 0) return;
  const where = `${config.metadata?.namespace ?? ''}/${config.metadata?.name ?? ''}; ${printGvk(gvk)}`;
  throw internalPatchError(`failed to create typed patch object (${where}): ${joinTypedErrors(errors)}`);
}

/** An object without owners gets one entry for all that it holds before its first apply. */
function ownersBefore(live: AnyObject | undefined, stored: AnyObject, options: ApplyOptions): Managers {
  const managers = readManagers(live?.metadata.managedFields);
  if (!managers) throw internalPatchError('failed to decode managed fields');
  if (!live || managers.size > 0) return managers;
  const before = options.emptyObject ?? emptyLike(stored);
  const { subresource: _, ...main } = options;
  return recordUpdate(before, stored, managers, {
    ...main,
    manager: 'before-first-apply',
    apiVersion: apiVersionOf(options.gvk),
  });
}

interface Applied {
  readonly object: AnyObject;
  readonly managers: Managers;
  readonly changed: boolean;
}

function applyAs(
  live: AnyObject,
  config: AnyObject,
  managers: Managers,
  options: ApplyOptions,
): Applied | { conflicts: Conflict[] } {
  const identity = {
    manager: options.manager || 'unknown',
    operation: 'Apply',
    apiVersion: apiVersionOf(options.gvk),
    subresource: options.subresource ?? '',
  } as const;
  const self = managerKey(identity);
  const last = managers.get(self);
  const set = recursiveDifference(toFieldSet(config, options.schema), resetSetOf(options));
  const claims = new Map(managers).set(self, { ...identity, set, time: last?.time });
  const merged = mergeTyped(live, config, options.schema) as AnyObject;
  // Nothing that was stated before is left out: there is nothing to remove.
  const drops = last && !isEmpty(difference(last.set, set));
  const pruned = drops ? prune(merged, last.set, claims, options.schema) : merged;
  // A map that the config states as `{}` stays, even if all that it held goes. Upstream drops it, and so finds a change when
  // the same config is applied once more.
  const object = drops ? (mergeTyped(pruned, config, options.schema) as AnyObject) : merged;
  const compared = compareForOwners(live, object, options);
  const conflicts = options.force ? [] : conflictsOf(claims, self, compared);
  if (conflicts.length > 0) return { conflicts };
  const after = dispossess(claims, self, compared);
  const changed = !equalJson(live, object);
  settle(after, self, { ...identity, set: withoutUntracked(set), time: last?.time }, changed, last, options.nowIso);
  return { object, managers: after, changed };
}

/** The applier's own entry: a new time only where the object changed or the entry says something new. */
function settle(
  managers: Map<string, Manager>,
  self: string,
  row: Manager,
  changed: boolean,
  last: Manager | undefined,
  nowIso: string,
): void {
  if (isEmpty(row.set)) managers.delete(self);
  else {
    const fresh = changed || !last || !equalSets(last.set, row.set) || last.apiVersion !== row.apiVersion;
    managers.set(self, { ...row, time: fresh ? nowIso : row.time });
  }
}

/** Removes what the manager applied last time, does not apply now, and nobody else owns. */
function prune(merged: AnyObject, last: FieldSet, claims: Managers, schema: FieldSchema): AnyObject {
  if (isEmpty(last)) return merged;
  const named = (set: FieldSet) => withNamedFields(set, schema);
  const setOf = (value: unknown) => named(toFieldSet(value, schema));
  const remove = (set: FieldSet) => (removePaths(merged, set, schema) ?? {}) as AnyObject;
  const everything = setOf(merged);
  let owned = EMPTY_SET;
  for (const row of claims.values()) owned = union(owned, row.set);
  const without = remove(named(last));
  const restored = remove(difference(everything, union(setOf(without), named(owned))));
  return remove(intersection(difference(everything, setOf(restored)), named(last)));
}

function finish({ object, managers, changed }: Applied, config: AnyObject, options: ApplyOptions): ApplyResult {
  const annotated = options.manager === 'kubectl' ? refreshLastApplied(object, config) : object;
  return {
    object: withManagedFields(annotated, writeManagers(managers)),
    changed: changed || annotated !== object,
  };
}

/** kubectl's own annotation stays true after a server-side apply, so that a later client-side apply diffs against it. */
function refreshLastApplied(object: AnyObject, config: AnyObject): AnyObject {
  const annotations = object.metadata.annotations;
  if (!annotations?.[LAST_APPLIED]) return object;
  const { [LAST_APPLIED]: _, ...rest } = config.metadata.annotations ?? {};
  const bare = config.metadata.annotations
    ? { ...config, metadata: { ...config.metadata, annotations: rest } }
    : config;
  const text = `${JSON.stringify(sortKeys(bare))}\n`;
  if (annotations[LAST_APPLIED] === text) return object;
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [LAST_APPLIED]: text } } };
}

/** Go's encoder sorts keys. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sortKeys(value[key])]),
  );
}

/**
 * kubectl moving from client-side to server-side apply: conflicts over fields that its last-applied annotation states with
 * the live value are its own, not another manager's.
 */
function resolveLegacy(
  live: AnyObject,
  config: AnyObject,
  managers: Managers,
  options: ApplyOptions,
  conflicts: Conflict[],
): ApplyResult {
  const allowed = options.manager === 'kubectl' ? lastAppliedSet(live, options) : undefined;
  if (!allowed) throw conflictError(conflicts);
  const foreign = conflictsBeyond(conflicts, allowed);
  if (foreign.length > 0) throw conflictError(foreign);
  const outcome = applyAs(live, config, managers, { ...options, force: true });
  if ('conflicts' in outcome) throw conflictError(outcome.conflicts);
  return finish(outcome, config, options);
}

function lastAppliedSet(live: AnyObject, options: ApplyOptions): FieldSet | undefined {
  const text = live.metadata.annotations?.[LAST_APPLIED];
  if (!text) return undefined;
  try {
    const config: unknown = JSON.parse(text);
    if (!isMap(config) || config['apiVersion'] !== apiVersionOf(options.gvk)) return undefined;
    const { added, modified, removed } = compareTyped(config, live, options.schema);
    const stated = toFieldSet(config, options.schema);
    return difference(stated, union(added, union(modified, removed)));
  } catch (error) {
    // A broken annotation claims nothing: the conflicts stand.
    if (error instanceof SyntaxError || error instanceof ListItemError) return undefined;
    throw error;
  }
}
