/** What rules see of an object, and how they refuse it. */
import type { KubeObject } from '#api/kube';

export interface PolicyObject {
  namespace: string;
  annotations: Readonly<Record<string, string>>;
  /** Not validated: rules check what they read. */
  spec: Readonly<Record<string, unknown>>;
}

/** Why an object is refused; a sentence without the kind. */
export class Refusal extends Error {}

/** Why an object cannot even be read: a field is of another type than it has to be. */
export class Malformed extends Refusal {}

/** Throws {@link Refusal}. `warn` takes sentences for whoever wrote an object that is allowed all the same. */
export type Rule = (object: PolicyObject, warn: (message: string) => void) => void;

/** What a rule has against an object that is stored all the same, as nobody asked it then; undefined: nothing. */
export function objectionOf(rule: Rule, { metadata, ...fields }: KubeObject): string | undefined {
  const { namespace = '', annotations = {} } = metadata;
  const ignore = () => {
    // Warnings are for whoever is writing the object.
  };
  try {
    rule({ namespace, annotations, spec: objectOf({ ...fields }, 'spec') ?? {} }, ignore);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}

/** An object reference with the defaults filled in; core's group is ''. */
export interface Ref {
  group: string;
  kind: string;
  name: string;
  namespace: string | undefined;
  port: number | undefined;
}

/** A list of objects; absent is empty. Refuses anything else. */
export function listOf(
  parent: Readonly<Record<string, unknown>>,
  field: string,
): readonly Readonly<Record<string, unknown>>[] {
  return arrayOf(parent, field).map((value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new Malformed(`${field}: expected a list of objects`);
    return value as Readonly<Record<string, unknown>>;
  });
}

function arrayOf(parent: Readonly<Record<string, unknown>>, field: string): readonly unknown[] {
  const value = parent[field];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Malformed(`${field}: expected a list`);
  return value;
}

/** An object field; undefined where absent. Refuses anything else. */
export function objectOf(
  parent: Readonly<Record<string, unknown>>,
  field: string,
): Readonly<Record<string, unknown>> | undefined {
  const value = parent[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw new Malformed(`${field}: expected an object`);
  return value as Readonly<Record<string, unknown>>;
}

/** Texts of a list field. */
export function textsOf(parent: Readonly<Record<string, unknown>>, field: string): readonly string[] {
  return arrayOf(parent, field).map((value) => {
    if (typeof value !== 'string') throw new Malformed(`${field}: expected texts`);
    return value;
  });
}

/** Reads a reference to another object. */
export function refOf(value: Readonly<Record<string, unknown>>): Ref {
  const text = (field: string) => (typeof value[field] === 'string' ? (value[field] as string) : undefined);
  const group = text('group') ?? '';
  return {
    group: group.toLowerCase() === 'core' ? '' : group.toLowerCase(),
    kind: text('kind') ?? '',
    name: text('name') ?? '',
    namespace: text('namespace') || undefined,
    port: typeof value['port'] === 'number' ? value['port'] : undefined,
  };
}

/** As {@link refOf}. Refuses a reference that says neither which kind nor which object it means. */
export function neededRef(value: Readonly<Record<string, unknown>>, where: string): Ref {
  const ref = refOf(value);
  for (const field of ['kind', 'name'] as const) if (!ref[field]) throw new Malformed(`${where}: ${field} is missing`);
  return ref;
}

/** `Kind.group`, or the kind alone of core. */
export const textOf = ({ kind, group }: Ref): string => (group ? `${kind}.${group}` : kind);

/** Groups and kinds compare without regard to case. */
export function isRef(ref: Ref, group: string, kind: string): boolean {
  return ref.group === group && ref.kind.toLowerCase() === kind.toLowerCase();
}
