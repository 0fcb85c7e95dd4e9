import { LOWER } from './chars.ts';
import { Field } from './field.ts';
import type { NameTable } from './names.ts';

/** Bounds of a field cache: about 300 KB when every slot holds the longest field. */
export const FIELD_CACHE_LIMITS = {
  /** Pairs of slots; a proxy sees some hundred different fields again and again. A power of two. */
  setsMax: 512,
  /** Longer values are seldom the same twice, and would let peers make the cache big. */
  valueBytesMax: 128,
  /** As for values: a longer name is not kept. */
  nameBytesMax: 64,
} as const;

/**
 * Makes {@link Field}s and gives the same object for the same bytes again, so that repeated fields cost no allocation and
 * encoders can remember them by identity. Fixed in size: each pair of slots keeps one field seen more than once and one
 * candidate, so that values that never return (ids, dates) do not drive out those that do, and fields made to collide
 * only miss. Shared by all connections that forward to one another.
 */
export class FieldCache {
  readonly names: NameTable;
  readonly #slots: (Field | undefined)[] = new Array(FIELD_CACHE_LIMITS.setsMax * 2).fill(undefined);

  readonly #otherNames: (string | undefined)[] = new Array(NAMES_MAX).fill(undefined);

  constructor(names: NameTable) {
    this.names = names;
  }

  /** The field with this name, any case, and this value, white space around it taken off already. Not checked for bad octets. */
  field(buf: Uint8Array, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): Field {
    const nameLength = nameEnd - nameStart;
    const valueLength = valueEnd - valueStart;
    if (valueLength > FIELD_CACHE_LIMITS.valueBytesMax || nameLength > FIELD_CACHE_LIMITS.nameBytesMax)
      return this.#make(buf, nameStart, nameEnd, valueStart, valueEnd);
    let hash = Math.imul(nameLength, 0x85ebca6b) ^ valueLength;
    for (let i = nameStart; i < nameEnd; i++) hash = Math.imul(hash ^ LOWER[buf[i]!]!, FNV_PRIME);
    for (let i = valueStart; i < valueEnd; i++) hash = Math.imul(hash ^ buf[i]!, FNV_PRIME);
    const slot = slotOf(hash);
    const slots = this.#slots;
    const first = slots[slot];
    if (first !== undefined && isField(first, buf, nameStart, nameLength, valueStart, valueLength)) return first;
    const second = slots[slot + 1];
    if (second !== undefined && isField(second, buf, nameStart, nameLength, valueStart, valueLength)) {
      slots[slot + 1] = first;
      slots[slot] = second;
      return second;
    }
    const made = this.#make(buf, nameStart, nameEnd, valueStart, valueEnd);
    slots[slot + 1] = made;
    return made;
  }

  /** As {@link field}, when the lower-case name is known already with its id. */
  fieldNamed(id: number, name: string, buf: Uint8Array, valueStart: number, valueEnd: number): Field {
    const valueLength = valueEnd - valueStart;
    if (valueLength > FIELD_CACHE_LIMITS.valueBytesMax || name.length > FIELD_CACHE_LIMITS.nameBytesMax)
      return new Field(id, name, latin1(buf, valueStart, valueEnd));
    let hash = Math.imul(name.length, 0x85ebca6b) ^ valueLength;
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), FNV_PRIME);
    for (let i = valueStart; i < valueEnd; i++) hash = Math.imul(hash ^ buf[i]!, FNV_PRIME);
    const slot = slotOf(hash);
    const slots = this.#slots;
    const first = slots[slot];
    if (first !== undefined && first.name === name && isText(first.value, buf, valueStart, valueLength)) return first;
    const second = slots[slot + 1];
    if (second !== undefined && second.name === name && isText(second.value, buf, valueStart, valueLength)) {
      slots[slot + 1] = first;
      slots[slot] = second;
      return second;
    }
    const made = new Field(id, name, latin1(buf, valueStart, valueEnd));
    slots[slot + 1] = made;
    return made;
  }

  /** The field with this lower-case name and this value, each a Latin-1 text. */
  fieldOf(name: string, value: string): Field {
    if (value.length > FIELD_CACHE_LIMITS.valueBytesMax || name.length > FIELD_CACHE_LIMITS.nameBytesMax)
      return new Field(this.names.find(name), name, value);
    let hash = Math.imul(name.length, 0x85ebca6b) ^ value.length;
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), FNV_PRIME);
    for (let i = 0; i < value.length; i++) hash = Math.imul(hash ^ value.charCodeAt(i), FNV_PRIME);
    const slot = slotOf(hash);
    const slots = this.#slots;
    const first = slots[slot];
    if (first !== undefined && first.name === name && first.value === value) return first;
    const second = slots[slot + 1];
    if (second !== undefined && second.name === name && second.value === value) {
      slots[slot + 1] = first;
      slots[slot] = second;
      return second;
    }
    const made = new Field(this.names.find(name), name, value);
    slots[slot + 1] = made;
    return made;
  }

  #make(buf: Uint8Array, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): Field {
    const id = this.names.id(buf, nameStart, nameEnd);
    const name = id > 0 ? this.names.name(id) : this.#nameIn(buf, nameStart, nameEnd);
    return new Field(id, name, latin1(buf, valueStart, valueEnd));
  }

  /** A name that is not in the table; values differ more often than names do. */
  #nameIn(buf: Uint8Array, start: number, end: number): string {
    const slot = (end - start + 31 * LOWER[buf[start]!]! + 7 * LOWER[buf[end - 1]!]!) & (NAMES_MAX - 1);
    const known = this.#otherNames[slot];
    if (known !== undefined && isName(known, buf, start, end - start)) return known;
    const name = latin1(buf, start, end).toLowerCase();
    if (name.length <= FIELD_CACHE_LIMITS.nameBytesMax) this.#otherNames[slot] = name;
    return name;
  }
}

/** Names beyond the table that are remembered. A power of two. */
const NAMES_MAX = 128;

/** Latin-1 text of some bytes. */
export function latin1(buf: Uint8Array, start: number, end: number): string {
  return (buf as Buffer).toString('latin1', start, end);
}

const FNV_PRIME = 0x01000193;

function slotOf(hash: number): number {
  return ((hash ^ (hash >>> 15)) & (FIELD_CACHE_LIMITS.setsMax - 1)) << 1;
}

function isField(
  field: Field,
  buf: Uint8Array,
  nameStart: number,
  nameLength: number,
  valueStart: number,
  valueLength: number,
): boolean {
  const { name, value } = field;
  return isText(value, buf, valueStart, valueLength) && isName(name, buf, nameStart, nameLength);
}

function isName(name: string, buf: Uint8Array, start: number, length: number): boolean {
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) if (LOWER[buf[start + i]!] !== name.charCodeAt(i)) return false;
  return true;
}

function isText(text: string, buf: Uint8Array, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (buf[start + i] !== text.charCodeAt(i)) return false;
  return true;
}
