/** What stands in a tree of objects where a later renderer decides. */

/** `yes` if the test holds (a Go expression, true as Go means it), else `no`, else nothing. */
export class Choice {
  readonly test: string;
  /** The entries of a map, the items of a list, or one value. */
  readonly yes: unknown;
  readonly no: unknown;

  constructor(test: string, yes: unknown, no?: unknown) {
    this.test = test;
    this.yes = yes;
    this.no = no;
  }
}

/** The entries of a map, or the items of a list, that the user will name. */
export class Splat {
  /** Go expression of the map or list. */
  readonly go: string;

  constructor(go: string) {
    this.go = go;
  }

  toString(): never {
    throw new Error(`${this.go} is a list or a map: use joined() or merged()`);
  }
}

/** A map without a class: `{…}` of source code, whose keys may be symbols that hold choices and splats. */
export const isPlain = (value: unknown): value is Record<PropertyKey, unknown> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.getPrototypeOf(value) === Object.prototype;

/** The splat that a value consists of: how a map or list of the user's is written down. */
export function splatOf(value: unknown): Splat | undefined {
  if (Array.isArray(value)) return value.length === 1 && value[0] instanceof Splat ? value[0] : undefined;
  if (!isPlain(value)) return undefined;
  const keys = Reflect.ownKeys(value);
  const only = keys.length === 1 ? value[keys[0]!] : undefined;
  return only instanceof Splat ? only : undefined;
}
