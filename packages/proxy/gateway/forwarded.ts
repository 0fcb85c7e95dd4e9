import { Field } from '#wire/fields';
import { NAMES } from '../http/index.ts';

const FORWARDED = 'forwarded';
const ID = NAMES.idOf(FORWARDED);

/** Who forwarded a request for whom; `host`: the authority that the client named. */
export interface Forwarding {
  readonly by: string;
  readonly client: string;
  readonly host: string;
}

/** `forwarded: by=<gateway>;for=<client>;host=<authority>;proto=https` (RFC 7239, as Linkerd writes it). */
export function forwardedBy({ by, client, host }: Forwarding): Field {
  return new Field(ID, FORWARDED, `by=${quoted(by)};for=${quoted(client)};host=${quoted(host)};proto=https`);
}

/** Whether a gateway of this identity forwarded the request before. */
export function isForwardedBy(fields: readonly Field[], identity: string): boolean {
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!;
    if (field.id === ID && elements(field.value).some((by) => by === identity)) return true;
  }
  return false;
}

/**
 * For whom the gateway of this identity says that it forwarded a request: it writes the last of these fields, whatever its client sent
 * before. Undefined: that is not the gateway's. To be believed only where nobody but that gateway can have written the request's head.
 */
export function clientOf(fields: readonly Field[], gateway: string): string | undefined {
  const last = fields.findLast(({ id }) => id === ID);
  const start = `by=${quoted(gateway)};for=`;
  if (!last?.value.startsWith(start)) return undefined;
  const [, plain, inQuotes] = VALUE.exec(last.value.slice(start.length)) ?? [];
  const client = plain ?? inQuotes?.replace(/\\(.)/g, '$1');
  return client !== undefined && isIdentity(client) ? client : undefined;
}

/** The value of one pair that others follow; linear in the text. */
const VALUE = /^(?:([^",;\s]+)|"((?:[^"\\]|\\.)*)");/;

/** Whether a text can be who somebody is: names and URIs, without anything that ends a line or a list. */
export function isIdentity(text: string): boolean {
  return /^[!-~]{1,1024}$/.test(text) && !/[",;]/.test(text);
}

/** Takes out what claims to be written by one of these gateways, where none of them can have written it. */
export function dropForged(fields: Field[], gateways: ReadonlySet<string>): void {
  const isForged = ({ id, value }: Field): boolean => id === ID && elements(value).some((by) => gateways.has(by));
  if (!fields.some(isForged)) return;
  const kept = fields.filter((field) => !isForged(field));
  fields.splice(0, fields.length, ...kept);
}

/** Tokens stand as they are (identities and most hosts); Linkerd's do too, with their dots and colons. */
const PLAIN = /^[!#$%&'*+.^_`|~0-9A-Za-z:/-]*$/;

function quoted(text: string): string {
  return PLAIN.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** The `by` of each element: `by=a;for=b, for="c,d";By="e"` has a and e. */
function elements(value: string): string[] {
  const found: string[] = [];
  for (const [, name = '', plain, quotedText] of value.matchAll(PAIR))
    if (name.toLowerCase() === 'by') found.push(quotedText?.replace(/\\(.)/g, '$1') ?? plain ?? '');
  return found;
}

/** `name=value` or `name="value"`; linear in the text. */
const PAIR = /([A-Za-z]+)=(?:([^",;\s]+)|"((?:[^"\\]|\\.)*)")/g;
