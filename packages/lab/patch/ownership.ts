/** Who owns what after a change: the core shared by server-side apply and the tracking of plain updates. */
import type { AnyObject, StatusCause } from '#api/kube';
import type { FieldSchema } from '../schema/index.ts';
import {
  difference,
  EMPTY_SET,
  type FieldPath,
  type FieldSet,
  hasPath,
  intersection,
  isEmpty,
  pathsOf,
  printPath,
  recursiveDifference,
  setOfFields,
  union,
} from './field-set.ts';
import type { JsonMap } from './json.ts';
import { type Manager, type Managers, printManager } from './managers.ts';
import { PatchError } from './patch-error.ts';
import { type Comparison, compareTyped } from './typed.ts';

/** What both need to know about the request. */
export interface OwnershipOptions {
  /** Schema of the whole object, metadata included. */
  readonly schema: FieldSchema;
  /** `fieldManager`, or the User-Agent up to `/`. Empty counts as `unknown`. */
  readonly manager: string;
  /** Now, RFC 3339 with seconds. */
  readonly nowIso: string;
  /** `status`, `scale`, …; absent on the main endpoint. */
  readonly subresource?: string;
  /**
   * Paths that the endpoint does not write, hence never own, e.g. `[['status']]`. Absent: `status` on the main endpoint,
   * `spec` on `status`. Pass `[]` for kinds without a status subresource.
   */
  readonly resetFields?: readonly (readonly string[])[];
  /** The object that creation starts from (Go's zero value of the kind); absent: only apiVersion and kind. */
  readonly emptyObject?: AnyObject;
}

/** Never owned by anyone: identity and what the server sets. */
const UNTRACKED = setOfFields([
  ['apiVersion'],
  ['kind'],
  ['metadata'],
  ...[
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'clusterName',
    'generation',
    'managedFields',
    'resourceVersion',
  ].map((field) => ['metadata', field]),
]);

/** The set without identity fields. */
export function withoutUntracked(set: FieldSet): FieldSet {
  return difference(set, UNTRACKED);
}

const RESET_MAIN = setOfFields([['status']]);
const RESET_STATUS = setOfFields([['spec']]);

/** The paths that the endpoint ignores. */
export function resetSetOf(options: OwnershipOptions): FieldSet {
  if (options.resetFields) return setOfFields(options.resetFields);
  if (!options.subresource) return RESET_MAIN;
  return options.subresource === 'status' ? RESET_STATUS : EMPTY_SET;
}

/** The object without managedFields, which are no part of what is owned. */
export function withoutManagedFields(object: AnyObject): AnyObject {
  if (!object.metadata || !('managedFields' in object.metadata)) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** The object with these managedFields (none: without the key). */
export function withManagedFields(object: AnyObject, managedFields: unknown): AnyObject {
  const metadata: JsonMap = { ...object.metadata };
  if (managedFields === undefined) delete metadata['managedFields'];
  else metadata['managedFields'] = managedFields;
  return { ...object, metadata } as AnyObject;
}

export interface Conflict {
  readonly manager: Manager;
  readonly path: FieldPath;
}

/** Differences that count on this endpoint. */
export function compareForOwners(before: AnyObject, after: AnyObject, options: OwnershipOptions): Comparison {
  const compared = compareTyped(before, after, options.schema);
  const reset = resetSetOf(options);
  return {
    added: recursiveDifference(compared.added, reset),
    modified: recursiveDifference(compared.modified, reset),
    removed: recursiveDifference(compared.removed, reset),
  };
}

/** What others own of that which changed. */
export function conflictsOf(managers: Managers, self: string, compared: Comparison): Conflict[] {
  const changed = union(compared.modified, compared.added);
  return [...managers]
    .filter(([key]) => key !== self)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, manager]) => pathsOf(intersection(manager.set, changed)).map((path) => ({ manager, path })));
}

/** Everybody but `self` loses what changed or vanished; owners of nothing go. */
export function dispossess(managers: Managers, self: string, compared: Comparison): Map<string, Manager> {
  const lost = union(compared.removed, union(compared.modified, compared.added));
  const out = new Map<string, Manager>();
  for (const [key, row] of managers) {
    const set = key === self ? row.set : difference(row.set, lost);
    if (!isEmpty(set)) out.set(key, set === row.set ? row : { ...row, set });
  }
  return out;
}

/** Conflicts outside `allowed`. */
export function conflictsBeyond(conflicts: readonly Conflict[], allowed: FieldSet): Conflict[] {
  return conflicts.filter(({ path }) => !hasPath(allowed, path));
}

/** 409 with one cause per conflict and Kubernetes' message. */
export function conflictError(conflicts: readonly Conflict[]): PatchError {
  const causes: StatusCause[] = conflicts.map(({ manager, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${printManager(manager)}`,
    field: printPath(path),
  }));
  return new PatchError(409, 'Conflict', conflictMessage(conflicts), causes);
}

function conflictMessage(conflicts: readonly Conflict[]): string {
  const [first] = conflicts;
  if (conflicts.length === 1 && first)
    return `Apply failed with 1 conflict: conflict with ${printManager(first.manager)}: ${printPath(first.path)}`;
  const lines: string[] = [];
  let last: Manager | undefined;
  for (const { manager, path } of conflicts) {
    if (manager !== last) lines.push(`conflicts with ${printManager(manager)}:`);
    last = manager;
    lines.push(`- ${printPath(path)}`);
  }
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
}
