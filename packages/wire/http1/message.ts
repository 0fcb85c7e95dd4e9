import { FIELD, Field, type FieldCache, latin1, type RequestHead, type ResponseHead } from '../fields/index.ts';
import type { Http1Head } from './head.ts';
import { listNames } from './list.ts';

/** What becomes of a field when its head takes the form common to all versions. */
const KEEP = 0;
/** Concerns one connection, or is told by another part of the head. */
const DROP = 1;
/** Kept only as far as it says `trailers`. */
const TE = 2;

const FATES = new Uint8Array(Object.keys(FIELD).length);
for (const name of [
  'host',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'proxy-connection',
  'upgrade',
  'http2-settings',
] as const)
  FATES[FIELD[name]] = DROP;
FATES[FIELD.te] = TE;

/** Fields that frame a message: no `connection` field may talk a proxy into dropping them. */
const isProtected = (id: number) => id === FIELD['content-length'];

/** A request's head in the common form. Call during the decoder's `head`. */
export function requestHead(head: Http1Head, fields: FieldCache): RequestHead {
  const absolute = head.form === 'absolute';
  const { buf } = head;
  return {
    version: head.minor === 1 ? 11 : 10,
    method: methodOf(head),
    scheme: absolute ? latin1(buf, head.targetStart, head.authorityStart - 3).toLowerCase() : '',
    authority: authorityOf(head, fields),
    path: absolute ? absolutePath(head) : latin1(buf, head.pathStart, head.pathEnd),
    absoluteForm: absolute,
    upgrade: head.upgrade && head.form !== 'authority' ? upgradeAsked(head) : '',
    fields: messageFields(head, fields),
    contentLength: head.contentLength,
  };
}

/** A response's head in the common form. Call during the decoder's `head`. */
export function responseHead(head: Http1Head, fields: FieldCache): ResponseHead {
  return {
    version: head.minor === 1 ? 11 : 10,
    status: head.status,
    upgrade: head.status === 101 ? upgradeOf(head) : '',
    fields: messageFields(head, fields),
    contentLength: head.contentLength,
  };
}

/**
 * Fields of a trailer section, without those that frame, route or describe a connection: they mean nothing there and could
 * be taken for part of the head by whoever merges both (RFC 9110 section 6.5.1). Call during the decoder's `trailers`.
 */
export function trailerFields(head: Http1Head, fields: FieldCache): Field[] {
  const result: Field[] = [];
  for (let i = 0; i < head.fieldCount; i++) {
    const id = head.fieldId(i);
    if (id > 0 && id <= FIELD['http2-settings']) continue;
    result.push(fieldAt(head, fields, i));
  }
  return result;
}

/** The usual methods as shared texts. */
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS', 'CONNECT'] as const;

function methodOf(head: Http1Head): string {
  for (let i = 0; i < METHODS.length; i++) if (head.methodIs(METHODS[i]!)) return METHODS[i]!;
  return head.method();
}

/** RFC 9112 section 3.2.2: the authority of an absolute form replaces what `host` says. */
function authorityOf(head: Http1Head, fields: FieldCache): string {
  if (head.authorityEnd > head.authorityStart) return latin1(head.buf, head.authorityStart, head.authorityEnd);
  if (head.isKnown && head.known.host !== undefined) return head.known.host;
  const index = head.find(FIELD.host);
  const host = index < 0 ? '' : fieldAt(head, fields, index).value;
  if (head.isKnown) head.known.host = host;
  return host;
}

/** RFC 9112 section 3.2.1 and 3.2.4: an absolute form without path means `/`, or `*` of OPTIONS. */
function absolutePath(head: Http1Head): string {
  const path = latin1(head.buf, head.pathStart, head.pathEnd);
  if (path === '') return head.methodIs('OPTIONS') ? '*' : '/';
  return path.startsWith('?') ? `/${path}` : path;
}

/**
 * RFC 9113 section 3.1 took the upgrade to HTTP/2 back: carried on, it would open an HTTP/2 connection that passes unread. Linkerd
 * leaves it out, too.
 */
function upgradeAsked(head: Http1Head): string {
  const asked = upgradeOf(head);
  return /(^|,)[ \t]*h2c?[ \t]*(,|$)/i.test(asked) ? '' : asked;
}

function upgradeOf(head: Http1Head): string {
  const index = head.find(FIELD.upgrade);
  return index < 0 ? '' : head.value(index);
}

function messageFields(head: Http1Head, fields: FieldCache): Field[] {
  if (head.isKnown && head.known.message) return head.known.message.slice();
  const result = makeFields(head, fields);
  if (head.isKnown) head.known.message = result.slice();
  return result;
}

function makeFields(head: Http1Head, fields: FieldCache): Field[] {
  const result: Field[] = [];
  for (let i = 0; i < head.fieldCount; i++) {
    const id = head.fieldId(i);
    const fate = id < FATES.length ? FATES[id]! : KEEP;
    if (fate === DROP) continue;
    if (fate === TE) {
      if (saysTrailers(head, i)) result.push(fields.fieldOf('te', 'trailers'));
      continue;
    }
    if (head.connectionListsFields && !isProtected(id) && isListed(head, i)) continue;
    result.push(fieldAt(head, fields, i));
  }
  return result;
}

/** Values that change from message to message and are longer than this, such as ids and dates, seldom come back. */
const SHARED_VALUE_BYTES = 16;

function fieldAt(head: Http1Head, fields: FieldCache, index: number): Field {
  const line = head.knownLine(index);
  const known = line < 0 ? undefined : head.known.fields[line];
  if (known) return known;
  const valueStart = head.valueStart(index);
  const valueEnd = head.valueEnd(index);
  if (valueEnd - valueStart > SHARED_VALUE_BYTES) {
    const name = head.knownName(index);
    const named = name < 0 ? undefined : head.known.fields[name];
    if (named) return new Field(named.id, named.name, latin1(head.buf, valueStart, valueEnd));
  }
  const field = fields.field(head.buf, head.nameStart(index), head.nameEnd(index), valueStart, valueEnd);
  if (line >= 0) head.known.fields[line] = field;
  return field;
}

/** RFC 9110 section 10.1.4: a list of codings with weights, and the word `trailers`. */
function saysTrailers(head: Http1Head, index: number): boolean {
  return /(^|,)[ \t]*trailers[ \t]*(,|$)/i.test(head.value(index));
}

function isListed(head: Http1Head, index: number): boolean {
  for (let i = 0; i < head.fieldCount; i++)
    if (head.fieldId(i) === FIELD.connection && listNames(head, i, index)) return true;
  return false;
}
