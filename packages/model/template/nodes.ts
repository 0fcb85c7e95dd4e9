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

/** A list that only Helm will know, and what its items are called where something is made of each. */
export class Each {
  /** Go expression of the list. */
  readonly go: string;
  /** Name of the variable that holds an item, such as `$entry`. */
  readonly variable: string;
  /** Further definitions that its parts are expressions of. */
  readonly definitions: readonly string[];
  /** An item as those who make something of it see it. */
  readonly item: unknown;

  constructor(go: string, variable: string, item: unknown, definitions: readonly string[] = []) {
    this.go = go;
    this.variable = variable;
    this.item = item;
    this.definitions = definitions;
  }
}

/** What is made of each item of a list. */
export class Repeat {
  readonly each: Each;
  readonly made: readonly unknown[];

  constructor(each: Each, made: readonly unknown[]) {
    this.each = each;
    this.made = made;
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
