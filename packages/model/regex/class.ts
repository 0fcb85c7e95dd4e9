import {
  type CharSet,
  charSet,
  DIGITS,
  difference,
  folded,
  intersection,
  negated,
  POSIX,
  SPACE,
  unicodeClass,
  union,
  WORD,
} from './char-set.ts';
import { REGEX_LIMITS } from './limits.ts';
import type { Scanner } from './scanner.ts';

const CLASSES: Readonly<Record<string, CharSet>> = {
  d: DIGITS,
  D: negated(DIGITS),
  s: SPACE,
  S: negated(SPACE),
  w: WORD,
  W: negated(WORD),
};

/** The class behind a backslash (`\d`, `\pL`, `\P{Greek}`), taken; undefined: there is none. */
export function classOf(scanner: Scanner): CharSet | undefined {
  const letter = scanner.peek();
  const set = CLASSES[letter];
  if (set) {
    scanner.next();
    return set;
  }
  if (letter !== 'p' && letter !== 'P') return undefined;
  scanner.next();
  const name = scanner.take('{') ? scanner.until('}') : scanner.next();
  const found = unicodeClass(name);
  if (!found) throw scanner.error(`has \\p{${name}}, which is no property of Unicode`);
  return letter === 'P' ? negated(found) : found;
}

const OPERATORS = [
  ['&&', intersection],
  ['--', difference],
  ['~~', (a: CharSet, b: CharSet) => union(difference(a, b), difference(b, a))],
] as const;

/** Reads a class in brackets whose `[` has been taken: ranges, escapes, classes within, and `&&`, `--`, `~~` between them. */
export class ClassReader {
  readonly #in: Scanner;
  readonly #flags: { readonly i: boolean; readonly x: boolean };
  readonly #depth: number;

  constructor(scanner: Scanner, flags: { readonly i: boolean; readonly x: boolean }, depth = 0) {
    this.#in = scanner;
    this.#flags = flags;
    this.#depth = depth;
  }

  read(): CharSet {
    if (this.#depth > REGEX_LIMITS.depthMax) throw this.#in.error(`is nested deeper than ${REGEX_LIMITS.depthMax}`);
    const isNegated = this.#in.take('^');
    let set = this.#items(true);
    for (;;) {
      if (this.#in.take(']')) break;
      const operator = OPERATORS.find(([text]) => this.#in.take(text))![1];
      set = operator(set, this.#items(false));
    }
    // Folding comes before negation: `(?i)[^k]` takes neither case.
    if (this.#flags.i) set = folded(set);
    return isNegated ? negated(set) : set;
  }

  /** Up to `]` or an operator; a `]` or `-` that comes first stands for itself. */
  #items(begins: boolean): CharSet {
    const ranges: [number, number][] = [];
    let first = begins;
    for (;;) {
      if (this.#flags.x) this.#in.skipLayout();
      if (!first && (this.#in.sees(']') || OPERATORS.some(([text]) => this.#in.sees(text)))) break;
      ranges.push(...(this.#item() as [number, number][]));
      first = false;
    }
    return charSet(ranges);
  }

  #item(): CharSet {
    if (this.#in.sees('[:')) {
      const named = this.#posix();
      if (named) return named;
    }
    if (this.#in.take('[')) return new ClassReader(this.#in, this.#flags, this.#depth + 1).read();
    if (this.#in.take('\\')) {
      const set = classOf(this.#in);
      if (set && this.#beginsRange()) throw this.#in.error('has a range that begins with a class');
      if (set) return set;
      return this.#range(this.#in.escaped());
    }
    return this.#range(this.#in.next().codePointAt(0)!);
  }

  #range(from: number): CharSet {
    if (!this.#beginsRange()) return [[from, from]];
    this.#in.next();
    const to = this.#in.take('\\') ? this.#in.escaped() : this.#in.next().codePointAt(0)!;
    if (to < from) throw this.#in.error('has a range whose ends are the wrong way round');
    return [[from, to]];
  }

  #beginsRange(): boolean {
    return this.#in.sees('-') && this.#in.peek(1) !== ']' && this.#in.peek(1) !== '-';
  }

  #posix(): CharSet | undefined {
    let text = '';
    for (let i = 2; /[a-z^]/.test(this.#in.peek(i)); i++) text += this.#in.peek(i);
    const set = POSIX[text.replace(/^\^/, '')];
    if (!set || !this.#in.take(`[:${text}:]`)) return undefined;
    return text.startsWith('^') ? negated(set) : set;
  }
}
