import { type CharSet, charSet, EVERY_POINT, folded, NEWLINE, negated } from './char-set.ts';
import { ClassReader, classOf } from './class.ts';
import { REGEX_LIMITS } from './limits.ts';
import { Scanner } from './scanner.ts';

export { RegexError } from './scanner.ts';

/** What must hold between two characters. */
export type Assertion = 'text-start' | 'text-end' | 'line-start' | 'line-end' | 'word' | 'no-word';

/** A pattern as a tree; groups have no meaning of their own, since nothing is captured. */
export type Node =
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'all' | 'any'; readonly of: readonly Node[] }
  /** `max` may be Infinity. */
  | { readonly kind: 'repeat'; readonly of: Node; readonly min: number; readonly max: number }
  | { readonly kind: 'assert'; readonly what: Assertion };

/** Letters in `(?i)` and the like; the others change nothing in what matches as a whole. */
interface Flags {
  i: boolean;
  m: boolean;
  s: boolean;
  x: boolean;
}

/** Reads a pattern, or throws a RegexError that says what is wrong with it. */
export function parse(source: string): Node {
  if (source.length > REGEX_LIMITS.sourceMax)
    throw new Scanner(source).error(`is longer than ${REGEX_LIMITS.sourceMax}`);
  const parser = new Parser(new Scanner(source));
  return parser.whole();
}

class Parser {
  readonly #in: Scanner;
  #flags: Flags = { i: false, m: false, s: false, x: false };
  #depth = 0;

  constructor(scanner: Scanner) {
    this.#in = scanner;
  }

  whole(): Node {
    const node = this.#alternatives();
    if (!this.#in.done) throw this.#in.error('has an unopened )');
    return node;
  }

  /** Up to `)` or the end; flags set inside end with it. */
  #alternatives(): Node {
    if (++this.#depth > REGEX_LIMITS.depthMax) throw this.#in.error(`is nested deeper than ${REGEX_LIMITS.depthMax}`);
    const outer = this.#flags;
    this.#flags = { ...outer };
    const branches = [this.#sequence()];
    while (this.#in.take('|')) branches.push(this.#sequence());
    this.#flags = outer;
    this.#depth--;
    return branches.length === 1 ? branches[0]! : { kind: 'any', of: branches };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    for (;;) {
      if (this.#flags.x) this.#in.skipLayout();
      if (this.#in.done || this.#in.sees('|') || this.#in.sees(')')) break;
      const atom = this.#atom();
      if (atom) parts.push(this.#repeated(atom));
    }
    return parts.length === 1 ? parts[0]! : { kind: 'all', of: parts };
  }

  /** Undefined: flags, which stand for nothing. */
  #atom(): Node | undefined {
    const char = this.#in.next();
    switch (char) {
      case '(':
        return this.#group();
      case '[':
        return this.#set(new ClassReader(this.#in, this.#flags).read());
      case '.':
        return { kind: 'set', set: this.#flags.s ? EVERY_POINT : negated(NEWLINE) };
      case '^':
        return { kind: 'assert', what: this.#flags.m ? 'line-start' : 'text-start' };
      case '$':
        return { kind: 'assert', what: this.#flags.m ? 'line-end' : 'text-end' };
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
      case '{':
        throw this.#in.error(`has a ${char} behind nothing`);
      default:
        return this.#literal(char.codePointAt(0)!);
    }
  }

  #group(): Node | undefined {
    const outer = this.#flags;
    if (this.#in.take('?')) {
      if (this.#in.take('P<') || this.#in.take('<')) {
        if (!/^[A-Za-z_][\w.[\]]*$/.test(this.#in.until('>')))
          throw this.#in.error('has a group without a proper name');
      } else {
        const { flags, alone } = this.#groupFlags();
        this.#flags = flags;
        if (alone) return undefined;
      }
    }
    const node = this.#alternatives();
    if (!this.#in.take(')')) throw this.#in.error('has an unclosed (');
    this.#flags = outer;
    return node;
  }

  /** `(?i)`, alone, holds to the end of the group around it, `(?i:` for a group of its own. */
  #groupFlags(): { flags: Flags; alone: boolean } {
    const flags = { ...this.#flags };
    let value = true;
    let seen = '';
    for (;;) {
      const char = this.#in.next();
      if (char === ')' || char === ':') {
        if (seen.endsWith('-') || (seen === '' && char === ')'))
          throw this.#in.error(`has (?${seen}${char}, without a flag`);
        return { flags, alone: char === ')' };
      }
      if (seen.includes(char)) throw this.#in.error(`has (?${seen}${char}, with ${char} twice`);
      seen += char;
      if (char === '-') value = false;
      else if (char === 'i' || char === 'm' || char === 's' || char === 'x') flags[char] = value;
      else if (char !== 'U' && char !== 'u')
        throw this.#in.error(`has (?${char}, which is no group that is supported: there is no looking around`);
    }
  }

  #escape(): Node {
    const set = classOf(this.#in);
    if (set) return this.#set(set);
    const anchors: Readonly<Record<string, Assertion>> = { A: 'text-start', z: 'text-end', b: 'word', B: 'no-word' };
    const anchor = anchors[this.#in.peek()];
    if (anchor) {
      this.#in.next();
      return { kind: 'assert', what: anchor };
    }
    return this.#literal(this.#in.escaped());
  }

  #literal(point: number): Node {
    return this.#set([[point, point]]);
  }

  #set(set: CharSet): Node {
    return { kind: 'set', set: this.#flags.i ? folded(set) : charSet(set) };
  }

  /** Lazy repeats match the same texts as greedy ones. */
  #repeated(atom: Node): Node {
    let node = atom;
    for (;;) {
      if (this.#flags.x) this.#in.skipLayout();
      const count = this.#in.repeat();
      if (!count) return node;
      this.#in.take('?');
      node = { kind: 'repeat', of: node, ...count };
    }
  }
}
