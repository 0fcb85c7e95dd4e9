import { isIP } from 'node:net';

/** Addresses from the first to the last, both in it. */
interface Range {
  bits: 32 | 128;
  first: bigint;
  last: bigint;
}

/** The fewest CIDRs that hold the same addresses, in order; what is none is left out. */
export function uniteNetworks(cidrs: Iterable<string>): string[] {
  return united(cidrs).flatMap(cidrsOf);
}

/** Pairs of networks, one of each list, that have addresses in common. Each list is united first. */
export function overlaps(a: Iterable<string>, b: Iterable<string>): [string, string][] {
  const [ours, theirs] = [pieces(a), pieces(b)];
  const pairs: [string, string][] = [];
  // Both are in order and without overlaps of their own: of two, the one that ends first meets nothing that follows.
  for (let i = 0, j = 0; i < ours.length && j < theirs.length; ) {
    const [one, two] = [ours[i] as Piece, theirs[j] as Piece];
    if (one.bits === two.bits && one.first <= two.last && two.first <= one.last) pairs.push([one.text, two.text]);
    if (one.bits < two.bits || (one.bits === two.bits && one.last <= two.last)) i += 1;
    else j += 1;
  }
  return pairs;
}

interface Piece extends Range {
  text: string;
}

const pieces = (cidrs: Iterable<string>): Piece[] =>
  uniteNetworks(cidrs).flatMap((text) => {
    const range = parseCidr(text);
    return range ? [{ ...range, text }] : [];
  });

function united(cidrs: Iterable<string>): Range[] {
  const ranges = [...cidrs].flatMap((cidr) => parseCidr(cidr) ?? []);
  ranges.sort((a, b) => a.bits - b.bits || (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const result: Range[] = [];
  for (const range of ranges) {
    const before = result.at(-1);
    if (before?.bits === range.bits && range.first <= before.last + 1n) {
      if (range.last > before.last) before.last = range.last;
    } else result.push({ ...range });
  }
  return result;
}

/** Cuts a range into CIDRs: each as large as its place and what is left allow. */
function cidrsOf({ bits, first, last }: Range): string[] {
  const result: string[] = [];
  for (let at = first; at <= last; ) {
    let free = 0;
    while (free < bits && (at >> BigInt(free)) % 2n === 0n && at + (2n << BigInt(free)) - 1n <= last) free += 1;
    result.push(`${addressText(at, bits)}/${bits - free}`);
    at += 1n << BigInt(free);
  }
  return result;
}

/** An address alone is a network of one. */
function parseCidr(text: string): Range | undefined {
  const [address = '', length] = text.trim().split('/');
  const family = isIP(address);
  if (family === 0) return undefined;
  const bits = family === 4 ? 32 : 128;
  const prefix = length === undefined ? bits : Number(length);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > bits) return undefined;
  const host = BigInt(bits - prefix);
  const first = (addressValue(address, bits) >> host) << host;
  return { bits, first, last: first + (1n << host) - 1n };
}

function addressValue(address: string, bits: 32 | 128): bigint {
  if (bits === 32) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  // The platform's parser writes any form in one: hexadecimal groups, the longest run of zeros as `::`.
  const text = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1);
  const [head = '', tail] = text.split('::');
  const groups = (part: string | undefined) => (part ? part.split(':') : []);
  const [left, right] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n);
}

function addressText(value: bigint, bits: 32 | 128): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
