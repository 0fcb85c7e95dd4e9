import type { RequestHead } from '#wire/fields';
import { fieldValue, NAMES } from '../http/index.ts';
import type { Attribute } from './span.ts';

const CONTENT_TYPE = NAMES.idOf('content-type');

/** What a span tells of its request. Source: OpenTelemetry semantic conventions for HTTP, as Linkerd's proxy uses them. */
export function requestAttributes(head: RequestHead, direction: 'inbound' | 'outbound'): Attribute[] {
  const scheme = head.scheme === '' ? 'http' : head.scheme;
  const { path, query } = splitPath(head.path);
  const authority = head.authority.replace(/^[^@]*@/, 'REDACTED@');
  const { host, port } = splitAuthority(head.authority);
  const attributes: Attribute[] = [
    ['direction', direction],
    ['http.request.method', head.method],
    ['url.scheme', scheme],
    ['url.path', path],
    ['url.full', `${scheme}://${authority}${head.path}`],
    ['network.transport', 'tcp'],
  ];
  if (query !== '') attributes.push(['url.query', query]);
  if (host !== '') attributes.push(['server.address', host]);
  if (port > 0) attributes.push(['server.port', port]);
  const agent = namedValue(head, 'user-agent');
  if (agent !== undefined) attributes.push(['user_agent.original', agent]);
  const type = fieldValue(head.fields, CONTENT_TYPE);
  if (type !== undefined) attributes.push(['http.request.header.content-type', type]);
  if (head.contentLength >= 0) attributes.push(['http.request.header.content-length', String(head.contentLength)]);
  return attributes;
}

/** The path without its query, and the query. */
export function splitPath(path: string): { path: string; query: string } {
  const at = path.indexOf('?');
  return at < 0 ? { path, query: '' } : { path: path.slice(0, at), query: path.slice(at + 1) };
}

function splitAuthority(authority: string): { host: string; port: number } {
  const match = /^(?:[^@]*@)?(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(authority);
  return { host: match?.[1] ?? match?.[2] ?? '', port: Number(match?.[3] ?? 0) };
}

function namedValue(head: RequestHead, name: string): string | undefined {
  return head.fields.find((field) => field.name === name)?.value;
}
