/** Code points as sorted, disjoint ranges, both ends included: `[[48, 57]]` are the digits. */
export type CharSet = readonly (readonly [number, number])[];

export const POINT_MAX = 0x10ffff;
export const EVERY_POINT: CharSet = [[0, POINT_MAX]];

/** Any ranges, in any order. */
export function charSet(ranges: CharSet): CharSet {
  const sorted = [...ranges].sort(([a], [b]) => a - b);
  const joined: [number, number][] = [];
  for (const [from, to] of sorted) {
    const last = joined.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

export function negated(set: CharSet): CharSet {
  const gaps: [number, number][] = [];
  let next = 0;
  for (const [from, to] of set) {
    if (from > next) gaps.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= POINT_MAX) gaps.push([next, POINT_MAX]);
  return gaps;
}

export const union = (a: CharSet, b: CharSet): CharSet => charSet([...a, ...b]);
export const intersection = (a: CharSet, b: CharSet): CharSet => negated(union(negated(a), negated(b)));
export const difference = (a: CharSet, b: CharSet): CharSet => intersection(a, negated(b));

/** How far folding of characters looks beyond ASCII: larger ranges hold both cases anyway. */
const FOLDED_MAX = 2_000;

/** With the other case of each letter. */
export function folded(set: CharSet): CharSet {
  const others: [number, number][] = [];
  for (const [from, to] of set) {
    for (let point = from; point <= Math.min(to, from + FOLDED_MAX); point++) {
      for (const other of otherCases(point)) others.push([other, other]);
    }
  }
  return others.length === 0 ? set : charSet([...set, ...others]);
}

function otherCases(point: number): number[] {
  const text = String.fromCodePoint(point);
  return [text.toLowerCase(), text.toUpperCase()].flatMap((other) => {
    const found = other.codePointAt(0)!;
    return other !== text && String.fromCodePoint(found) === other ? [found] : [];
  });
}

const range = (text: string): CharSet =>
  charSet(Array.from(text.matchAll(/(.)-(.)/gsu), ([, from, to]) => [from!.codePointAt(0)!, to!.codePointAt(0)!]));

export const DIGITS = range('0-9');
export const WORD = range('0-9A-Z_-_a-z');
export const SPACE = range('\t-\r - ');
export const NEWLINE = range('\n-\n');

/** Classes by name, `[[:alpha:]]`. */
export const POSIX: Readonly<Record<string, CharSet>> = {
  alnum: range('0-9A-Za-z'),
  alpha: range('A-Za-z'),
  ascii: range('\0-\x7f'),
  blank: range('\t-\t - '),
  cntrl: range('\0-\x1f\x7f-\x7f'),
  digit: DIGITS,
  graph: range('!-~'),
  lower: range('a-z'),
  print: range(' -~'),
  punct: range('!-/:-@[-`{-~'),
  space: SPACE,
  upper: range('A-Z'),
  word: WORD,
  xdigit: range('0-9A-Fa-f'),
};

/** Planes looked through for `\p{…}`; higher ones hold ideographs and private characters only. */
const UNICODE_MAX = 0x1ffff;

/** Code points with a property of Unicode, e.g. `L` or `Greek`; undefined: there is no such property. */
export function unicodeClass(name: string): CharSet | undefined {
  let test: RegExp;
  try {
    test = new RegExp(`\\p{${/^[\w=]+$/.test(name) ? name : '-'}}`, 'u');
  } catch {
    // Scripts stand alone in patterns: `\p{Greek}`.
    if (name.includes('=')) return undefined;
    return /^\w+$/.test(name) ? unicodeClass(`Script=${name}`) : undefined;
  }
  const ranges: [number, number][] = [];
  for (let point = 0; point <= UNICODE_MAX; point++) {
    if (!test.test(String.fromCodePoint(point))) continue;
    const last = ranges.at(-1);
    if (last?.[1] === point - 1) last[1] = point;
    else ranges.push([point, point]);
  }
  return ranges;
}
