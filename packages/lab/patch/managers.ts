/** `metadata.managedFields` as a table of owners, and the bookkeeping rules around it. After apimachinery's managedfields. */
import type { ManagedFieldsEntry } from '#api/kube';
import { decodeFieldsV1, EMPTY_SET, encodeFieldsV1, type FieldSet, isEmpty, union } from './field-set.ts';
import { isMap } from './json.ts';

/** Beyond so many entries of operation Update the oldest are folded into `ancient-changes`. */
const UPDATE_MANAGERS_MAX = 10;

export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  /** `v1`, `apps/v1`; not part of an applier's identity. */
  readonly apiVersion: string;
  readonly subresource: string;
  readonly set: FieldSet;
  readonly time: string | undefined;
  /** The wire form of exactly this set, where it was read: spares encoding it again. */
  readonly encoded?: { readonly of: FieldSet; readonly fieldsV1: Record<string, unknown> };
}

/** Owners by identity ({@link managerKey}). */
export type Managers = ReadonlyMap<string, Manager>;

type Identity = Pick<Manager, 'manager' | 'operation' | 'apiVersion' | 'subresource'>;

/** Appliers keep one entry over all API versions; updaters have one for each. The text sorts as Kubernetes' does. */
export function managerKey({ manager, operation, apiVersion, subresource }: Identity): string {
  return JSON.stringify({
    ...(manager ? { manager } : {}),
    operation,
    ...(operation === 'Update' && apiVersion ? { apiVersion } : {}),
    ...(subresource ? { subresource } : {}),
  });
}

/** Reads managedFields; undefined where an entry is malformed. */
export function readManagers(entries: unknown): Managers | undefined {
  const managers = new Map<string, Manager>();
  if (entries === undefined || entries === null) return managers;
  if (!Array.isArray(entries)) return undefined;
  for (const entry of entries) {
    const manager = readEntry(entry);
    if (!manager) return undefined;
    managers.set(managerKey(manager), manager);
  }
  return managers;
}

function readEntry(entry: unknown): Manager | undefined {
  if (!isMap(entry)) return undefined;
  const { manager, operation, apiVersion, time, fieldsType, fieldsV1, subresource } = entry as ManagedFieldsEntry;
  if ((operation !== 'Apply' && operation !== 'Update') || !apiVersion || fieldsType !== 'FieldsV1') return undefined;
  try {
    const set = fieldsV1 ? decodeFieldsV1(fieldsV1) : EMPTY_SET;
    const encoded = fieldsV1 && { of: set, fieldsV1 };
    return {
      manager: manager ?? '',
      operation,
      apiVersion,
      subresource: subresource ?? '',
      set,
      time,
      ...(encoded && { encoded }),
    };
  } catch {
    // Malformed sets are dropped by the caller as a whole, as Kubernetes does.
    return undefined;
  }
}

/** True for `[]` and `[{}]`, by which a client asks to forget all owners. */
export function isReset(entries: unknown): boolean {
  if (!Array.isArray(entries)) return false;
  return entries.length === 0 || (entries.length === 1 && isMap(entries[0]) && Object.keys(entries[0]).length === 0);
}

/** Wire form, appliers first, then by time, name, version and subresource; undefined where nobody owns anything. */
export function writeManagers(managers: Managers): ManagedFieldsEntry[] | undefined {
  const rows = [...managers.values()].filter((row) => !isEmpty(row.set)).sort(compareRows);
  if (rows.length === 0) return undefined;
  return rows.map((row) => ({
    ...(row.manager ? { manager: row.manager } : {}),
    operation: row.operation,
    apiVersion: row.apiVersion,
    ...(row.time ? { time: row.time } : {}),
    fieldsType: 'FieldsV1',
    fieldsV1: row.encoded?.of === row.set ? row.encoded.fieldsV1 : encodeFieldsV1(row.set),
    ...(row.subresource ? { subresource: row.subresource } : {}),
  }));
}

const seconds = (time: string | undefined) => (time ? Math.floor(Date.parse(time) / 1000) : 0);
const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function compareRows(a: Manager, b: Manager): number {
  return (
    byText(a.operation, b.operation) ||
    seconds(a.time) - seconds(b.time) ||
    byText(a.manager, b.manager) ||
    byText(a.apiVersion, b.apiVersion) ||
    byText(a.subresource, b.subresource)
  );
}

/** Folds the oldest Update entries into one `ancient-changes` per API version until the limit holds. */
export function capUpdateManagers(managers: Managers): Managers {
  const out = new Map(managers);
  const updaters = [...managers].filter(([, row]) => row.operation === 'Update');
  updaters.sort(([aKey, a], [bKey, b]) => seconds(a.time) - seconds(b.time) || byText(aKey, bKey));
  let count = updaters.length;
  const firstOf = new Map<string, string>();
  for (const [key, row] of updaters) {
    if (count <= UPDATE_MANAGERS_MAX) break;
    const first = firstOf.get(row.apiVersion);
    if (first === undefined) {
      firstOf.set(row.apiVersion, key);
      continue;
    }
    foldInto(out, first, key, row);
    count--;
  }
  return out;
}

/** The first entry of a version becomes the bucket when a second one joins it. */
function foldInto(out: Map<string, Manager>, firstKey: string, key: string, row: Manager): void {
  const identity = {
    manager: 'ancient-changes',
    operation: 'Update',
    apiVersion: row.apiVersion,
    subresource: '',
  } as const;
  const bucketKey = managerKey(identity);
  const before = out.get(bucketKey) ?? out.get(firstKey);
  if (!out.has(bucketKey)) out.delete(firstKey);
  out.delete(key);
  out.set(bucketKey, { ...identity, set: union(before?.set ?? EMPTY_SET, row.set), time: row.time });
}

/** How an owner is named in messages: `"m1"`, `"curl" using v1`, `"kubelet" with subresource "status" using v1`. */
export function printManager(row: Identity): string {
  const part = row.subresource ? ` with subresource ${JSON.stringify(row.subresource)}` : '';
  const version = row.operation === 'Update' ? ` using ${row.apiVersion}` : '';
  return `${JSON.stringify(row.manager)}${part}${version}`;
}
