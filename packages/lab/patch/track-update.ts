/** Ownership of plain writes: whoever changes a field by create, update or patch takes it from all others. */
import type { AnyObject } from '#api/kube';
import { difference, EMPTY_SET, isEmpty, recursiveDifference, union } from './field-set.ts';
import { equalJson } from './json.ts';
import {
  capUpdateManagers,
  isReset,
  type Manager,
  type Managers,
  managerKey,
  readManagers,
  writeManagers,
} from './managers.ts';
import {
  compareForOwners,
  dispossess,
  type OwnershipOptions,
  resetSetOf,
  withManagedFields,
  withoutManagedFields,
  withoutUntracked,
} from './ownership.ts';
import { ListItemError } from './path-element.ts';

export interface TrackUpdateOptions extends OwnershipOptions {
  /** Of the request, e.g. `apps/v1`. */
  readonly apiVersion: string;
}

/**
 * `updated` with its managedFields brought up to date; arguments are not changed. `old` is the stored object, undefined on
 * creation. Call it after patching and before admission (what webhooks change stays unowned, as upstream). Fields of
 * `updated.metadata.managedFields` sent by the client count on the main endpoint; `[{}]` resets them.
 * An object whose lists cannot be told apart under the schema loses its managedFields, as upstream.
 */
export function trackUpdate(old: AnyObject | undefined, updated: AnyObject, options: TrackUpdateOptions): AnyObject {
  const managers = ownersFrom(old, updated, options);
  const clean = withoutManagedFields(updated);
  // An object that was never tracked starts to be with its first apply, not with an update.
  if (managers.size === 0 && old?.metadata.uid) return clean;
  try {
    const before = withoutManagedFields(old ?? options.emptyObject ?? emptyLike(updated));
    const tracked = recordUpdate(before, clean, managers, options);
    return withManagedFields(clean, writeManagers(capUpdateManagers(tracked)));
  } catch (error) {
    if (!(error instanceof ListItemError)) throw error;
    // Missing list keys: validation reports them to the client, ownership has no words for them.
    return clean;
  }
}

/** What stands for "nothing" of the same kind. */
export function emptyLike(object: AnyObject): AnyObject {
  const { apiVersion, kind } = object;
  return { ...(apiVersion ? { apiVersion } : {}), ...(kind ? { kind } : {}), metadata: {} };
}

function ownersFrom(old: AnyObject | undefined, updated: AnyObject, options: TrackUpdateOptions): Managers {
  const stored = readManagers(old?.metadata.managedFields) ?? new Map<string, Manager>();
  if (options.subresource) return stored;
  if (isReset(updated.metadata.managedFields)) return new Map();
  const sent = readManagers(updated.metadata.managedFields);
  return sent && sent.size > 0 ? sent : stored;
}

/** The owners after the change from `before` to `after`; the manager's time moves only if it gained or lost something. */
export function recordUpdate(
  before: AnyObject,
  after: AnyObject,
  managers: Managers,
  options: TrackUpdateOptions,
): Managers {
  const identity = {
    manager: options.manager || 'unknown',
    operation: 'Update',
    apiVersion: options.apiVersion,
    subresource: options.subresource ?? '',
  } as const;
  const compared = compareForOwners(before, after, options);
  const out = dispossess(managers, '', compared);
  const taken = withoutUntracked(
    recursiveDifference(difference(union(compared.modified, compared.added), compared.removed), resetSetOf(options)),
  );
  if (isEmpty(taken)) return out;
  const key = managerKey(identity);
  const set = union(out.get(key)?.set ?? EMPTY_SET, taken);
  out.set(key, { ...identity, set, time: options.nowIso });
  return out;
}

/**
 * `updated`, but with the old managedFields where the two objects differ in nothing else than the times in managedFields
 * (and resourceVersion). Call it last before storing: it is what keeps a no-op write silent.
 */
export function keepOwnerTimes(old: AnyObject, updated: AnyObject): AnyObject {
  const before = old.metadata.managedFields;
  const after = updated.metadata.managedFields;
  if (!before || !after || before.length !== after.length) return updated;
  const untimed = (entries: typeof after) => entries.map(({ time: _, ...entry }) => entry);
  if (!equalJson(untimed(before), untimed(after))) return updated;
  const comparable = (object: AnyObject) => {
    const { resourceVersion: _, ...metadata } = withoutManagedFields(object).metadata;
    return { ...object, metadata };
  };
  return equalJson(comparable(old), comparable(updated)) ? withManagedFields(updated, before) : updated;
}
