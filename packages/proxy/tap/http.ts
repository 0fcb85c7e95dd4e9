import { httpTypes } from '#api/mesh';
import type { Field, RequestHead } from '#wire/fields';

const METHODS = httpTypes.HttpMethod_Registered;
const SCHEMES = httpTypes.Scheme_Registered;

/** A method's name on the wire; undefined: the message has none. */
export function methodName({ type }: httpTypes.HttpMethod): string | undefined {
  if (type.case === 'registered') return METHODS[type.value];
  return type.value;
}

export function methodMessage(name: string) {
  const value = METHODS[name as keyof typeof METHODS];
  return value === undefined
    ? { type: { case: 'unregistered' as const, value: name } }
    : { type: { case: 'registered' as const, value } };
}

/** A scheme's name in lower case; undefined: the message has none. */
export function schemeName({ type }: httpTypes.Scheme): string | undefined {
  return (type.case === 'registered' ? SCHEMES[type.value] : type.value)?.toLowerCase();
}

export function schemeMessage(name: string) {
  const value = SCHEMES[name.toUpperCase() as keyof typeof SCHEMES];
  return value === undefined
    ? { type: { case: 'unregistered' as const, value: name } }
    : { type: { case: 'registered' as const, value } };
}

/** Requests of HTTP/1 in origin form do not say one: they are plain. */
export function schemeOf({ scheme }: RequestHead): string {
  return scheme === '' ? 'http' : scheme;
}

/** Without the query. */
export function pathOf({ path }: RequestHead): string {
  const at = path.indexOf('?');
  return at < 0 ? path : path.slice(0, at);
}

export function headersMessage(fields: readonly Field[], pseudo: readonly (readonly [string, string])[] = []) {
  const header = (name: string, value: string) => ({ name, value: Buffer.from(value, 'latin1') });
  return {
    headers: [
      ...pseudo.map(([name, value]) => header(name, value)),
      ...fields.map(({ name, value }) => header(name, value)),
    ],
  };
}
