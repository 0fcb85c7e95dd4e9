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
