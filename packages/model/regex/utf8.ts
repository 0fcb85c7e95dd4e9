import type { CharSet } from './char-set.ts';

/** Octet by octet, the ranges that encode some code points (RFC 3629): `[[0xc3, 0xc3], [0xa0, 0xbf]]` is à to ÿ. */
export type Octets = readonly (readonly [number, number])[];

/** Where encodings become longer, and the surrogates, which have none. */
const BOUNDS: readonly (readonly [number, number])[] = [
  [0, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, 0x10ffff],
];

/** All octet sequences that encode a set, as few as follow from its ranges. */
export function encodings(set: CharSet): Octets[] {
  const found: Octets[] = [];
  for (const [low, high] of set)
    for (const [from, to] of BOUNDS) {
      const start = Math.max(low, from);
      const end = Math.min(high, to);
      if (start <= end) split(start, end, found);
    }
  return found;
}

/** Divides a range until its first and last encoding span whole sub-ranges in each octet. */
function split(start: number, end: number, found: Octets[]): void {
  const first = encode(start);
  for (let bits = 6 * (first.length - 1); bits > 0; bits -= 6) {
    const tail = 2 ** bits - 1;
    if (start >> bits === end >> bits) continue;
    if ((start & tail) !== 0) {
      split(start, start | tail, found);
      split((start | tail) + 1, end, found);
      return;
    }
    if ((end & tail) !== tail) {
      split(start, (end & ~tail) - 1, found);
      split(end & ~tail, end, found);
      return;
    }
  }
  const last = encode(end);
  found.push(first.map((octet, i) => [octet, last[i]!] as const));
}

function encode(point: number): number[] {
  if (point < 0x80) return [point];
  if (point < 0x800) return [0xc0 | (point >> 6), 0x80 | (point & 63)];
  if (point < 0x10000) return [0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63)];
  return [0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63)];
}
