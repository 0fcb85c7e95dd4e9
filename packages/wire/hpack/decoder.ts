import { Field, type FieldCache, latin1 } from '../fields/index.ts';
import { isNameAllowed, isValueAllowed } from './check.ts';
import { huffmanDecode, huffmanDecodedMax } from './huffman.ts';
import { HPACK_LIMITS as LIMITS } from './limits.ts';
import { STATIC_COUNT, STATIC_FIELDS } from './static.ts';
import { DynamicTable, entrySize } from './table.ts';

/** `Field.id` of a field that HTTP/2 does not allow: its message must be refused (RFC 9113 section 8.1.1). */
export const MALFORMED = -1;

/** Takes the fields of a block in order. Fields with id {@link MALFORMED} come too. */
export interface HpackSink {
  field(field: Field): void;
}

const NO_BYTES = new Uint8Array(0);

/** Where huffman-coded names and values are decoded to; used within one call of `decode` only. */
let scratch = Buffer.allocUnsafe(1024);

/**
 * Decodes header blocks of one direction of a connection (RFC 7541). Fields in the tables are shared objects, so that an
 * indexed field costs no allocation; whether HTTP/2 allows a field is checked once, when its octets are read.
 */
export class HpackDecoder {
  readonly #fields: FieldCache;
  readonly #table: DynamicTable;
  readonly #limitMax: number;
  readonly #static: StaticFields;
  #buf: Uint8Array = NO_BYTES;
  #at = 0;
  #end = 0;
  #failed = false;
  /** Where the text read last stands: in `scratch` if it was coded, else in the block. */
  #textIsCoded = false;
  #textStart = 0;
  #textEnd = 0;
  #scratchUsed = 0;

  /** `tableSize`: the SETTINGS_HEADER_TABLE_SIZE that the peer knows of. */
  constructor(fields: FieldCache, tableSize: number) {
    this.#fields = fields;
    this.#limitMax = tableSize;
    this.#table = new DynamicTable(tableSize);
    this.#static = staticFieldsOf(fields);
  }

  /** Decodes a whole block `buf[start, end)`. False: it is broken, and with it the connection's state (COMPRESSION_ERROR). */
  decode(buf: Uint8Array, start: number, end: number, sink: HpackSink): boolean {
    this.#buf = buf;
    this.#at = start;
    this.#end = end;
    this.#failed = false;
    let updates = 0;
    while (this.#at < end && !this.#failed) {
      const byte = buf[this.#at]!;
      if (byte >= 0x80) {
        const field = this.#indexed(this.#integer(0x7f));
        if (field !== undefined) sink.field(field);
        updates = LIMITS.sizeUpdatesMax;
      } else if ((byte & 0xe0) === 0x20) {
        if (++updates > LIMITS.sizeUpdatesMax) return false;
        this.#resize(this.#integer(0x1f));
      } else {
        const inserts = byte >= 0x40;
        const field = this.#literal(this.#integer(inserts ? 0x3f : 0x0f), !inserts && (byte & 0x10) !== 0);
        if (field !== undefined) {
          if (inserts) this.#insert(field);
          sink.field(field);
        }
        updates = LIMITS.sizeUpdatesMax;
      }
    }
    return !this.#failed;
  }

  #fail(): undefined {
    this.#failed = true;
    return undefined;
  }

  /** RFC 7541 section 5.1; the prefix is in the octet at hand, `prefixMax` its mask. */
  #integer(prefixMax: number): number {
    let value = this.#buf[this.#at++]! & prefixMax;
    if (value < prefixMax) return value;
    for (let shift = 0; shift <= 28; shift += 7) {
      if (this.#at >= this.#end) break;
      const byte = this.#buf[this.#at++]!;
      value += (byte & 127) * 2 ** shift;
      if (value > LIMITS.integerMax) break;
      if (byte < 128) return value;
    }
    this.#failed = true;
    return 0;
  }

  #indexed(index: number): Field | undefined {
    if (this.#failed || index === 0) return this.#fail();
    if (index <= STATIC_COUNT) return this.#static.fields[index];
    const age = index - STATIC_COUNT - 1;
    return age < this.#table.count ? this.#table.get(age) : this.#fail();
  }

  #resize(limit: number): void {
    if (this.#failed || limit > this.#limitMax) {
      this.#failed = true;
      return;
    }
    this.#table.setLimit(limit);
    while (this.#table.isFullFor(0)) this.#table.evict();
  }

  #insert(field: Field): void {
    const size = entrySize(field);
    while (this.#table.isFullFor(size)) this.#table.evict();
    // RFC 7541 section 4.4: what is larger than the table empties it.
    if (size <= this.#table.limit) this.#table.insert(field);
  }

  #literal(nameIndex: number, never: boolean): Field | undefined {
    this.#scratchUsed = 0;
    if (nameIndex > 0) {
      const named = this.#indexed(nameIndex);
      if (named === undefined || !this.#text()) return this.#fail();
      return this.#withName(nameIndex <= STATIC_COUNT ? this.#static.ids[nameIndex]! : named.id, named.name, never);
    }
    return this.#failed ? undefined : this.#withNewName(never);
  }

  #withName(idBefore: number, name: string, never: boolean): Field {
    const id = idBefore === MALFORMED ? this.#idOf(name) : idBefore;
    const buf = this.#textIsCoded ? scratch : this.#buf;
    const start = this.#textStart;
    const end = this.#textEnd;
    if (id === MALFORMED || !isValueAllowed(id, buf, start, end))
      return new Field(MALFORMED, name, latin1(buf, start, end), never);
    if (never) return new Field(id, name, latin1(buf, start, end), true);
    return this.#fields.fieldNamed(id, name, buf, start, end);
  }

  /** The id of an entry that is malformed as a whole, but whose name may be in order. */
  #idOf(name: string): number {
    const buf = Buffer.from(name, 'latin1');
    const id = this.#fields.names.id(buf, 0, buf.length);
    return isNameAllowed(id, buf, 0, buf.length) ? id : MALFORMED;
  }

  #withNewName(never: boolean): Field | undefined {
    if (!this.#text()) return this.#fail();
    let nameStart = this.#textStart;
    const nameLength = this.#textEnd - nameStart;
    const nameIsCoded = this.#textIsCoded;
    if (!this.#text()) return this.#fail();
    let start = this.#textStart;
    const length = this.#textEnd - start;
    // Both in one buffer, for one look-up.
    if (nameIsCoded && !this.#textIsCoded) start = this.#toScratch(start, length);
    else if (!nameIsCoded && this.#textIsCoded) nameStart = this.#toScratch(nameStart, nameLength);
    return this.#fieldAt(
      nameIsCoded || this.#textIsCoded ? scratch : this.#buf,
      nameStart,
      nameLength,
      start,
      length,
      never,
    );
  }

  #fieldAt(
    buf: Uint8Array,
    nameStart: number,
    nameLength: number,
    start: number,
    length: number,
    never: boolean,
  ): Field {
    const nameEnd = nameStart + nameLength;
    const end = start + length;
    const id = this.#fields.names.id(buf, nameStart, nameEnd);
    const allowed = isNameAllowed(id, buf, nameStart, nameEnd) && isValueAllowed(id, buf, start, end);
    if (allowed && !never) return this.#fields.field(buf, nameStart, nameEnd, start, end);
    return new Field(allowed ? id : MALFORMED, latin1(buf, nameStart, nameEnd), latin1(buf, start, end), never);
  }

  /** Copies octets of the block behind what is decoded; where they stand then. */
  #toScratch(start: number, length: number): number {
    const at = this.#scratchUsed;
    needScratch(at + length, at);
    (this.#buf as Buffer).copy(scratch, at, start, start + length);
    this.#scratchUsed = at + length;
    return at;
  }

  /** Reads a string literal (RFC 7541 section 5.2). */
  #text(): boolean {
    if (this.#at >= this.#end) return false;
    const huffman = this.#buf[this.#at]! >= 0x80;
    const length = this.#integer(0x7f);
    const start = this.#at;
    const end = start + length;
    if (this.#failed || end > this.#end) return false;
    this.#at = end;
    this.#textIsCoded = huffman;
    if (!huffman) {
      this.#textStart = start;
      this.#textEnd = end;
      return true;
    }
    const at = this.#scratchUsed;
    needScratch(at + huffmanDecodedMax(length), at);
    const decodedEnd = huffmanDecode(this.#buf, start, end, scratch, at);
    if (decodedEnd < 0) return false;
    this.#scratchUsed = decodedEnd;
    this.#textStart = at;
    this.#textEnd = decodedEnd;
    return true;
  }
}

/** Grows with the longest header block ever, which whoever collects blocks bounds. */
function needScratch(bytes: number, used: number): void {
  if (bytes <= scratch.length) return;
  const wider = Buffer.allocUnsafe(bytes * 2);
  scratch.copy(wider, 0, 0, used);
  scratch = wider;
}

interface StaticFields {
  /** Each row as a field; malformed when its value is none that its name may have, such as the empty one. */
  readonly fields: readonly Field[];
  /** Id of each row's name, for literals that refer to it. */
  readonly ids: readonly number[];
}

const staticOf = new WeakMap<FieldCache, StaticFields>();

function staticFieldsOf(cache: FieldCache): StaticFields {
  let known = staticOf.get(cache);
  if (known === undefined) {
    const ids = STATIC_FIELDS.map(([name]) => {
      const buf = Buffer.from(name);
      const id = cache.names.find(name);
      return isNameAllowed(id, buf, 0, buf.length) ? id : MALFORMED;
    });
    const fields = STATIC_FIELDS.map(([name, value], index) => {
      const buf = Buffer.from(value);
      const isFit = ids[index] !== MALFORMED && isValueAllowed(ids[index]!, buf, 0, buf.length);
      return isFit ? cache.fieldOf(name, value) : new Field(MALFORMED, name, value);
    });
    known = { fields, ids };
    staticOf.set(cache, known);
  }
  return known;
}
