/**
 * One step of a field path, held as the text that fieldsV1 uses: `f:name` (a field), `k:{"containerPort":80}` (a list item by
 * its keys, sorted), `v:"x"` (a set item), `i:0` (an index). Equal steps have equal text.
 */
import type { FieldSchema } from '../schema/index.ts';
import { canonicalJson, getKey, isMap } from './json.ts';

export type PathElement = string;

/** An item of a list that the schema cannot tell apart from others; the text is Kubernetes'. */
export class ListItemError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ListItemError';
  }
}

/** `name` -> `f:name`. */
export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

/** Go's encoder, which wrote the sets we read, escapes these three also outside HTML. */
const GO_ESCAPES: Record<string, string> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' };

function goJson(value: unknown): string {
  const text = canonicalJson(value);
  return /[<>&]/.test(text) ? text.replace(/[<>&]/g, (char) => GO_ESCAPES[char] ?? char) : text;
}

/**
 * The step to one item of an associative list (`set` or `map`). A key that the item leaves out takes its default, else it is
 * left out of the step. Throws {@link ListItemError} where the item cannot be told apart.
 */
export function itemElement(list: FieldSchema, item: unknown): PathElement {
  return list.listType === 'map' ? keyedElement(list, item) : valueElement(item);
}

function keyedElement(list: FieldSchema, item: unknown): PathElement {
  if (item === null) throw new ListItemError('associative list with keys may not have a null element');
  if (!isMap(item)) throw new ListItemError('associative list with keys may not have non-map elements');
  const parts: string[] = [];
  const names = list.listKeys ?? [];
  for (const name of names) {
    const value = getKey(item, name) ?? list.keyDefaults?.[name];
    if (value !== undefined) parts.push(`"${name}":${goJson(value)}`);
  }
  if (parts.length === 0)
    throw new ListItemError(
      `associative list with keys has an element that omits all key fields [${names.map((name) => JSON.stringify(name)).join(' ')}] (and doesn't have default values for any key fields)`,
    );
  return `k:{${(parts.length > 1 ? parts.sort() : parts).join(',')}}`;
}

function valueElement(item: unknown): PathElement {
  if (isMap(item)) throw new ListItemError("associative list without keys has an element that's a map type");
  if (Array.isArray(item)) throw new ListItemError('not supported: associative list with lists as elements');
  if (item === null) throw new ListItemError("associative list without keys has an element that's an explicit null");
  return `v:${goJson(item)}`;
}

/** A step by one key of plain text or an integer, as we and Go write it: the bulk of what is read. */
const PLAIN_KEY = /^k:\{"\w+":(?:"[\w./-]*"|[1-9]\d{0,14})\}$/;

/** Reads a step as a client wrote it and gives it our spelling. Throws an Error where it is none. */
export function parseElement(text: string): PathElement {
  if (text.length < 2) throw new Error('key must be 2 characters long:');
  if (text[1] !== ':') throw new Error(`missing colon: ${text}`);
  const body = text.slice(2);
  if (text[0] === 'f' || PLAIN_KEY.test(text)) return text;
  if (text[0] === 'i' && /^-?\d+$/.test(body)) return text;
  if (text[0] === 'v') return `v:${goJson(JSON.parse(body))}`;
  if (text[0] === 'k') {
    const keys: unknown = JSON.parse(body);
    if (isMap(keys)) return `k:${goJson(keys)}`;
  }
  throw new Error('unknown path element type');
}

const ORDER = 'fkvi';

/** The order of steps in fieldsV1: fields, keyed items, set items, indices; each by its text. */
export function compareElements(a: PathElement, b: PathElement): number {
  const kind = ORDER.indexOf(a[0] ?? '') - ORDER.indexOf(b[0] ?? '');
  if (kind !== 0) return kind;
  if (a[0] === 'i') return Number(a.slice(2)) - Number(b.slice(2));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** For messages: `.name`, `[containerPort=80,protocol="TCP"]`, `[="x"]`, `[0]`. */
export function printElement(element: PathElement): string {
  const body = element.slice(2);
  if (element[0] === 'f') return `.${body}`;
  if (element[0] === 'i') return `[${body}]`;
  if (element[0] === 'v') return `[=${printValue(JSON.parse(body))}]`;
  const keys = Object.entries(JSON.parse(body) as Record<string, unknown>);
  return `[${keys.map(([name, value]) => `${name}=${printValue(value)}`).join(',')}]`;
}

function printValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(printValue).join(',')}]`;
  if (isMap(value))
    return `{${Object.keys(value)
      .sort()
      .map((key) => `${key}=${printValue(value[key])}`)
      .join(';')}}`;
  return JSON.stringify(value);
}
