/**
 * The normal form of a built-in object: what it looks like after Go has decoded and written it again. Unknown fields are gone
 * (and reported), nulls and zero values of optional fields are gone, empty structs are there, special values are canonical,
 * fields stand in declared order and map keys in alphabetical order.
 */
import type { FieldTable } from '#api/kube';
import { applyDefaults, type DefaultsTable } from './defaults/index.ts';
import { READERS } from './special-values.ts';
import { builtins, type TypeRegistry } from './types.ts';

/** The body does not fit the kind. The message is Go's, e.g. `json: cannot unmarshal string into Go struct field …`. */
export class DecodeFault extends Error {
  override readonly name = 'DecodeFault';
}

export interface NormalForm {
  readonly object: Record<string, unknown>;
  /** Paths of fields that the kind does not have, e.g. `spec.containers[0].imagee`, in the order of the input. */
  readonly unknownFields: readonly string[];
}

/**
 * Brings `value` into the normal form of a struct, e.g. `apps/v1.Deployment`, and fills `defaults` if given. Throws
 * {@link DecodeFault}; keeps its argument.
 */
export function toNormalForm(
  typeId: string,
  value: unknown,
  { registry = builtins, defaults = {} }: { registry?: TypeRegistry; defaults?: DefaultsTable } = {},
): NormalForm {
  const walk = new Walk(registry, defaults);
  const object = walk.struct(typeId, value) as Record<string, unknown>;
  return { object, unknownFields: walk.unknownFields };
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** How Go names the type of a JSON value in its messages. */
function jsonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'bigint' ? 'number' : typeof value;
}

/** `core/v1.PodSpec` -> `v1.PodSpec`. */
const goName = (id: string) => id.slice(id.indexOf('/') + 1);
const GO_BASES: Readonly<Record<string, string>> = {
  i32: 'int32',
  i64: 'int64',
  f64: 'float64',
  bytes: '[]uint8',
  Quantity: 'resource.Quantity',
  IntOrString: 'intstr.IntOrString',
};

function goType(field: FieldTable, wrap: FieldTable['wrap']): string {
  const base = field.ref ? goName(field.ref) : field.stringType ? goName(field.stringType) : field.base;
  return wrap.map((each) => (each === 'list' ? '[]' : 'map[string]')).join('') + (GO_BASES[base] ?? base);
}

class Walk {
  readonly unknownFields: string[] = [];
  readonly #registry: TypeRegistry;
  readonly #defaults: DefaultsTable;
  /** Where the walk is: field names, and for lists `[n]`, for maps keys. */
  readonly #path: string[] = [];
  /** Field names only, as Go keeps them for its messages. */
  readonly #fields: string[] = [];
  #struct = '';

  constructor(registry: TypeRegistry, defaults: DefaultsTable) {
    this.#registry = registry;
    this.#defaults = defaults;
  }

  struct(id: string, value: unknown): unknown {
    const type = this.#registry.type(id);
    const input = value ?? {};
    if (!isObject(input)) throw this.#mismatch(value, goName(id));
    const outer = this.#struct;
    this.#struct = id.slice(id.indexOf('.', id.indexOf('/')) + 1);
    for (const key of Object.keys(input)) if (!type.fields.has(key)) this.#reportUnknown(key);
    const out: Json = {};
    for (const field of type.fields.values()) {
      const result = this.#field(field, input[field.name]);
      if (result !== undefined) out[field.name] = result;
    }
    this.#struct = outer;
    const rules = this.#defaults[id];
    return rules && applyDefaults(rules, out) ? inOrder(out, type.fields) : out;
  }

  #reportUnknown(key: string): void {
    this.unknownFields.push([...this.#path, key].join('.').replaceAll('.[', '['));
  }

  #field(field: FieldTable, value: unknown): unknown {
    if (value === undefined || value === null) return absent(field) ?? this.#absentStruct(field);
    this.#path.push(field.name);
    this.#fields.push(field.name);
    const result = this.#value(field, field.wrap, value);
    this.#path.pop();
    this.#fields.pop();
    return field.omitEmpty && !field.pointer && isZero(field, result) ? undefined : result;
  }

  /** Go writes structs even when they are empty: `status: {}`, `resources: {}`. */
  #absentStruct(field: FieldTable): unknown {
    if (field.pointer || field.wrap.length > 0 || !field.ref) return undefined;
    return this.#field(field, {});
  }

  #value(field: FieldTable, wrap: FieldTable['wrap'], value: unknown): unknown {
    const [outer, ...inner] = wrap;
    if (outer === 'list') return this.#list(field, wrap, inner, value);
    if (outer === 'map') return this.#map(field, wrap, inner, value);
    if (field.base === 'ref') return this.struct(field.ref ?? '', value);
    if (field.base.startsWith('Schema')) return this.#schemaUnion(value);
    const read = READERS[field.base](value);
    if ('value' in read) return read.value;
    if ('malformed' in read) throw new DecodeFault(read.malformed);
    throw this.#mismatch(value, field.stringType ? goName(field.stringType) : read.mismatch);
  }

  #list(field: FieldTable, wrap: FieldTable['wrap'], inner: FieldTable['wrap'], value: unknown): unknown[] {
    if (!Array.isArray(value)) throw this.#mismatch(value, goType(field, wrap));
    return value.map((item, at) => {
      this.#path.push(`[${at}]`);
      const result = item === null ? this.#zeroItem(field, inner) : this.#value(field, inner, item);
      this.#path.pop();
      return result;
    });
  }

  #map(field: FieldTable, wrap: FieldTable['wrap'], inner: FieldTable['wrap'], value: unknown): Json {
    if (!isObject(value)) throw this.#mismatch(value, goType(field, wrap));
    const out: Json = {};
    for (const key of Object.keys(value).sort()) {
      const item = value[key];
      this.#path.push(key);
      const result = item === null ? this.#zeroItem(field, inner) : this.#value(field, inner, item);
      this.#path.pop();
      if (key === '__proto__')
        Object.defineProperty(out, key, { value: result, enumerable: true, writable: true, configurable: true });
      else out[key] = result;
    }
    return out;
  }

  /** A null item of a list or map stands for the zero value. */
  #zeroItem(field: FieldTable, wrap: FieldTable['wrap']): unknown {
    if (wrap[0]) return wrap[0] === 'list' ? [] : {};
    if (field.base === 'ref') return this.struct(field.ref ?? '', {});
    if (field.base === 'Strings') return [];
    return field.base === 'bytes' ? '' : (zeroOf(field) ?? null);
  }

  /** Inside JSON Schema some values are a schema or something simpler. */
  #schemaUnion(value: unknown): unknown {
    const id = 'apiextensions/v1.JSONSchemaProps';
    if (Array.isArray(value)) return value.map((item) => (isObject(item) ? this.struct(id, item) : item));
    return isObject(value) ? this.struct(id, value) : value;
  }

  #mismatch(value: unknown, type: string): DecodeFault {
    const isCount = typeof value === 'number' && type.startsWith('int');
    const seen = isCount ? `number ${value}` : jsonTypeOf(value);
    const target =
      this.#fields.length > 0 ? `struct field ${this.#struct}.${this.#fields.join('.')} of type` : 'value of type';
    return new DecodeFault(`json: cannot unmarshal ${seen} into Go ${target} ${type}`);
  }
}

/** The struct with its fields in declared order, which defaults may have broken. */
function inOrder(struct: Json, fields: ReadonlyMap<string, FieldTable>): Json {
  const out: Json = {};
  for (const name of fields.keys()) if (struct[name] !== undefined) out[name] = struct[name];
  return out;
}

/** What stands in JSON for a field that is not given: zero values of required scalars. */
function absent(field: FieldTable): unknown {
  if (field.omitEmpty || field.pointer || field.wrap.length > 0) return undefined;
  return zeroOf(field);
}

function zeroOf(field: FieldTable): unknown {
  switch (field.base) {
    case 'string':
      return '';
    case 'bool':
      return false;
    case 'i32':
    case 'i64':
    case 'f64':
    case 'IntOrString':
      return 0;
    case 'Quantity':
      return '0';
    default:
      return undefined;
  }
}

/** Structs, quantities and times are never left out: Go's omitempty does not look inside them. */
function isZero(field: FieldTable, value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (field.wrap[0] === 'map') return Object.keys(value as Json).length === 0;
  return value === '' || value === 0 || value === false;
}
