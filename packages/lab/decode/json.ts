/**
 * JSON as the API server reads it: repeated keys are noticed (the last one counts), integers keep all their digits, nesting is
 * limited, and the texts of faults are those of Go's decoder.
 */
import { DecodeError } from './decode-error.ts';
import { DEPTH_MAX, DUPLICATES_MAX } from './limits.ts';

export interface Decoded {
  /** Plain JSON data; an integer beyond 2^53 is a bigint (see `encodeJson`). */
  readonly value: unknown;
  /** One text per repeated key, e.g. `duplicate field "data.a"`. */
  readonly duplicates: readonly string[];
}

/** Parses `text`. Faults: {@link DecodeError} with Go's text, e.g. `unexpected end of JSON input`. */
export function parseJson(text: string): Decoded {
  const parser = new Parser(text);
  const value = parser.document();
  return { value, duplicates: parser.duplicates };
}

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const LONGEST_SAFE_DIGITS = 15;

/** A JSON number: safe integers and fractions as numbers, other int64 as bigint, anything larger as a float like in Go. */
export function readNumber(literal: string): number | bigint {
  const number = Number(literal);
  if (literal.length <= LONGEST_SAFE_DIGITS || Number.isSafeInteger(number) || /[.eE]/.test(literal))
    return number || 0;
  const big = BigInt(literal);
  return big >= INT64_MIN && big <= INT64_MAX ? big : number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ESCAPES: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const LITERALS: Record<string, readonly [string, unknown]> = {
  t: ['true', true],
  f: ['false', false],
  n: ['null', null],
};
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

class Parser {
  readonly duplicates: string[] = [];
  private readonly text: string;
  private at = 0;
  private depth = 0;
  /** The path for duplicates: names with their dots, indices in brackets. */
  private readonly path: string[] = [];

  constructor(text: string) {
    this.text = text;
  }

  document(): unknown {
    const value = this.value();
    this.space();
    if (this.at < this.text.length) this.fail('after top-level value');
    return value;
  }

  private space(): void {
    for (; this.at < this.text.length; this.at++) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    }
  }

  private fail(context: string): never {
    if (this.at >= this.text.length) throw new DecodeError('unexpected end of JSON input');
    const char = String.fromCodePoint(this.text.codePointAt(this.at) ?? 0);
    throw new DecodeError(`invalid character ${quoteChar(char)} ${context}`);
  }

  private value(): unknown {
    this.space();
    const char = this.text[this.at] ?? '';
    if (char === '{') return this.nested(() => this.object());
    if (char === '[') return this.nested(() => this.list());
    if (char === '"') return this.string();
    if (char === '-' || (char >= '0' && char <= '9')) return this.number();
    const literal = LITERALS[char];
    return literal ? this.literal(...literal) : this.fail('looking for beginning of value');
  }

  private nested<T>(read: () => T): T {
    if (++this.depth > DEPTH_MAX) throw new DecodeError('exceeded max depth');
    this.at++;
    const value = read();
    this.depth--;
    return value;
  }

  private object(): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    this.space();
    if (this.text[this.at] === '}') {
      this.at++;
      return out;
    }
    for (;;) {
      this.space();
      if (this.text[this.at] !== '"') this.fail('looking for beginning of object key string');
      const key = this.string();
      this.path.push(this.path.length > 0 ? `.${key}` : key);
      if (Object.hasOwn(out, key)) this.duplicate();
      this.space();
      if (this.text[this.at] !== ':') this.fail('after object key');
      this.at++;
      setOwn(out, key, this.value());
      this.path.pop();
      this.space();
      const char = this.text[this.at];
      if (char !== ',' && char !== '}') this.fail('after object key:value pair');
      this.at++;
      if (char === '}') return out;
    }
  }

  private duplicate(): void {
    const text = `duplicate field ${JSON.stringify(this.path.join(''))}`;
    if (this.duplicates.length < DUPLICATES_MAX && !this.duplicates.includes(text)) this.duplicates.push(text);
  }

  private list(): unknown[] {
    const out: unknown[] = [];
    this.space();
    if (this.text[this.at] === ']') {
      this.at++;
      return out;
    }
    for (;;) {
      this.path.push(`[${out.length}]`);
      out.push(this.value());
      this.path.pop();
      this.space();
      const char = this.text[this.at];
      if (char !== ',' && char !== ']') this.fail('after array element');
      this.at++;
      if (char === ']') return out;
    }
  }

  private literal(word: string, value: unknown): unknown {
    for (let i = 1; i < word.length; i++) {
      this.at++;
      if (this.text[this.at] !== word[i]) this.fail(`in literal ${word} (expecting ${quoteChar(word[i] ?? '')})`);
    }
    this.at++;
    return value;
  }

  private number(): number | bigint {
    NUMBER.lastIndex = this.at;
    const literal = NUMBER.exec(this.text)?.[0];
    if (literal === undefined) {
      this.at++;
      this.fail('in numeric literal');
    }
    this.at += literal.length;
    const next = this.text[this.at] ?? '';
    if (next === '.') this.failAfter('after decimal point in numeric literal');
    if (next === 'e' || next === 'E') this.failAfter('in exponent of numeric literal');
    return readNumber(literal);
  }

  private failAfter(context: string): never {
    this.at++;
    this.fail(context);
  }

  private string(): string {
    const start = ++this.at;
    for (; this.at < this.text.length; this.at++) {
      const code = this.text.charCodeAt(this.at);
      if (code === QUOTE) return this.text.slice(start, this.at++);
      if (code === BACKSLASH) return this.escapedString(start);
      if (code < 0x20) this.fail('in string literal');
    }
    return this.fail('in string literal');
  }

  /** The slow way, from the first backslash on. */
  private escapedString(start: number): string {
    let out = this.text.slice(start, this.at);
    while (this.at < this.text.length) {
      const char = this.text[this.at] ?? '';
      if (char === '"') {
        this.at++;
        // Go replaces halves of surrogate pairs.
        return out.toWellFormed();
      }
      if (char < ' ') this.fail('in string literal');
      this.at++;
      out += char === '\\' ? this.escape() : char;
    }
    return this.fail('in string literal');
  }

  private escape(): string {
    const char = this.text[this.at] ?? '';
    const simple = ESCAPES[char];
    if (simple !== undefined) {
      this.at++;
      return simple;
    }
    if (char !== 'u') this.fail('in string escape code');
    this.at++;
    const start = this.at;
    for (; this.at < start + 4; this.at++)
      if (!/[0-9a-fA-F]/.test(this.text[this.at] ?? '')) this.fail('in \\u hexadecimal character escape');
    return String.fromCharCode(Number.parseInt(this.text.slice(start, this.at), 16));
  }
}

function setOwn(out: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') out[key] = value;
  else Object.defineProperty(out, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Go's way to show one character: `'x'`, `'\''`, `'"'`, `'\n'`. */
function quoteChar(char: string): string {
  if (char === "'") return `'\\''`;
  if (char === '"') return `'"'`;
  return `'${JSON.stringify(char).slice(1, -1)}'`;
}

/** JSON text of decoded data, bigints as plain integers; the counterpart of {@link parseJson}. */
export function encodeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (error) {
    // JSON.stringify refuses bigints with a TypeError; they are rare enough for a second pass.
    if (error instanceof TypeError) return encode(value);
    throw error;
  }
}

function encode(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(encode).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${encode(member)}`).join(',')}}`;
}
