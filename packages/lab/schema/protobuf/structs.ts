/** Decodes a message of the tables to JSON, guided by their field numbers. */
import type { FieldTable } from '#api/kube';
import { durationText, timeOf } from '../times.ts';
import type { TypeRegistry } from '../types.ts';
import { BYTES, type Reader, VARINT, WireFault } from './reader.ts';

type Json = Record<string, unknown>;

/** What a number means inside a message: a field, or an inline embedding with numbers of its own. */
type Numbers = Map<number, FieldTable | Numbers>;

/** Messages nest at most this deep (JSON Schemas nest furthest); deeper ones are refused. */
const DEPTH_MAX = 200;

export class StructDecoder {
  readonly #registry: TypeRegistry;
  readonly #numbers = new Map<string, Numbers>();
  #depth = 0;

  constructor(registry: TypeRegistry) {
    this.#registry = registry;
  }

  /** All fields that are on the wire, zeros included; the normal form drops those that JSON leaves out. */
  struct(id: string, reader: Reader): Json {
    if (++this.#depth > DEPTH_MAX) throw new WireFault('protobuf: messages nest too deep');
    const out: Json = {};
    this.#fill(this.#numbersOf(id), reader, out);
    this.#depth--;
    return out;
  }

  #numbersOf(id: string): Numbers {
    const known = this.#numbers.get(id);
    if (known) return known;
    const numbers: Numbers = new Map();
    for (const field of this.#registry.type(id).fields.values()) {
      let level = numbers;
      for (const number of field.proto.slice(0, -1)) {
        const inner = level.get(number);
        const next: Numbers = inner instanceof Map ? inner : new Map();
        level.set(number, next);
        level = next;
      }
      const last = field.proto.at(-1);
      if (last !== undefined) level.set(last, field);
    }
    this.#numbers.set(id, numbers);
    return numbers;
  }

  #fill(numbers: Numbers, reader: Reader, out: Json): void {
    while (!reader.done) {
      const { number, wire } = reader.tag();
      const target = numbers.get(number);
      if (target === undefined) reader.skip(wire);
      else if (target instanceof Map) this.#fill(target, reader.message(), out);
      else this.#field(target, wire, reader, out);
    }
  }

  #field(field: FieldTable, wire: number, reader: Reader, out: Json): void {
    const [outer] = field.wrap;
    if (outer === 'list') {
      out[field.name] ??= [];
      const list = out[field.name] as unknown[];
      if (wire === BYTES && isVarint(field)) {
        for (const packed = reader.message(); !packed.done; ) list.push(this.#base(field, VARINT, packed));
      } else list.push(this.#base(field, wire, reader));
    } else if (outer === 'map') {
      const [key, value] = this.#entry(field, reader.message());
      out[field.name] ??= {};
      setOwn(out[field.name] as Json, key, value);
    } else out[field.name] = this.#base(field, wire, reader);
  }

  #entry(field: FieldTable, entry: Reader): [string, unknown] {
    let key = '';
    let value: unknown = null;
    while (!entry.done) {
      const { number, wire } = entry.tag();
      if (number === 1) key = entry.text();
      else if (number === 2) value = this.#base(field, wire, entry);
      else entry.skip(wire);
    }
    return [key, value];
  }

  #base(field: FieldTable, wire: number, reader: Reader): unknown {
    switch (field.base) {
      case 'string':
        return reader.text();
      case 'bytes':
        return Buffer.from(reader.message().rest()).toString('base64');
      case 'bool':
        return reader.varint() !== 0n;
      case 'i32':
      case 'i64':
        return integer(reader.varint());
      case 'f64':
        return reader.double();
      case 'ref':
        return this.struct(field.ref ?? '', reader.message());
      default:
        if (wire !== BYTES) throw new WireFault(`protobuf: field ${field.name} has wire type ${wire}`);
        return this.#special(field.base, this.#parts(reader.message()));
    }
  }

  /** Fields of a small message by number; repeated ones in order. */
  #parts(reader: Reader): Parts {
    const parts: Parts = { varints: new Map(), messages: new Map() };
    while (!reader.done) {
      const { number, wire } = reader.tag();
      if (wire === VARINT) parts.varints.set(number, reader.varint());
      else if (wire === BYTES) parts.messages.set(number, [...(parts.messages.get(number) ?? []), reader.message()]);
      else reader.skip(wire);
    }
    return parts;
  }

  #special(base: FieldTable['base'], parts: Parts): unknown {
    const texts = (number: number) => (parts.messages.get(number) ?? []).map((each) => textOf(each));
    const schemas = (number: number) =>
      (parts.messages.get(number) ?? []).map((each) => this.struct('apiextensions/v1.JSONSchemaProps', each));
    const varint = (number: number) => parts.varints.get(number) ?? 0n;
    switch (base) {
      case 'Time':
      case 'MicroTime': {
        if (parts.varints.size === 0) return null;
        return timeOf(Number(varint(1)), Number(varint(2)), base === 'MicroTime');
      }
      case 'Duration':
        return durationText(varint(1));
      case 'Quantity':
        return texts(1)[0] || '0';
      case 'IntOrString':
        return varint(1) === 0n ? integer(varint(2)) : (texts(3)[0] ?? '');
      case 'Raw':
      case 'JSON':
      case 'FieldsV1':
        return jsonOf(texts(1)[0] ?? '');
      case 'Strings':
        return texts(1);
      case 'SchemaOrBool':
        return schemas(2)[0] ?? varint(1) !== 0n;
      case 'SchemaOrArray':
        return schemas(1)[0] ?? schemas(2);
      case 'SchemaOrStrings':
        return schemas(1)[0] ?? texts(2);
      default:
        throw new WireFault(`protobuf: no decoder for ${base}`);
    }
  }
}

interface Parts {
  readonly varints: Map<number, bigint>;
  readonly messages: Map<number, Reader[]>;
}

const isVarint = (field: FieldTable) => field.base === 'i32' || field.base === 'i64' || field.base === 'bool';
const textOf = (reader: Reader) => Buffer.from(reader.rest()).toString('utf8');

/** A number where JSON keeps it exact, else a bigint. */
const integer = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;

function jsonOf(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new WireFault(`protobuf: embedded JSON cannot be read: ${(cause as Error).message}`);
  }
}

/** Sets a key from the wire as an own property, even where it reads `__proto__`. */
function setOwn(target: Json, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}
