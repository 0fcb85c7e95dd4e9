import { type Field, FieldCache, type HttpVersion, type RequestHead, type ResponseHead } from '#wire/fields';
import { fieldValue, NAMES } from './names.ts';

/**
 * HTTP/1 between proxies travels as HTTP/2, so that one connection carries all requests to an endpoint. The field
 * `l5d-orig-proto` of a request (`HTTP/1.1`, `HTTP/1.0`, behind it `; absolute-form`) says what it was, that of a response what
 * the server spoke; neither reaches an application. Source: Linkerd proxy, upgrade of HTTP/1 between proxies.
 */
const NAME = 'l5d-orig-proto';
const ID = NAMES.idOf(NAME);

const VALUES = new FieldCache(NAMES);
const HTTP_11 = VALUES.fieldOf(NAME, 'HTTP/1.1');
const HTTP_10 = VALUES.fieldOf(NAME, 'HTTP/1.0');
const HTTP_11_ABSOLUTE = VALUES.fieldOf(NAME, 'HTTP/1.1; absolute-form');
const HTTP_10_ABSOLUTE = VALUES.fieldOf(NAME, 'HTTP/1.0; absolute-form');

/** Whether a request goes to a server as HTTP/2. `upgrades`: the server is known to understand upgraded HTTP/1. */
export function goesAsHttp2(head: RequestHead, upgrades: boolean): boolean {
  return head.version === 20 || (upgrades && head.upgrade === '' && head.method !== 'CONNECT');
}

/**
 * A request of HTTP/1 as it goes to the next proxy. Shares nothing that may change with `head`. It says its host beside the
 * authority: Linkerd's proxy gives an application the field `host` only if the other proxy sent one.
 */
export function upgradeRequest(head: RequestHead): RequestHead {
  const is10 = head.version === 10;
  const field = head.absoluteForm ? (is10 ? HTTP_10_ABSOLUTE : HTTP_11_ABSOLUTE) : is10 ? HTTP_10 : HTTP_11;
  const fields = without(head.fields);
  if (head.authority !== '') fields.push(VALUES.fieldOf('host', head.authority));
  fields.push(field);
  return {
    version: 20,
    method: head.method,
    scheme: head.scheme === '' ? 'http' : head.scheme,
    authority: head.authority,
    path: head.path,
    absoluteForm: false,
    upgrade: '',
    fields,
    contentLength: head.contentLength,
  };
}

/** What an upgraded request was before; undefined for a request that is genuine HTTP/2. */
export function downgradeRequest(head: RequestHead): RequestHead | undefined {
  const said = fieldValue(head.fields, ID);
  if (said === undefined || head.method === 'CONNECT') return undefined;
  const version = versionOf(said);
  if (version === undefined) return undefined;
  const absoluteForm = said.endsWith('; absolute-form');
  return {
    version,
    method: head.method,
    scheme: absoluteForm ? head.scheme : '',
    authority: head.authority,
    path: head.path,
    absoluteForm,
    upgrade: '',
    fields: without(head.fields),
    contentLength: head.contentLength,
  };
}

/** The response to an upgraded request, on its way to the proxy that upgraded it; in place. */
export function tellVersion(head: ResponseHead): void {
  if (head.version !== 20) head.fields.push(head.version === 10 ? HTTP_10 : HTTP_11);
}

/** The response to a request that was upgraded here; without the field, the server spoke as it was spoken to. */
export function downgradeResponse(head: ResponseHead, asked: HttpVersion): ResponseHead {
  const said = fieldValue(head.fields, ID);
  return {
    version: (said !== undefined && versionOf(said)) || asked,
    status: head.status,
    upgrade: '',
    fields: said === undefined ? head.fields : without(head.fields),
    contentLength: head.contentLength,
  };
}

function versionOf(said: string): HttpVersion | undefined {
  if (said.startsWith('HTTP/1.1')) return 11;
  if (said.startsWith('HTTP/1.0')) return 10;
  return undefined;
}

function without(fields: readonly Field[]): Field[] {
  const kept: Field[] = [];
  for (let i = 0; i < fields.length; i++) if (fields[i]!.id !== ID) kept.push(fields[i]!);
  return kept;
}
