import { FIELD, type Field } from '../fields/index.ts';
import type { Output } from '../output/index.ts';
import { huffmanBytes, huffmanEncode } from './huffman.ts';
import { HPACK_LIMITS as LIMITS } from './limits.ts';
import { STATIC_COUNT, staticIndex, staticNameIndex } from './static.ts';
import { DynamicTable, entrySize } from './table.ts';

/** Representations (RFC 7541 section 6): pattern of the first octet, and the bits left for the integer. */
const INDEXED = 0x80;
const INDEXED_BITS = 7;
const WITH_INDEXING = 0x40;
const WITH_INDEXING_BITS = 6;
const SIZE_UPDATE = 0x20;
const SIZE_UPDATE_BITS = 5;
const NEVER_INDEXED = 0x10;
const WITHOUT_INDEXING = 0x00;
const WITHOUT_INDEXING_BITS = 4;
const HUFFMAN = 0x80;
const LENGTH_BITS = 7;
const INTEGER_BYTES_MAX = 6;

/** Secrets by nature: kept out of tables even when they did not come marked so. */
const SECRETS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization']);

/** In `#known`: sent once, not in the table. Entries of the table have sequence numbers from 1 on. */
const CANDIDATE = 0;

/**
 * Codes header blocks for one direction of a connection. Fields are remembered by identity: one that was sent before costs a
 * look-up and an octet or two. A field enters the dynamic table when it is sent the second time, so that ids and dates, which
 * never return as the same object, drive nothing out. Texts are Huffman-coded only on their way into the table: elsewhere
 * a quarter of the octets is not worth the work at both ends.
 */
export class HpackEncoder {
  readonly #table = new DynamicTable(LIMITS.encoderTableMax);
  readonly #known = new Map<Field, number>();
  readonly #candidates: (Field | undefined)[] = [];
  #nextCandidate = 0;
  /** Smallest table size since the last block, and whether any has to be told. */
  #smallestLimit: number = LIMITS.encoderTableMax;
  #tellsLimit = false;

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  setPeerLimit(bytes: number): void {
    const limit = Math.min(bytes, LIMITS.encoderTableMax);
    if (limit === this.#table.limit) return;
    this.#smallestLimit = this.#tellsLimit ? Math.min(this.#smallestLimit, limit) : limit;
    this.#tellsLimit = true;
    this.#table.setLimit(limit);
    this.#makeRoom(0);
  }

  /** Starts a block. */
  begin(out: Output): void {
    if (!this.#tellsLimit) return;
    this.#tellsLimit = false;
    out.reserve(INTEGER_BYTES_MAX * 2);
    if (this.#smallestLimit < this.#table.limit) writeInteger(out, SIZE_UPDATE, SIZE_UPDATE_BITS, this.#smallestLimit);
    writeInteger(out, SIZE_UPDATE, SIZE_UPDATE_BITS, this.#table.limit);
  }

  /** One row of the static table. */
  indexed(index: number, out: Output): void {
    out.reserve(1);
    out.buf[out.end++] = INDEXED | index;
  }

  field(field: Field, out: Output): void {
    const known = this.#known.get(field);
    if (known !== undefined && known !== CANDIDATE) {
      out.reserve(INTEGER_BYTES_MAX);
      writeInteger(out, INDEXED, INDEXED_BITS, STATIC_COUNT + 1 + this.#table.newest - known);
      return;
    }
    const { name, value } = field;
    const nameIndex = staticNameIndex(name);
    if (field.neverIndexed || isSecret(field)) {
      writeLiteral(out, NEVER_INDEXED, WITHOUT_INDEXING_BITS, nameIndex, name, value, false);
      return;
    }
    const index = nameIndex === 0 ? 0 : staticIndex(nameIndex, name, value);
    if (index > 0) this.indexed(index, out);
    else if (known === CANDIDATE && this.#mayHold(field)) {
      writeLiteral(out, WITH_INDEXING, WITH_INDEXING_BITS, nameIndex, name, value, true);
      this.#insert(field);
    } else {
      if (known === undefined) this.#remember(field);
      writeLiteral(out, WITHOUT_INDEXING, WITHOUT_INDEXING_BITS, nameIndex, name, value, false);
    }
  }

  #mayHold(field: Field): boolean {
    return entrySize(field) <= this.#table.limit * LIMITS.indexedShareMax;
  }

  #insert(field: Field): void {
    this.#makeRoom(entrySize(field));
    this.#table.insert(field);
    this.#known.set(field, this.#table.newest);
  }

  #makeRoom(size: number): void {
    while (this.#table.isFullFor(size)) this.#known.delete(this.#table.evict());
  }

  #remember(field: Field): void {
    const slot = this.#nextCandidate;
    const old = this.#candidates[slot];
    if (old !== undefined && this.#known.get(old) === CANDIDATE) this.#known.delete(old);
    this.#candidates[slot] = field;
    this.#nextCandidate = (slot + 1) % LIMITS.candidatesMax;
    this.#known.set(field, CANDIDATE);
  }
}

function isSecret(field: Field): boolean {
  if (field.id === FIELD.cookie) return field.value.length < LIMITS.secretCookieBytesMax;
  return SECRETS.has(field.name);
}

function writeLiteral(
  out: Output,
  pattern: number,
  bits: number,
  nameIndex: number,
  name: string,
  value: string,
  huffman: boolean,
): void {
  out.reserve(INTEGER_BYTES_MAX * 3 + name.length + value.length);
  writeInteger(out, pattern, bits, nameIndex);
  if (nameIndex === 0) writeText(out, name, huffman);
  writeText(out, value, huffman);
}

function writeText(out: Output, text: string, huffman: boolean): void {
  if (huffman) {
    const bytes = huffmanBytes(text);
    if (bytes < text.length) {
      writeInteger(out, HUFFMAN, LENGTH_BITS, bytes);
      out.end = huffmanEncode(text, out.buf, out.end);
      return;
    }
  }
  writeInteger(out, 0, LENGTH_BITS, text.length);
  out.text(text);
}

/** RFC 7541 section 5.1; there is room for {@link INTEGER_BYTES_MAX}. */
function writeInteger(out: Output, pattern: number, bits: number, value: number): void {
  const { buf } = out;
  const prefixMax = (1 << bits) - 1;
  if (value < prefixMax) {
    buf[out.end++] = pattern | value;
    return;
  }
  buf[out.end++] = pattern | prefixMax;
  let rest = value - prefixMax;
  while (rest > 127) {
    buf[out.end++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  buf[out.end++] = rest;
}
