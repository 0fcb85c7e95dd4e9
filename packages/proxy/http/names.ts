import { HEADERS, strippedIn } from '#model/headers';
import { createNameTable, type Field } from '#wire/fields';

/** Field names that the proxy looks at, for all decoders. */
export const NAMES = createNameTable(Object.keys(HEADERS));

type Where = Parameters<typeof strippedIn>[0];

/** Fields that a kind of message loses on its way, by field id (1: strip). */
export type StripTable = Uint8Array;

function table(where: Where): StripTable {
  const strip = new Uint8Array(NAMES.size);
  for (const name of strippedIn(where)) strip[NAMES.idOf(name)] = 1;
  return strip;
}

export const STRIP = {
  'inbound-request': table('inbound-request'),
  'outbound-request': table('outbound-request'),
  'inbound-response': table('inbound-response'),
  'outbound-response': table('outbound-response'),
} as const satisfies Record<Where, StripTable>;

/** Takes the fields out that a table names, in place. */
export function stripFields(fields: Field[], table: StripTable): void {
  let at = 0;
  while (at < fields.length && table[fields[at]!.id] !== 1) at++;
  if (at === fields.length) return;
  let kept = at;
  for (at++; at < fields.length; at++) {
    const field = fields[at]!;
    if (table[field.id] !== 1) fields[kept++] = field;
  }
  fields.length = kept;
}

/** Value of the first field with this id. */
export function fieldValue(fields: readonly Field[], id: number): string | undefined {
  for (let i = 0; i < fields.length; i++) if (fields[i]!.id === id) return fields[i]!.value;
  return undefined;
}

/** Ids of fields read by the proxy itself. */
export const ID = {
  contentType: NAMES.idOf('content-type'),
  grpcMessage: NAMES.idOf('grpc-message'),
  grpcStatus: NAMES.idOf('grpc-status'),
  location: NAMES.idOf('location'),
  proxyConnection: NAMES.idOf('l5d-proxy-connection'),
  proxyError: NAMES.idOf('l5d-proxy-error'),
  requireId: NAMES.idOf('l5d-require-id'),
} as const;
