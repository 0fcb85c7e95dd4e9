import type { AnyObject, ObjectMeta } from '#api/kube';

const NAME_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const GENERATED_SUFFIX = 5;
const GENERATED_BASE_MAX = 63 - GENERATED_SUFFIX;

/** `web-` -> `web-7x4kq`: five letters that spell nothing, as kube appends. */
export function generatedName(base: string, random: () => number): string {
  let name = base.slice(0, GENERATED_BASE_MAX);
  for (let at = 0; at < GENERATED_SUFFIX; at++) name += NAME_LETTERS[Math.floor(random() * NAME_LETTERS.length)];
  return name;
}

/** RFC 3339 in UTC with seconds, e.g. `2026-11-21T10:00:05Z`. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** The object with apiVersion, kind and metadata first, as clients are used to read it. */
export function inOrder(object: AnyObject): AnyObject {
  const { apiVersion, kind, metadata, ...rest } = object;
  return { ...(apiVersion && { apiVersion }), ...(kind && { kind }), metadata, ...rest } as AnyObject;
}

/** Metadata fields in kube's order; absent, empty and null ones left out. */
export function tidyMeta(meta: ObjectMeta): ObjectMeta {
  const tidy: Record<string, unknown> = {};
  const given = meta as Record<string, unknown>;
  for (const field of META_FIELDS) {
    const value = given[field];
    if (value === undefined || value === null || isEmpty(value)) continue;
    tidy[field] = value;
  }
  return tidy as ObjectMeta;
}

const META_FIELDS = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
] as const satisfies readonly (keyof ObjectMeta)[];

function isEmpty(value: unknown): boolean {
  if (value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** A deep copy that may be changed, of a snapshot that may not. */
export function cloned<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(cloned) as T;
  const copy: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) {
    if (key !== '__proto__') copy[key] = cloned(child);
    else
      Object.defineProperty(copy, key, { value: cloned(child), enumerable: true, writable: true, configurable: true });
  }
  return copy as T;
}

/** JSON equality: key order does not count, absent and undefined are one. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, at) => sameJson(item, b[at]));
  }
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key of Object.keys(left)) if (!sameJson(left[key], right[key])) return false;
  for (const key of Object.keys(right)) if (left[key] === undefined && right[key] !== undefined) return false;
  return true;
}
