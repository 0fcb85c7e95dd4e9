import { HEADERS, HOP_BY_HOP, strippedIn } from '#model/headers';
import { createNameTable, type DropTable } from '#wire/http1';

/** Field names that the proxy looks at, for all decoders. */
export const NAMES = createNameTable(Object.keys(HEADERS));

type Where = Parameters<typeof strippedIn>[0];

/** What a kind of message loses on its way: usually, and when it asks for or grants an upgrade. */
export interface Drops {
  readonly usual: DropTable;
  readonly upgrade: DropTable;
}

function drops(where: Where): Drops {
  const upgrade = new Uint8Array(64);
  for (const name of strippedIn(where)) upgrade[NAMES.idOf(name)] = 1;
  const usual = upgrade.slice();
  for (const name of HOP_BY_HOP) usual[NAMES.idOf(name)] = 1;
  return { usual, upgrade };
}

export const DROPS = {
  'inbound-request': drops('inbound-request'),
  'outbound-request': drops('outbound-request'),
  'inbound-response': drops('inbound-response'),
  'outbound-response': drops('outbound-response'),
} as const satisfies Record<Where, Drops>;

/** Ids of fields read by the proxy itself. */
export const PROXY_CONNECTION = NAMES.idOf('l5d-proxy-connection');
