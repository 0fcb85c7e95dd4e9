import { Choice, isPlain, Splat, splatOf } from './nodes.ts';

/** Around a Go expression inside a text. No manifest has these characters otherwise. */
const OPEN = '⟦';
const CLOSE = '⟧';
const MARK = /⟦([^⟧]*)⟧/;

/** A number, a truth or any value that only Helm will know. */
export class Unknown {
  /** Go expression, e.g. `.Values.proxy.uid`. */
  readonly go: string;
  readonly type: 'number' | 'boolean' | 'any';

  constructor(go: string, type: 'number' | 'boolean' | 'any') {
    // Helm reads numbers as floats, which print as 1e+09.
    this.go = type === 'number' ? `(int64 ${go})` : go;
    this.type = type;
  }

  /** As a text, which a number alone would not be. */
  toString(): string {
    return markText(`(toString ${this.go})`);
  }

  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'number') throw new Error(`${this.go} is not known yet: compare it with atLeast() or equals()`);
    return this.toString();
  }
}

/** A text that only Helm will know, to be used like any other. */
export const markText = (go: string): string => `${OPEN}${go}${CLOSE}`;

/** Whether Helm decides what a value is. Texts, maps and lists count when some part of them is open. */
export function isUnknown(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(OPEN);
  if (value instanceof Unknown || value instanceof Choice || value instanceof Splat) return true;
  if (Array.isArray(value)) return value.some(isUnknown);
  return isPlain(value) && Reflect.ownKeys(value).some((key) => isUnknown(value[key]));
}

/** Truth as Go's templates have it: false, zero, nothing and whatever is empty are not true. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return isPlain(value) ? Object.keys(value).length > 0 : Boolean(value);
}

/** The Go expression of a value. */
export function goOf(value: unknown): string {
  if (value === null || value === undefined) return 'nil';
  if (typeof value === 'string') return goText(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value instanceof Unknown) return value.go;
  const splat = splatOf(value);
  if (splat) return splat.go;
  if (Array.isArray(value)) return goList(value);
  if (isPlain(value)) return goMap(value);
  if (value instanceof Choice) return `(ternary ${goOf(value.yes)} ${goOf(value.no)} ${truth(value.test)})`;
  throw new Error(`no Go expression for ${String(value)}`);
}

/** A test as Go's boolean, whatever it looks at. */
export const truth = (test: string): string =>
  /^\((not|eq|ne|ge|gt|le|lt|empty) /.test(test) ? test : `(not (not ${test}))`;

function goText(text: string): string {
  if (!text.includes(OPEN)) return JSON.stringify(text);
  const parts = text.split(MARK); // even: literal, odd: expression
  if (parts.length === 3 && parts[0] === '' && parts[2] === '') return parts[1]!;
  const format = parts.map((part, at) => (at % 2 === 0 ? part.replaceAll('%', '%%') : '%v')).join('');
  const args = parts.filter((_, at) => at % 2 === 1).map((go) => /^\(toString (.*)\)$/s.exec(go)?.[1] ?? go);
  return `(printf ${JSON.stringify(format)} ${args.join(' ')})`;
}

function goMap(map: Record<PropertyKey, unknown>): string {
  const fixed: string[] = [];
  const later: string[] = [];
  for (const key of Reflect.ownKeys(map)) {
    const value = map[key];
    if (typeof key === 'string') fixed.push(`${JSON.stringify(key)} ${goOf(value)}`);
    else if (value instanceof Splat) later.push(value.go);
    else if (value instanceof Choice)
      later.push(`(ternary ${goOf(value.yes)} ${goOf(value.no ?? {})} ${truth(value.test)})`);
  }
  const start = fixed.length === 0 ? '(dict)' : `(dict ${fixed.join(' ')})`;
  return later.length === 0 ? start : `(mergeOverwrite ${[start, ...later].join(' ')})`;
}

function goList(list: readonly unknown[]): string {
  const runs: string[] = [];
  let run: string[] = [];
  const close = (): void => {
    if (run.length > 0) runs.push(`(list ${run.join(' ')})`);
    run = [];
  };
  for (const item of list)
    if (item instanceof Splat) {
      close();
      runs.push(item.go);
    } else if (item instanceof Choice && Array.isArray(item.yes)) {
      close();
      runs.push(`(ternary ${goOf(item.yes)} ${goOf(item.no ?? [])} ${truth(item.test)})`);
    } else run.push(goOf(item));
  close();
  if (runs.length === 0) return '(list)';
  return runs.length === 1 ? runs[0]! : `(concat ${runs.join(' ')})`;
}

/** What `compute` makes of the arguments, or the text that Helm's function `go` will make of them. */
export function call<A extends readonly unknown[]>(go: string, compute: (...args: A) => string, ...args: A): string {
  return args.some(isUnknown) ? markText(`(${go} ${args.map(goOf).join(' ')})`) : compute(...args);
}
