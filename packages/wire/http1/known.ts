import type { Field } from '../fields/index.ts';

/** Numbers kept of each field: id, name start, name end, value start, value end. */
export const FIELD_SLOTS = 5;

const NO_BYTES = Buffer.alloc(0);

/** Longer blocks of fields are not remembered. */
const BYTES_MAX = 2048;

/** After so many heads in a row that differ, the whole is compared, and the last head remembered, only every sixteenth time. */
const MISSES_MAX = 8;

/**
 * The fields of one head of a connection. The next heads usually have the same, or all but one or two: lines whose bytes are the
 * same need be neither checked nor made into fields again.
 */
export class KnownFields {
  /** Lines remembered. */
  count = 0;
  /** The block; where each line begins in it, and behind them where the empty line does. */
  bytes: Uint8Array = NO_BYTES;
  starts = new Int32Array(25);
  /** What lines became in the common form; undefined: not made yet. */
  fields: (Field | undefined)[] = [];
  /** What the whole became; of no use for a head that differs. */
  message: readonly Field[] | undefined;
  host: string | undefined;
  #room = NO_BYTES;
  #length = 0;
  /** As in a head, counted from the start of the block. */
  #slots = new Int32Array(FIELD_SLOTS * 24);
  #misses = 0;

  /** Length of the block at `at` when it is this one, else 0. */
  wholeLength(buf: Uint8Array, at: number, end: number): number {
    const length = this.#length;
    if (length === 0 || end - at < length || (this.#misses > MISSES_MAX && this.#misses % 16 !== 0)) return 0;
    return this.#room.compare(buf, at, at + length, 0, length) === 0 ? length : 0;
  }

  /** Copies line `line` into slot `index` of a head, where it begins at `at`. */
  copyLine(line: number, into: Int32Array, index: number, at: number): void {
    const from = line * FIELD_SLOTS;
    const to = index * FIELD_SLOTS;
    const slots = this.#slots;
    const delta = at - slots[from + 1]!;
    into[to] = slots[from]!;
    into[to + 1] = at;
    into[to + 2] = slots[from + 2]! + delta;
    into[to + 3] = slots[from + 3]! + delta;
    into[to + 4] = slots[from + 4]! + delta;
  }

  /** Which of `line` and the next has this name, letter by letter; -1: neither. */
  lineNamed(line: number, buf: Uint8Array, nameStart: number, nameEnd: number): number {
    if (this.#isName(line, buf, nameStart, nameEnd)) return line;
    return line + 1 < this.count && this.#isName(line + 1, buf, nameStart, nameEnd) ? line + 1 : -1;
  }

  idOf(line: number): number {
    return this.#slots[line * FIELD_SLOTS]!;
  }

  hit(): void {
    this.#misses = 0;
  }

  /** A head differed: whether it is to be remembered in place of this one. */
  missed(): boolean {
    const misses = ++this.#misses;
    return misses === 1 || misses % 16 === 0;
  }

  /** Takes the block `buf[start, end)` with `count` fields in `slots`; `lines`: which of them were known as what. */
  remember(buf: Uint8Array, start: number, end: number, slots: Int32Array, count: number, lines: Int16Array): void {
    const length = end - start;
    this.message = undefined;
    this.host = undefined;
    this.#length = 0;
    this.count = 0;
    const old = this.fields;
    this.fields = [];
    if (length > BYTES_MAX) return;
    if (length > this.#room.length) this.#room = Buffer.allocUnsafeSlow(Math.min(BYTES_MAX, length + 128));
    if (count * FIELD_SLOTS > this.#slots.length) this.#slots = new Int32Array(count * FIELD_SLOTS);
    if (count >= this.starts.length) this.starts = new Int32Array(count + 1);
    (buf as Buffer).copy(this.#room, 0, start, end);
    this.bytes = this.#room;
    for (let i = 0; i < count; i++) {
      const line = lines[i]!;
      this.fields.push(line < 0 ? undefined : old[line]);
      const at = i * FIELD_SLOTS;
      this.#slots[at] = slots[at]!;
      for (let slot = 1; slot < FIELD_SLOTS; slot++) this.#slots[at + slot] = slots[at + slot]! - start;
      this.starts[i] = this.#slots[at + 1]!;
    }
    this.starts[count] = length - 2;
    this.#length = length;
    this.count = count;
  }

  #isName(line: number, buf: Uint8Array, nameStart: number, nameEnd: number): boolean {
    const start = this.starts[line]!;
    const length = nameEnd - nameStart;
    if (this.#slots[line * FIELD_SLOTS + 2]! - start !== length) return false;
    const { bytes } = this;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== buf[nameStart + i]) return false;
    return true;
  }
}
