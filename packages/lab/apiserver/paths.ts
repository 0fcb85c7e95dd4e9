/** Reads `spec.replicas` or `.spec.replicas` of a JSON value; undefined where any step is missing. */
export function valueAt(value: unknown, path: string): unknown {
  let at = value;
  for (const step of steps(path)) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string, unknown>)[step];
  }
  return at;
}

/** Sets `spec.replicas` of an object in place, making the objects on the way. */
export function setValueAt(target: Record<string, unknown>, path: string, value: unknown): void {
  const way = steps(path);
  const last = way.pop();
  if (last === undefined) return;
  let at = target;
  for (const step of way) {
    const next = at[step];
    if (typeof next === 'object' && next !== null && !Array.isArray(next)) at = next as Record<string, unknown>;
    else {
      const made: Record<string, unknown> = {};
      at[step] = made;
      at = made;
    }
  }
  at[last] = value;
}

const steps = (path: string): string[] => path.split('.').filter((step) => step !== '');
