/** What the tables of defaults are written in. */

export type Json = Record<string, unknown>;

/**
 * Defaults of one struct. Plain values fill absent fields (they are copied); functions see the struct, with its children's
 * defaults done, and give the value of an absent field or undefined to leave it.
 */
export interface StructDefaults {
  readonly fields?: Readonly<Record<string, unknown | ((owner: Json) => unknown)>>;
  /** For what is no plain default; changes the struct in place. */
  readonly fix?: (owner: Json) => void;
}

export type DefaultsTable = Readonly<Record<string, StructDefaults>>;

/** Fills one struct in place; true if something was added. */
export function applyDefaults(rules: StructDefaults, owner: Json): boolean {
  let changed = false;
  for (const [field, rule] of Object.entries(rules.fields ?? {})) {
    if (owner[field] !== undefined) continue;
    const value = typeof rule === 'function' ? (rule as (owner: Json) => unknown)(owner) : structuredClone(rule);
    if (value === undefined) continue;
    owner[field] = value;
    changed = true;
  }
  rules.fix?.(owner);
  return changed || rules.fix !== undefined;
}

/** The child object at `key`; an empty one that is not attached where there is none. */
export const objectAt = (owner: Json, key: string): Json => (owner[key] as Json | undefined) ?? {};
/** The list at `key`; empty where there is none. */
export const listAt = (owner: Json, key: string): Json[] => (owner[key] as Json[] | undefined) ?? [];
