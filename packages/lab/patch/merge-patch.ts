/** JSON merge patch, RFC 7386. */
import { cloneJson, getKey, isMap, type JsonMap, setKey } from './json.ts';
import { badPatch } from './patch-error.ts';

/**
 * Returns `target` with `patch` merged in; neither argument is changed. null removes a key, lists are replaced whole.
 * Faults: 400 where the patch is no object (Kubernetes objects are never replaced by scalars).
 */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) throw badPatch('Invalid JSON Patch');
  return merge(target, patch);
}

function merge(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return cloneJson(patch);
  const out: JsonMap = isMap(target) ? cloneJson(target) : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete out[key];
    else if (value !== undefined) setKey(out, key, merge(getKey(out, key), value));
  }
  return out;
}
