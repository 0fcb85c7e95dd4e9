import { LOWER } from './chars.ts';

/**
 * Field names that codecs themselves must know, by id. The first ten decide about HTTP/1 connections and framing. Ids of names
 * added by the user of a codec follow.
 */
export const FIELD = {
  other: 0,
  host: 1,
  'content-length': 2,
  'transfer-encoding': 3,
  connection: 4,
  'keep-alive': 5,
  'proxy-connection': 6,
  upgrade: 7,
  expect: 8,
  te: 9,
  trailer: 10,
  'http2-settings': 11,
  cookie: 12,
  ':method': 13,
  ':scheme': 14,
  ':authority': 15,
  ':path': 16,
  ':status': 17,
  ':protocol': 18,
} as const;

const BUILT_IN = Object.keys(FIELD).slice(1);

/** Finds the id of a field name in the bytes of a head; names are compared without case. */
export interface NameTable {
  /** Id of the name in `buf[start, end)`: {@link FIELD}, an id of this table's own names, or 0. */
  id(buf: Uint8Array, start: number, end: number): number;
  /** Id of a lower-case name given at construction; throws for a name that is not in the table. */
  idOf(name: string): number;
  /** Id of a lower-case name, 0 for one that is not in the table. */
  find(name: string): number;
  /** The name with this id; '' for 0. */
  name(id: number): string;
  /** Ids are below this. */
  readonly size: number;
}

/**
 * Builds a table of {@link FIELD} and `extra` lower-case names (e.g. `['l5d-client-id']`). Look-up costs one comparison for
 * most names: candidates are grouped by length and last byte.
 */
export function createNameTable(extra: readonly string[] = []): NameTable {
  const ids = new Map<string, number>();
  for (const name of [...BUILT_IN, ...extra]) if (!ids.has(name)) ids.set(name, ids.size + 1);
  const texts = ['', ...ids.keys()];
  const buckets = new Map<number, { bytes: Uint8Array; id: number }[]>();
  for (const [name, id] of ids) {
    const bytes = Uint8Array.from(name, (char) => char.charCodeAt(0));
    const key = bucketKey(bytes.length, bytes[bytes.length - 1] ?? 0);
    const bucket = buckets.get(key) ?? [];
    bucket.push({ bytes, id });
    buckets.set(key, bucket);
  }
  const dense: ({ bytes: Uint8Array; id: number }[] | undefined)[] = [];
  for (const [key, bucket] of buckets) dense[key] = bucket;

  /** Bytes past the buffer are undefined and equal no name. */
  const same = (buf: Uint8Array, start: number, end: number, name: Uint8Array): boolean => {
    if (end - start !== name.length) return false;
    for (let i = 0; i < name.length; i++) if (LOWER[buf[start + i]!] !== name[i]) return false;
    return true;
  };
  return {
    id(buf, start, end) {
      if (end === start) return 0;
      const bucket = dense[bucketKey(end - start, LOWER[buf[end - 1]!]!)];
      if (bucket === undefined) return 0;
      for (let i = 0; i < bucket.length; i++) if (same(buf, start, end, bucket[i]!.bytes)) return bucket[i]!.id;
      return 0;
    },
    idOf(name) {
      const id = ids.get(name);
      if (id === undefined) throw new Error(`${name} is not in this table of field names`);
      return id;
    },
    find: (name) => ids.get(name) ?? 0,
    name: (id) => texts[id] ?? '',
    size: texts.length,
  };
}

/** Longer names share the last rows: they only cost a comparison more. */
function bucketKey(length: number, last: number): number {
  return Math.min(length, 63) * 128 + (last & 127);
}
