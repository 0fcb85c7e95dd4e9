/** Patches of the fake client: JSON patch (RFC 6902 without move and copy) and merge patch (RFC 7396). */

type Json = Record<string, unknown>;

/** Merges in place and returns the target: null removes, objects merge, all else replaces. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Json = typeof target === 'object' && target !== null && !Array.isArray(target) ? (target as Json) : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = applyMergePatch(result[key], value);
  }
  return result;
}

/** Applies a list of operations in place and returns the target; throws when a path or test does not hold. */
export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  for (const { op, path, value } of patch as { op: string; path: string; value?: unknown }[]) {
    const parts = path
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = parts.pop() ?? '';
    let parent: unknown = target;
    for (const part of parts) parent = (parent as Json | undefined)?.[part];
    if (typeof parent !== 'object' || parent === null) throw new Error(`JSON patch: ${path} has no parent`);
    const container = parent as Json;
    if (op === 'test') {
      if (JSON.stringify(container[last]) !== JSON.stringify(value))
        throw new Error(`JSON patch: test of ${path} failed`);
    } else if (op === 'remove') {
      if (Array.isArray(parent)) parent.splice(Number(last), 1);
      else delete container[last];
    } else if (op === 'add' && Array.isArray(parent)) {
      parent.splice(last === '-' ? parent.length : Number(last), 0, value);
    } else if (op === 'add' || op === 'replace') container[last] = value;
    else throw new Error(`JSON patch: operation ${op} is not supported here`);
  }
  return target;
}
