import { latin1 } from '../fields/index.ts';
import { FIELD_SLOTS, KnownFields } from './known.ts';
import { LIMITS } from './limits.ts';
import type { TargetForm } from './target.ts';
import { isText } from './text.ts';

/** How the end of a message's body is found. */
export type Framing = 'none' | 'length' | 'chunked' | 'until-close';

/**
 * One parsed head, as offsets into the bytes it came in. Owned and reused by its decoder: valid only during the sink call.
 * For a trailer section only the fields are set.
 */
export class Http1Head {
  buf: Uint8Array = new Uint8Array(0);
  /** First byte of the start line, and the byte after the final empty line. */
  start = 0;
  end = 0;
  /** First byte of the first field line, and the first byte of the final CRLF. */
  fieldsStart = 0;
  fieldsEnd = 0;
  /** Request only: method and target. */
  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  form: TargetForm = 'origin';
  /** Authority and path with query inside the target; empty where its form has none. */
  authorityStart = 0;
  authorityEnd = 0;
  pathStart = 0;
  pathEnd = 0;
  /** Response only. */
  status = 0;
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  minor: 0 | 1 = 1;
  framing: Framing = 'none';
  /** Bytes of a body framed by length. */
  contentLength = 0;
  /** The sender will send (request) or keep (response) more on this connection. */
  keepAlive = true;
  /** `connection: upgrade` together with `upgrade`, or the method CONNECT. */
  upgrade = false;
  expectContinue = false;
  /** Some `connection` field names other fields, which are then hop-by-hop too. */
  connectionListsFields = false;
  fieldCount = 0;
  /** Per field: id, name start, name end, value start, value end. A line reaches from its name to the next name. */
  #fields = new Int32Array(FIELD_SLOTS * 24);

  fieldId(index: number): number {
    return this.#fields[index * FIELD_SLOTS]!;
  }
  nameStart(index: number): number {
    return this.#fields[index * FIELD_SLOTS + 1]!;
  }
  nameEnd(index: number): number {
    return this.#fields[index * FIELD_SLOTS + 2]!;
  }
  valueStart(index: number): number {
    return this.#fields[index * FIELD_SLOTS + 3]!;
  }
  valueEnd(index: number): number {
    return this.#fields[index * FIELD_SLOTS + 4]!;
  }
  /** Index of the first field with this id, or -1. */
  find(id: number): number {
    for (let i = 0; i < this.fieldCount; i++) if (this.#fields[i * FIELD_SLOTS] === id) return i;
    return -1;
  }
  /** Value of field `index` as Latin-1 text. */
  value(index: number): string {
    return latin1(this.buf, this.valueStart(index), this.valueEnd(index));
  }
  name(index: number): string {
    return latin1(this.buf, this.nameStart(index), this.nameEnd(index));
  }
  method(): string {
    return latin1(this.buf, this.methodStart, this.methodEnd);
  }
  target(): string {
    return latin1(this.buf, this.targetStart, this.targetEnd);
  }
  /** Whether the method is exactly this upper-case text. */
  methodIs(text: string): boolean {
    return this.methodEnd - this.methodStart === text.length && isText(this.buf, this.methodStart, text);
  }

  /** @internal Fields of an earlier head. */
  readonly known = new KnownFields();
  /** @internal This head's fields are those of `known`, all of them. */
  isKnown = false;
  /** Per field: its line in `known`, -1 for none, or -2 less the line that has the same name. */
  #lines = new Int16Array(24);

  /** Where the lines of `known` begin that the slots hold; -1: they hold others too. */
  #recalledAt = -1;

  /** @internal The line of `known` that a field has the bytes of; below 0: of none. */
  knownLine(index: number): number {
    return this.#lines[index]!;
  }

  /** @internal The line of `known` that has the name of a field and another value; -1: none. */
  knownName(index: number): number {
    const line = this.#lines[index]!;
    return line <= -2 ? -2 - line : -1;
  }

  /** @internal The fields are those of `known`, all of them. */
  recall(): void {
    const { known } = this;
    known.hit();
    this.isKnown = true;
    if (this.#recalledAt < 0) {
      for (let line = 0; line < known.count; line++) this.addKnown(line, this.fieldsStart + known.starts[line]!);
    } else {
      this.fieldCount = known.count;
      this.#move(this.fieldsStart - this.#recalledAt);
    }
    this.#recalledAt = this.fieldsStart;
  }

  /** @internal Remembers the fields just parsed, now and then. */
  learn(): void {
    this.#recalledAt = -1;
    if (!this.known.missed()) return;
    this.known.remember(this.buf, this.fieldsStart, this.end, this.#fields, this.fieldCount, this.#lines);
    this.isKnown = this.known.count === this.fieldCount;
    if (!this.isKnown) return;
    for (let i = 0; i < this.fieldCount; i++) this.#lines[i] = i;
    this.#recalledAt = this.fieldsStart;
  }

  /** @internal The slots hold something else from now on. */
  overwrite(): void {
    this.#recalledAt = -1;
  }

  #move(delta: number): void {
    if (delta === 0) return;
    const fields = this.#fields;
    const end = this.fieldCount * FIELD_SLOTS;
    for (let i = 0; i < end; i += FIELD_SLOTS) {
      fields[i + 1]! += delta;
      fields[i + 2]! += delta;
      fields[i + 3]! += delta;
      fields[i + 4]! += delta;
    }
  }

  /** @internal What one pass over the framing fields found. */
  readonly scan = {
    hosts: 0,
    codings: 0,
    chunkedLast: false,
    close: false,
    keepAlive: false,
    connectionUpgrade: false,
    upgrade: false,
    wordStart: 0,
    wordEnd: 0,
  };

  /** @internal Adds a field; false when the table is full. `nameLine`: the line of `known` with the same name, or -1. */
  addField(
    id: number,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    nameLine: number,
  ): boolean {
    if (this.fieldCount >= LIMITS.fieldCountMax) return false;
    const at = this.#reserve() * FIELD_SLOTS;
    this.#fields[at] = id;
    this.#fields[at + 1] = nameStart;
    this.#fields[at + 2] = nameEnd;
    this.#fields[at + 3] = valueStart;
    this.#fields[at + 4] = valueEnd;
    this.#lines[this.fieldCount++] = nameLine < 0 ? -1 : -2 - nameLine;
    return true;
  }

  /** @internal Adds a line of `known` that begins at `at`. */
  addKnown(line: number, at: number): void {
    this.known.copyLine(line, this.#fields, this.#reserve(), at);
    this.#lines[this.fieldCount++] = line;
  }

  /** Index of the next field, with room for it. */
  #reserve(): number {
    const index = this.fieldCount;
    if (index >= this.#lines.length) {
      const wider = new Int32Array(FIELD_SLOTS * LIMITS.fieldCountMax);
      wider.set(this.#fields);
      this.#fields = wider;
      const lines = new Int16Array(LIMITS.fieldCountMax);
      lines.set(this.#lines);
      this.#lines = lines;
    }
    return index;
  }
}
