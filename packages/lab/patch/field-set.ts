/**
 * A set of field paths as a tree, the currency of field ownership. Immutable: every operation returns a set. Wire form is
 * fieldsV1: `{"f:data":{".":{},"f:a":{}}}` holds `.data` and `.data.a`.
 * Algebra after sigs.k8s.io/structured-merge-diff/fieldpath.
 */
import { childSchema, type FieldSchema } from '../schema/index.ts';
import { isMap, type JsonMap, setKey } from './json.ts';
import { compareElements, fieldElement, type PathElement, parseElement, printElement } from './path-element.ts';

export interface FieldSet {
  /** The path that ends here belongs to the set. */
  readonly member: boolean;
  readonly children: ReadonlyMap<PathElement, FieldSet>;
}

export type FieldPath = readonly PathElement[];

export const EMPTY_SET: FieldSet = { member: false, children: new Map() };

/** Collects paths while walking a value; {@link FieldSetBuilder.build} gives the set. */
export class FieldSetBuilder {
  member = false;
  readonly children = new Map<PathElement, FieldSetBuilder>();

  child(element: PathElement): FieldSetBuilder {
    let next = this.children.get(element);
    if (!next) {
      next = new FieldSetBuilder();
      this.children.set(element, next);
    }
    return next;
  }

  build(): FieldSet {
    return { member: this.member, children: keepFull([...this.children].map(([key, child]) => [key, child.build()])) };
  }
}

/** The set of the given paths of field names: `[['metadata','name']]`. */
export function setOfFields(paths: readonly (readonly string[])[]): FieldSet {
  const root = new FieldSetBuilder();
  for (const path of paths) {
    let at = root;
    for (const name of path) at = at.child(fieldElement(name));
    at.member = true;
  }
  return root.build();
}

function keepFull(entries: readonly (readonly [PathElement, FieldSet])[]): Map<PathElement, FieldSet> {
  return new Map(entries.filter(([, child]) => !isEmpty(child)));
}

/** True when no path is in the set. */
export function isEmpty(set: FieldSet): boolean {
  return !set.member && set.children.size === 0;
}

/** Paths in either set. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  const children = new Map(a.children);
  for (const [key, child] of b.children) {
    const other = children.get(key);
    children.set(key, other ? union(other, child) : child);
  }
  return { member: a.member || b.member, children };
}

/** True when the sets share no path; cheaper than looking at an {@link intersection}. */
export function areDisjoint(a: FieldSet, b: FieldSet): boolean {
  if (a.member && b.member) return false;
  const [small, large] = a.children.size < b.children.size ? [a, b] : [b, a];
  for (const [key, child] of small.children) {
    const other = large.children.get(key);
    if (other && !areDisjoint(child, other)) return false;
  }
  return true;
}

/** Paths in `a` that are not in `b`; what lies below a path of `b` stays. Gives `a` itself where it loses nothing. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (areDisjoint(a, b)) return a;
  const entries = [...a.children].map(([key, child]) => {
    const other = b.children.get(key);
    return [key, other ? difference(child, other) : child] as const;
  });
  return { member: a.member && !b.member, children: keepFull(entries) };
}

/** Like {@link difference}, but a path of `b` takes everything below it along. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  const entries = [...a.children].map(([key, child]) => {
    const other = b.children.get(key);
    if (!other) return [key, child] as const;
    return [key, other.member ? EMPTY_SET : recursiveDifference(child, other)] as const;
  });
  return { member: a.member && !b.member, children: keepFull(entries) };
}

/** Paths in both sets. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const entries = [...a.children].flatMap(([key, child]) => {
    const other = b.children.get(key);
    return other ? [[key, intersection(child, other)] as const] : [];
  });
  return { member: a.member && b.member, children: keepFull(entries) };
}

/** True when both hold the same paths. */
export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a.member !== b.member || a.children.size !== b.children.size) return false;
  for (const [key, child] of a.children) {
    const other = b.children.get(key);
    if (!other || !equalSets(child, other)) return false;
  }
  return true;
}

/** True when `path` itself is in the set. */
export function hasPath(set: FieldSet, path: FieldPath): boolean {
  let at: FieldSet | undefined = set;
  for (const element of path) at = at?.children.get(element);
  return at?.member ?? false;
}

/** Every path, sorted as fieldsV1 sorts. */
export function pathsOf(set: FieldSet): FieldPath[] {
  const out: FieldPath[] = [];
  const walk = (at: FieldSet, path: FieldPath) => {
    const elements = [...at.children.keys()].sort(compareElements);
    for (const element of elements) if (at.children.get(element)?.member) out.push([...path, element]);
    for (const element of elements) walk(at.children.get(element) ?? EMPTY_SET, [...path, element]);
  };
  walk(set, []);
  return out;
}

/** For messages: `.spec.ports[port=80,protocol="TCP"].name`. */
export function printPath(path: FieldPath): string {
  return path.map(printElement).join('');
}

/**
 * Adds the declared fields of objects on the way to a member: owning `spec.template.x` means owning the field `spec`, while
 * map keys and list items must be members themselves to count.
 */
export function withNamedFields(set: FieldSet, schema: FieldSchema | undefined): FieldSet {
  const entries = [...set.children].map(([key, child]) => {
    const name = key.startsWith('f:') ? key.slice(2) : undefined;
    const declared = name !== undefined && schema?.kind === 'object' && (schema.fields?.has(name) ?? false);
    const below = name === undefined ? schema?.items : schema && childSchema(schema, name);
    const full = withNamedFields(child, below);
    return [key, declared ? { member: true, children: full.children } : full] as const;
  });
  return { member: set.member, children: new Map(entries) };
}

/** Wire form. */
export function encodeFieldsV1(set: FieldSet): Record<string, unknown> {
  const out: JsonMap = {};
  for (const key of [...set.children.keys()].sort(compareElements)) {
    const child = set.children.get(key) ?? EMPTY_SET;
    const own = child.member && child.children.size > 0 ? { '.': {} } : {};
    setKey(out, key, { ...own, ...encodeFieldsV1(child) });
  }
  return out;
}

/** Reads the wire form. Throws an Error that says which step is malformed. */
export function decodeFieldsV1(fields: unknown): FieldSet {
  return decode(fields, false);
}

function decode(fields: unknown, nested: boolean): FieldSet {
  if (!isMap(fields)) throw new Error('a set of fields must be an object');
  const keys = Object.keys(fields);
  const children = new Map<PathElement, FieldSet>();
  for (const key of keys) {
    if (key === '.') continue;
    const element = parseElement(key);
    children.set(element, union(children.get(element) ?? EMPTY_SET, decode(fields[key], true)));
  }
  return { member: nested && (keys.length === 0 || keys.includes('.')), children };
}
