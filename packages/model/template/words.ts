import { Choice, Each, isPlain, Repeat, Splat } from './nodes.ts';
import { goOf, isTrue, isUnknown, markText, truth, Unknown } from './unknown.ts';

type Empty = Record<never, never>;

/**
 * `then` if the test is true as Go means it, else nothing of its kind: to be spread into a map or a list, or put into a text.
 * `{a: 1, ...when(values.ha, {b: 2})}`.
 */
export function when(test: unknown, then: string): string;
export function when<T>(test: unknown, then: readonly T[]): T[];
export function when<T extends object>(test: unknown, then: T): T | Empty;
export function when(test: unknown, then: unknown): unknown {
  if (isUnknown(test)) {
    if (typeof then === 'string') return either(test, then, '');
    const choice = new Choice(goOf(test), then);
    return Array.isArray(then) ? [choice] : { [Symbol(choice.test)]: choice };
  }
  if (isTrue(test)) return then;
  return typeof then === 'string' ? '' : Array.isArray(then) ? [] : {};
}

/** One value or the other. */
export function either<T>(test: unknown, then: T, otherwise: T): T {
  if (!isUnknown(test)) return isTrue(test) ? then : otherwise;
  if (isPlain(then) || Array.isArray(then)) return new Choice(goOf(test), then, otherwise) as T;
  const go = `(ternary ${goOf(then)} ${goOf(otherwise)} ${truth(goOf(test))})`;
  if (typeof then === 'string') return markText(go) as T;
  return new Unknown(go, typeof then === 'boolean' ? 'boolean' : 'any') as T;
}

/** The value, or another one where it is empty. */
export function orElse<T extends string | number>(value: T | undefined, fallback: T): T {
  if (!isUnknown(value)) return isTrue(value) ? (value as T) : fallback;
  const go = `(default ${goOf(fallback)} ${goOf(value)})`;
  return (typeof value === 'string' ? markText(go) : new Unknown(go, 'any')) as T;
}

const later = (go: string): boolean => new Unknown(go, 'boolean') as unknown as boolean;

/** Whether two scalars are the same. */
export const equals = (a: string | number | boolean, b: string | number | boolean): boolean =>
  isUnknown(a) || isUnknown(b) ? later(`(eq ${goOf(a)} ${goOf(b)})`) : a === b;

/** Whether a number is that or more. */
export const atLeast = (value: number, least: number): boolean =>
  isUnknown(value) ? later(`(ge ${goOf(value)} ${least})`) : value >= least;

export const not = (test: unknown): boolean => (isUnknown(test) ? later(`(not ${goOf(test)})`) : !isTrue(test));

/** Whether all of the tests are true. */
export function all(...tests: unknown[]): boolean {
  const open = tests.filter(isUnknown);
  if (!tests.every((test) => isUnknown(test) || isTrue(test))) return false;
  return open.length === 0 ? true : later(`(and ${open.map(testOf).join(' ')})`);
}

/** Whether one of the tests is true. */
export function any(...tests: unknown[]): boolean {
  const open = tests.filter(isUnknown);
  if (tests.some((test) => !isUnknown(test) && isTrue(test))) return true;
  return open.length === 0 ? false : later(`(or ${open.map(testOf).join(' ')})`);
}

/** A test as Go's boolean: `and` and `or` give one of their arguments, not a truth. */
const testOf = (test: unknown): string =>
  test instanceof Unknown && test.type === 'boolean' ? test.go : truth(goOf(test));

/** The items of a list as a text; one text is itself. */
export function joined(items: readonly (string | number)[] | string, separator: string): string {
  if (isUnknown(items)) return markText(`(join ${JSON.stringify(separator)} ${goOf(items)})`);
  return typeof items === 'string' ? items : items.join(separator);
}

/** Maps over each other, the later one wins: where keys are the user's, spreading would lose the order. */
export function merged<T>(...maps: Readonly<Record<string, T>>[]): Record<string, T> {
  if (!maps.some(isUnknown)) return Object.assign({}, ...maps);
  const go = `(mergeOverwrite (dict) ${maps.map(goOf).join(' ')})`;
  return { [Symbol(go)]: new Splat(go) } as unknown as Record<string, T>;
}

/** The items of a text such as `25, 4000-4100`; none in an empty one. */
export function listed(text: string): string[] {
  if (isUnknown(text)) return [new Splat(`(compact (splitList "," (nospace ${goOf(text)})))`)] as unknown as string[];
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** What `make` makes of each item, for whole objects. */
export function forEach<T, U>(items: readonly T[], make: (item: T) => readonly U[]): U[] {
  return items.flatMap((item) =>
    item instanceof Each ? ([new Repeat(item, make(item.item as T))] as unknown as U[]) : make(item),
  );
}

/** The whole number that a text says. */
export const whole = (text: string | number): number =>
  isUnknown(text) ? (new Unknown(`(toString ${goOf(text)})`, 'number') as unknown as number) : Number(text);
