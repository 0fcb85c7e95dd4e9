import { isDeepStrictEqual } from 'node:util';
import type { At } from './cause.ts';
import type { Check, Json } from './checks.ts';

/** What a check of a whole struct may look at besides the struct. */
export interface Scope {
  /** The object that is validated, and the stored one it replaces. */
  readonly root: Json;
  readonly old: Json | undefined;
}

/** Checks of one struct, wherever it occurs: of its fields, and of fields among each other. */
export interface StructRules {
  readonly fields?: Readonly<Record<string, readonly Check[]>>;
  readonly check?: (struct: Json, at: At, scope: Scope) => void;
}

export type RulesTable = Readonly<Record<string, StructRules>>;

export const objectAt = (owner: Json, key: string): Json => (owner[key] as Json | undefined) ?? {};
export const listAt = (owner: Json, key: string): Json[] => (owner[key] as Json[] | undefined) ?? [];

/** JSON equality of two values, whatever the order of their fields: defaults are filled in at the end of a struct. */
export const same = (a: unknown, b: unknown): boolean => isDeepStrictEqual(a, b);

/** On change, the fields of a struct at `path` below the root keep their values. */
export function immutable(scope: Scope, at: At, struct: Json, before: Json, fields: readonly string[]): void {
  if (!scope.old) return;
  for (const field of fields)
    if (!same(struct[field], before[field])) at.child(field).invalid(struct[field] ?? null, 'field is immutable');
}
