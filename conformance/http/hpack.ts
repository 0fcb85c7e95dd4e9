/**
 * HPACK (RFC 7541) of the suites' own, so that what is under test does not judge itself: a decoder, and literal encodings for
 * header blocks made by hand.
 */

export type Line = readonly [name: string, value: string];

/** Appendix A. */
const STATIC: readonly Line[] =
  `:authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200|:status 204|:status 206|:status 304|:status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|content-disposition|content-encoding|content-language|content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate`
    .split('|')
    .map((line) => {
      const space = line.indexOf(' ');
      return space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
    });

/** Appendix B: the code is canonical, so its lengths in bits tell all of it; by symbol, 256 is the end of string. */
const CODE_LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];

const EOS = 256;

/** Code with its length in front, so that codes of different lengths differ: `1 << length | code` -> symbol. */
const SYMBOLS = new Map<number, number>();
{
  const order = CODE_LENGTHS.map((length, symbol) => ({ length, symbol })).sort(
    (a, b) => a.length - b.length || a.symbol - b.symbol,
  );
  let code = 0;
  let last = 0;
  for (const { length, symbol } of order) {
    code *= 2 ** (length - last);
    last = length;
    SYMBOLS.set(2 ** length + code, symbol);
    code++;
  }
}

function huffman(bytes: Uint8Array): string {
  let text = '';
  let code = 1;
  for (const byte of bytes)
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      const symbol = SYMBOLS.get(code);
      if (symbol === undefined) continue;
      if (symbol === EOS) throw new Error('end of string inside a string');
      text += String.fromCharCode(symbol);
      code = 1;
    }
  return text;
}

/** One direction of a connection; throws on blocks that cannot be read. */
export class HpackDecoder {
  #dynamic: Line[] = [];
  #at = 0;
  #block: Uint8Array = new Uint8Array(0);

  decode(block: Uint8Array): Line[] {
    this.#block = block;
    this.#at = 0;
    const lines: Line[] = [];
    while (this.#at < block.length) {
      const first = block[this.#at]!;
      if (first & 0x80) lines.push(this.#entry(this.#integer(7)));
      else if (first & 0x40) {
        const line = this.#literal(6);
        this.#dynamic.unshift(line);
        lines.push(line);
      } else if (first & 0x20) this.#resize(this.#integer(5));
      else lines.push(this.#literal(4));
    }
    return lines;
  }

  /** Entries beyond what the peer may use are kept; only a size of nothing matters to those who read correct blocks. */
  #resize(bytes: number): void {
    if (bytes === 0) this.#dynamic = [];
  }

  #entry(index: number): Line {
    const line = index <= STATIC.length ? STATIC[index - 1] : this.#dynamic[index - STATIC.length - 1];
    if (!line) throw new Error(`no entry ${index}`);
    return line;
  }

  #literal(prefix: number): Line {
    const index = this.#integer(prefix);
    const name = index === 0 ? this.#string() : this.#entry(index)[0];
    return [name, this.#string()];
  }

  #integer(prefix: number): number {
    const max = 2 ** prefix - 1;
    let value = this.#block[this.#at++]! & max;
    if (value < max) return value;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#block[this.#at++];
      if (byte === undefined) throw new Error('integer without end');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  #string(): string {
    const coded = (this.#block[this.#at]! & 0x80) !== 0;
    const length = this.#integer(7);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new Error('string without end');
    this.#at += length;
    return coded ? huffman(bytes) : Buffer.from(bytes).toString('latin1');
  }
}

/** Section 5.1; `flags` stand in the bits before the prefix. */
export function integer(value: number, prefix: number, flags = 0): number[] {
  const max = 2 ** prefix - 1;
  if (value < max) return [flags | value];
  const bytes = [flags | max];
  let rest = value - max;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}

const plain = (text: string): number[] => [...integer(text.length, 7), ...Buffer.from(text, 'latin1')];

/** Section 6.2.2: name and value as they are, not indexed. */
export const literal = (name: string, value: string): Buffer => Buffer.from([0, ...plain(name), ...plain(value)]);

/** Section 6.2.1: enters the dynamic table. */
export const indexing = (name: string, value: string): Buffer => Buffer.from([0x40, ...plain(name), ...plain(value)]);

/** A header block of literals. */
export const block = (lines: readonly Line[]): Buffer =>
  Buffer.concat(lines.map(([name, value]) => literal(name, value)));
