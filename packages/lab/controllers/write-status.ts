import { isDeepStrictEqual } from 'node:util';
import type { Gvr, KubeObject } from '#api/kube';
import type { PatchWrite } from '../reconcile/index.ts';

/**
 * The write that makes an object's status as wanted, or none when it is so already. Zero counts are left out of the stored
 * object, as Kubernetes leaves them out; absent and zero count as equal. Fields that the wanted status lacks are removed.
 */
export function writeStatus(
  gvr: Gvr,
  object: KubeObject & { status?: object | undefined },
  wanted: object,
): PatchWrite[] {
  const current = compact(object.status ?? {});
  const next = compact(wanted);
  if (isDeepStrictEqual(current, next)) return [];
  const status = mergeDiff(object.status ?? {}, next);
  const { name = '', namespace, uid } = object.metadata;
  return [
    {
      verb: 'patch',
      gvr,
      name,
      ...(namespace && { namespace }),
      subresource: 'status',
      merge: { ...(uid && { metadata: { uid } }), status },
    },
  ];
}

const compact = (status: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(status).filter(([, value]) => value !== 0 && value !== undefined && !isEmptyList(value)),
  );

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

/** The merge patch that turns one object into another: changed members, and null for those that go. */
function mergeDiff(from: object, to: object): Record<string, unknown> {
  const [old, next] = [from as Record<string, unknown>, to as Record<string, unknown>];
  const removed = Object.keys(old).filter((field) => next[field] === undefined);
  const changed = Object.entries(next).filter(
    ([field, value]) => value !== undefined && !isDeepStrictEqual(old[field], value),
  );
  return Object.fromEntries([
    ...removed.map((field) => [field, null] as const),
    ...changed.map(
      ([field, value]) =>
        [field, isPlain(old[field]) && isPlain(value) ? mergeDiff(old[field], value) : value] as const,
    ),
  ]);
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
