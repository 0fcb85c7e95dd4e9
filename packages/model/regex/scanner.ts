import { POINT_MAX } from './char-set.ts';
import { REGEX_LIMITS } from './limits.ts';

/** Why a pattern cannot be used: `"(" is no regular expression: it has an unclosed (`. */
export class RegexError extends Error {
  override readonly name = 'RegexError';
}

const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** Reads a pattern by characters. */
export class Scanner {
  readonly #chars: readonly string[];
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
    this.#chars = Array.from(source);
  }

  get done(): boolean {
    return this.#at >= this.#chars.length;
  }

  error(what: string): RegexError {
    const source = this.#source.length > 100 ? `${this.#source.slice(0, 100)}…` : this.#source;
    return new RegexError(`${JSON.stringify(source)} is no regular expression: it ${what}`);
  }

  /** The next character, not taken; '' at the end. */
  peek(ahead = 0): string {
    return this.#chars[this.#at + ahead] ?? '';
  }

  next(): string {
    const char = this.#chars[this.#at++];
    if (char === undefined) throw this.error('ends too early');
    return char;
  }

  sees(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.peek(i) !== text[i]) return false;
    return true;
  }

  take(text: string): boolean {
    const found = this.sees(text);
    if (found) this.#at += text.length;
    return found;
  }

  /** Up to `end`, which is taken too. */
  until(end: string): string {
    let text = '';
    for (let char = this.next(); char !== end; char = this.next()) text += char;
    return text;
  }

  /** White space and comments, in patterns that allow them for reading. */
  skipLayout(): void {
    while (!this.done) {
      if (this.peek() === '#') while (!this.done && this.next() !== '\n');
      else if (/\s/.test(this.peek())) this.#at++;
      else return;
    }
  }

  /** A repeat, or undefined. A brace begins a count, always: one that stands for itself is `\\{`. */
  repeat(): { min: number; max: number } | undefined {
    if (this.take('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.take('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.take('?')) return { min: 0, max: 1 };
    if (!this.sees('{')) return undefined;
    const rest = this.#chars.slice(this.#at, this.#at + 32).join('');
    const match = /^\{\s*(\d{1,9})\s*(,)?\s*(\d{1,9})?\s*\}/.exec(rest);
    if (!match) throw this.error('has a { that begins no count; a brace that stands for itself is \\{');
    this.#at += match[0].length;
    const min = Number(match[1]);
    const max = match[3] !== undefined ? Number(match[3]) : match[2] ? Number.POSITIVE_INFINITY : min;
    if (max < min) throw this.error(`has the repeat ${match[0]}, whose ends are the wrong way round`);
    if (min > REGEX_LIMITS.repeatMax || (max !== Number.POSITIVE_INFINITY && max > REGEX_LIMITS.repeatMax))
      throw this.error(`repeats more than ${REGEX_LIMITS.repeatMax} times`);
    return { min, max };
  }

  /** Code point of what follows a backslash: punctuation, a control character, or hexadecimal digits. */
  escaped(): number {
    const char = this.next();
    const digits = HEX_DIGITS[char];
    if (digits !== undefined) return this.#hex(digits);
    const control = CONTROLS[char];
    if (control !== undefined) return control;
    if (/^[!-/:;=?@[-`{-~ ]$/.test(char)) return char.codePointAt(0)!;
    throw this.error(`has \\${char}, which means nothing here`);
  }

  #hex(digits: number): number {
    let text = '';
    if (this.take('{')) text = this.until('}');
    else for (let i = 0; i < digits; i++) text += this.next();
    const point = Number.parseInt(text, 16);
    const isSurrogate = point >= 0xd800 && point <= 0xdfff;
    if (!/^[0-9A-Fa-f]{1,8}$/.test(text) || point > POINT_MAX || isSurrogate)
      throw this.error(`has \\x${text}, which is no character`);
    return point;
  }
}
