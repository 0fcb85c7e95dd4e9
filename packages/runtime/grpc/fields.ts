/** Header fields of calls: those both ends know, and metadata as users see it. */
import { createNameTable, type Field, FieldCache } from '#wire/fields';

/** Names that calls carry again and again, beside those that the codec knows. */
const NAMES = createNameTable([
  'content-type',
  'grpc-accept-encoding',
  'grpc-encoding',
  'grpc-message',
  'grpc-status',
  'grpc-timeout',
  'user-agent',
]);

/** One for all connections of the process: it is of fixed size and holds nothing of one call. */
export const FIELDS = new FieldCache(NAMES);

export const CONTENT_TYPE = FIELDS.fieldOf('content-type', 'application/grpc');
export const TE_TRAILERS = FIELDS.fieldOf('te', 'trailers');
export const STATUS_OK = FIELDS.fieldOf('grpc-status', '0');

/** Metadata of a call: entries by lower-case name, without those of HTTP/2 and gRPC themselves. */
export type Metadata = Readonly<Record<string, string>>;

/** The value of a field; several of one name are joined by commas (RFC 9110 section 5.3). */
export function fieldValue(fields: readonly Field[], name: string): string | undefined {
  let value: string | undefined;
  for (const field of fields)
    if (field.name === name) value = value === undefined ? field.value : `${value},${field.value}`;
  return value;
}

/** gRPC's "Custom-Metadata": lower-case names, printable ASCII values. */
const NAME = /^[0-9a-z_.-]+$/;
const VALUE = /^[ -~]*$/;
const RESERVED = /^grpc-|^(te|content-type|content-length|host|connection)$/;

/** Appends metadata to fields. Throws TypeError where gRPC does not allow an entry: a mistake of the program. */
export function addMetadata(fields: Field[], metadata: Metadata): void {
  for (const name in metadata) {
    const value = metadata[name]!;
    if (!NAME.test(name) || RESERVED.test(name) || !VALUE.test(value))
      throw new TypeError(`metadata ${name}: names are lower case and not gRPC's own, values printable ASCII`);
    fields.push(FIELDS.fieldOf(name, value));
  }
}
