/**
 * The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B). The code is canonical: lengths alone, in the order of the
 * symbols, determine it.
 */

/** Bits of each symbol's code; the last one is the end of string, which is never sent. */
const LENGTHS: readonly number[] = [
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

const END_OF_STRING = 256;
const BITS_MAX = 30;

/** Code bits of each symbol, right-aligned. */
const CODES = new Int32Array(LENGTHS.length);
const BITS = Uint8Array.from(LENGTHS);

/** Children of the code tree's inner nodes: node * 2 + bit -> inner node, or -1 - symbol. */
const tree: number[] = [0, 0];

function build(): void {
  let code = 0;
  for (let bits = 1; bits <= BITS_MAX; bits++, code <<= 1)
    for (let symbol = 0; symbol < LENGTHS.length; symbol++) {
      if (LENGTHS[symbol] !== bits) continue;
      CODES[symbol] = code;
      plant(symbol, code, bits);
      code++;
    }
}

function plant(symbol: number, code: number, bits: number): void {
  let node = 0;
  for (let bit = bits - 1; bit > 0; bit--) {
    const slot = node * 2 + ((code >>> bit) & 1);
    if (tree[slot] === 0) {
      tree[slot] = tree.length / 2;
      tree.push(0, 0);
    }
    node = tree[slot]!;
  }
  tree[node * 2 + (code & 1)] = -1 - symbol;
}

build();

/** In an entry of {@link STEPS}: next node in the low byte, the symbol in the third, and these. */
const EMIT = 1 << 24;
const FAIL = 1 << 25;

/** What four bits do in each node: node * 16 + bits -> entry. Codes have at least five bits, so at most one symbol ends. */
const STEPS = new Int32Array((tree.length / 2) * 16);
for (let node = 0; node < tree.length / 2; node++)
  for (let nibble = 0; nibble < 16; nibble++) STEPS[node * 16 + nibble] = stepOf(node, nibble);

function stepOf(from: number, nibble: number): number {
  let node = from;
  let entry = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = tree[node * 2 + ((nibble >> bit) & 1)]!;
    if (next >= 0) node = next;
    else if (-1 - next === END_OF_STRING) return FAIL;
    else {
      entry = EMIT | ((-1 - next) << 16);
      node = 0;
    }
  }
  return entry | node;
}

/** 1 for nodes where a string may end: up to seven bits of ones behind the last symbol (RFC 7541 section 5.2). */
const ENDS = new Uint8Array(tree.length / 2);
for (let node = 0, bits = 0; bits < 8; bits++) {
  ENDS[node] = 1;
  node = tree[node * 2 + 1]!;
}

/** Most bytes that `bytes` coded bytes decode to. */
export function huffmanDecodedMax(bytes: number): number {
  return Math.ceil((bytes * 8) / 5);
}

/** Decodes `buf[start, end)` to `out[at...]`, which has room for {@link huffmanDecodedMax}; where it ends, or -1 for a bad code. */
export function huffmanDecode(buf: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let to = at;
  let node = 0;
  for (let i = start; i < end; i++) {
    const byte = buf[i]!;
    const high = STEPS[(node << 4) | (byte >> 4)]!;
    if ((high & EMIT) !== 0) out[to++] = (high >> 16) & 255;
    const low = STEPS[((high & 255) << 4) | (byte & 15)]!;
    if (((high | low) & FAIL) !== 0) return -1;
    if ((low & EMIT) !== 0) out[to++] = (low >> 16) & 255;
    node = low & 255;
  }
  return ENDS[node] === 1 ? to : -1;
}

/** Bytes of a Latin-1 text when coded. */
export function huffmanBytes(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += BITS[text.charCodeAt(i) & 255]!;
  return (bits + 7) >>> 3;
}

/** Codes a Latin-1 text to `out[at...]`, which has room for {@link huffmanBytes}; where it ends. */
export function huffmanEncode(text: string, out: Uint8Array, at: number): number {
  let to = at;
  let held = 0;
  let heldBits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 255;
    let bits = BITS[symbol]!;
    const code = CODES[symbol]!;
    // Held bits (at most 7) and a part of 16 fit into 31 bits.
    if (bits > 16) {
      bits -= 16;
      held = (held << 16) | (code >>> bits);
      heldBits += 16;
      for (; heldBits >= 8; heldBits -= 8) out[to++] = held >>> (heldBits - 8);
      held &= (1 << heldBits) - 1;
    }
    held = (held << bits) | (code & ((1 << bits) - 1));
    heldBits += bits;
    for (; heldBits >= 8; heldBits -= 8) out[to++] = held >>> (heldBits - 8);
    held &= (1 << heldBits) - 1;
  }
  if (heldBits > 0) out[to++] = (held << (8 - heldBits)) | ((1 << (8 - heldBits)) - 1);
  return to;
}
