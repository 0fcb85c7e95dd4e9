/** Writes an OpenAPI 2 document in the protobuf form of gnostic's OpenAPIv2.proto: the parts that our documents use. */
import type { Json } from './served.ts';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;

/** Writes protobuf fields; a message's length is known once it is written, so children are written apart and copied in. */
class Writer {
  #bytes = new Uint8Array(256);
  #length = 0;

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  text(number: number, value: unknown): void {
    if (typeof value === 'string' && value !== '') this.#chunk(number, Buffer.from(value, 'utf8'));
  }

  texts(number: number, values: unknown): void {
    for (const value of (values as string[] | undefined) ?? []) this.#chunk(number, Buffer.from(value, 'utf8'));
  }

  flag(number: number, value: unknown): void {
    if (value !== true) return;
    this.#varint(number * 8 + VARINT);
    this.#varint(1);
  }

  integer(number: number, value: unknown): void {
    if (typeof value !== 'number') return;
    this.#varint(number * 8 + VARINT);
    this.#varint(value);
  }

  double(number: number, value: unknown): void {
    if (typeof value !== 'number') return;
    this.#varint(number * 8 + FIXED64);
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    this.#append(bytes);
  }

  message(number: number, write: (inner: Writer) => void): void {
    const inner = new Writer();
    write(inner);
    this.#chunk(number, inner.finish());
  }

  #chunk(number: number, bytes: Uint8Array): void {
    this.#varint(number * 8 + BYTES);
    this.#varint(bytes.length);
    this.#append(bytes);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#byte(rest);
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** The bytes of a document as `swagger` builds it. */
export function swaggerProtobuf(document: Json): Uint8Array {
  const out = new Writer();
  const { title, version } = document['info'] as Json;
  out.text(1, document['swagger']);
  out.message(2, (info) => {
    info.text(1, title);
    info.text(2, version);
  });
  out.message(8, (paths) => named(paths, 2, document['paths'], writePath));
  out.message(9, (definitions) => named(definitions, 1, document['definitions'], writeSchema));
  return out.finish();
}

/** A map as repeated pairs of name (1) and value (2). */
function named(out: Writer, number: number, map: unknown, write: (value: Json, inner: Writer) => void): void {
  for (const [name, value] of Object.entries((map as Record<string, Json> | undefined) ?? {}))
    out.message(number, (pair) => {
      pair.text(1, name);
      pair.message(2, (inner) => write(value, inner));
    });
}

/** Any value travels as YAML text, of which JSON is a part. */
const any = (out: Writer, number: number, value: unknown): void =>
  out.message(number, (inner) => inner.text(2, JSON.stringify(value)));

function extensions(out: Writer, number: number, value: Json): void {
  for (const [name, content] of Object.entries(value))
    if (name.startsWith('x-'))
      out.message(number, (pair) => {
        pair.text(1, name);
        any(pair, 2, content);
      });
}

const METHODS = { get: 2, put: 3, post: 4, delete: 5, patch: 8 } as const;

function writePath(path: Json, out: Writer): void {
  for (const [method, number] of Object.entries(METHODS)) {
    const operation = path[method] as Json | undefined;
    if (operation) out.message(number, (inner) => writeOperation(operation, inner));
  }
  for (const parameter of (path['parameters'] as Json[] | undefined) ?? []) writeParameter(parameter, out, 9);
}

function writeOperation(operation: Json, out: Writer): void {
  out.text(5, operation['operationId']);
  out.texts(6, operation['produces']);
  out.texts(7, operation['consumes']);
  for (const parameter of operation['parameters'] as Json[]) writeParameter(parameter, out, 8);
  out.message(9, (responses) => named(responses, 1, operation['responses'], writeResponse));
  extensions(out, 13, operation);
}

function writeResponse(response: Json, out: Writer): void {
  out.message(1, (inner) => {
    inner.text(1, response['description']);
    inner.message(2, (item) => item.message(1, (schema) => writeSchema(response['schema'] as Json, schema)));
  });
}

/** ParametersItem{parameter{body | non-body{query | path}}} */
function writeParameter(parameter: Json, out: Writer, number: number): void {
  out.message(number, (item) =>
    item.message(1, (wrapper) => {
      if (parameter['in'] === 'body') wrapper.message(1, (body) => writeBodyParameter(parameter, body));
      else wrapper.message(2, (other) => writeOtherParameter(parameter, other));
    }),
  );
}

function writeBodyParameter(parameter: Json, out: Writer): void {
  out.text(2, parameter['name']);
  out.text(3, parameter['in']);
  out.flag(4, parameter['required']);
  out.message(5, (schema) => writeSchema(parameter['schema'] as Json, schema));
}

function writeOtherParameter(parameter: Json, out: Writer): void {
  const inPath = parameter['in'] === 'path';
  out.message(inPath ? 4 : 3, (inner) => {
    inner.flag(1, parameter['required']);
    inner.text(2, parameter['in']);
    inner.text(4, parameter['name']);
    inner.text(inPath ? 5 : 6, parameter['type']);
    inner.flag(inPath ? 19 : 20, parameter['uniqueItems']);
  });
}

type Keyword = (out: Writer, value: unknown) => void;

const textAt =
  (number: number): Keyword =>
  (out, value) =>
    out.text(number, value);
const integerAt =
  (number: number): Keyword =>
  (out, value) =>
    out.integer(number, value);
const doubleAt =
  (number: number): Keyword =>
  (out, value) =>
    out.double(number, value);
const flagAt =
  (number: number): Keyword =>
  (out, value) =>
    out.flag(number, value);

/** The keywords of a schema with their field numbers. */
const KEYWORDS: Readonly<Record<string, Keyword>> = {
  $ref: textAt(1),
  format: textAt(2),
  title: textAt(3),
  description: textAt(4),
  default: (out, value) => any(out, 5, value),
  multipleOf: doubleAt(6),
  maximum: doubleAt(7),
  exclusiveMaximum: flagAt(8),
  minimum: doubleAt(9),
  exclusiveMinimum: flagAt(10),
  maxLength: integerAt(11),
  minLength: integerAt(12),
  pattern: textAt(13),
  maxItems: integerAt(14),
  minItems: integerAt(15),
  uniqueItems: flagAt(16),
  maxProperties: integerAt(17),
  minProperties: integerAt(18),
  required: (out, value) => out.texts(19, value),
  enum: (out, value) => {
    for (const each of value as unknown[]) any(out, 20, each);
  },
  additionalProperties: (out, value) =>
    out.message(21, (item) => {
      if (typeof value === 'boolean') item.flag(2, value);
      else item.message(1, (schema) => writeSchema(value as Json, schema));
    }),
  type: (out, value) => out.message(22, (item) => item.texts(1, [value])),
  items: (out, value) => out.message(23, (item) => item.message(1, (schema) => writeSchema(value as Json, schema))),
  allOf: (out, value) => {
    for (const each of value as Json[]) out.message(24, (schema) => writeSchema(each, schema));
  },
  properties: (out, value) => out.message(25, (properties) => named(properties, 1, value, writeSchema)),
};

function writeSchema(schema: Json, out: Writer): void {
  for (const [keyword, value] of Object.entries(schema)) KEYWORDS[keyword]?.(out, value);
  extensions(out, 31, schema);
}
