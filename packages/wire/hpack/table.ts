import { Field } from '../fields/index.ts';

/** Octets that an entry counts beyond its name and value (RFC 7541 section 4.1). */
export const ENTRY_OVERHEAD = 32;

const NOTHING = new Field(0, '', '');

/**
 * A dynamic table (RFC 7541 section 2.3.2): a ring of fields, the newest first in numbering. Entries are told apart by the
 * count of insertions up to them, their sequence number, which never changes.
 */
export class DynamicTable {
  #entries: Field[] = [];
  /** Sequence number of the newest entry: how many were ever inserted. */
  newest = 0;
  count = 0;
  size = 0;
  #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }

  /** The entry `age` insertions older than the newest; `age` is below `count`. */
  get(age: number): Field {
    return this.#entries[(this.newest - age) & (this.#entries.length - 1)]!;
  }

  /** The oldest entry, which leaves the table. */
  evict(): Field {
    this.count--;
    const slot = (this.newest - this.count) & (this.#entries.length - 1);
    const field = this.#entries[slot]!;
    this.#entries[slot] = NOTHING;
    this.size -= entrySize(field);
    return field;
  }

  /** Whether an entry of this size needs another to leave first. */
  isFullFor(size: number): boolean {
    return this.count > 0 && this.size + size > this.#limit;
  }

  /** Adds an entry that fits. */
  insert(field: Field): void {
    if (this.count === this.#entries.length) this.#grow();
    this.newest++;
    this.count++;
    this.size += entrySize(field);
    this.#entries[this.newest & (this.#entries.length - 1)] = field;
  }

  /** Changes the limit; the caller evicts while `isFullFor(0)`. */
  setLimit(limit: number): void {
    this.#limit = limit;
  }

  /** The ring's length is a power of two; its growth ends with limit / 32 entries. */
  #grow(): void {
    const wider: Field[] = new Array(Math.max(16, this.#entries.length * 2)).fill(NOTHING);
    for (let age = 0; age < this.count; age++) wider[(this.newest - age) & (wider.length - 1)] = this.get(age);
    this.#entries = wider;
  }
}

/** What a field counts in a table and in a header list. */
export function entrySize(field: Field): number {
  return field.name.length + field.value.length + ENTRY_OVERHEAD;
}
