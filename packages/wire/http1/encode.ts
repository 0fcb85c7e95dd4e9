import { FIELD, type Field, type RequestHead, type ResponseHead } from '../fields/index.ts';
import type { ByteSink } from '../output/index.ts';
import { reasonOf } from './reasons.ts';

/**
 * How the body of an encoded message ends: `none`, `length` (the head's `content-length` field says it), `chunked` (a
 * `content-length` is left out), or for responses `until-close`.
 */
export type EncodedFraming = 'none' | 'length' | 'chunked' | 'until-close';

/** What a response says about its connection; '' leaves it to the version's rule. */
export type ConnectionOption = '' | 'close' | 'keep-alive';

const CRLF = '\r\n';

/** Methods whose requests say `content-length: 0` when they have no body (RFC 9110 section 8.6). */
const EXPECTS_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/**
 * The head that a connection sent last, as bytes: the next one is often the same, or has the same fields. What it gives out is never
 * written to.
 */
export class LastHead {
  #key: HeadKey = NO_KEY;
  #fields: readonly Field[] = [];
  #withoutLength = false;
  #bytes = Buffer.from(CRLF);
  /** Octets before the fields, and those up to the end of each of them. */
  #ends: readonly number[] = [0];
  #misses = 0;

  /**
   * Puts a head that says the same before its fields as the last one: fields that are not where they were as text, those before and
   * behind as they were written then. False: so much has changed that it is to be put anew.
   */
  again(key: HeadKey, fields: readonly Field[], withoutLength: boolean, out: ByteSink): boolean {
    const last = this.#key;
    if (key.what !== last.what || key.a !== last.a || key.b !== last.b || key.c !== last.c) return false;
    return this.#putChanged('', fields, withoutLength, out);
  }

  /** Puts a head that begins with `first` (its first line and what belongs to the connection) and goes on with `fields`. */
  put(key: HeadKey, first: string, fields: readonly Field[], withoutLength: boolean, out: ByteSink): void {
    if (withoutLength === this.#withoutLength && this.#putChanged(first, fields, withoutLength, out)) return;
    this.#remember(key, first, fields, withoutLength, out);
  }

  /** `first`: '' stands for that of the last head. */
  #putChanged(first: string, fields: readonly Field[], withoutLength: boolean, out: ByteSink): boolean {
    const { length } = fields;
    const last = this.#fields;
    const begin = this.#sameBegin(fields);
    const end = begin === length && begin === last.length ? 0 : this.#sameEnd(fields, begin);
    const changed = length - begin - end;
    if (changed === 0 && length === last.length) this.#misses = 0;
    else if (++this.#misses === 1 || this.#misses % 16 === 0 || changed > CHANGED_MAX || hasCookies(fields))
      return false;
    const ends = this.#ends;
    const bytes = this.#bytes;
    const from = first === '' ? 0 : ends[0]!;
    if (first !== '') out.text(first);
    if (begin + end === last.length && changed === 0) {
      out.add(bytes, from, bytes.length);
      return true;
    }
    out.add(bytes, from, ends[begin]!);
    if (changed > 0) out.text(fieldLines(fields, withoutLength, begin, length - end));
    out.add(bytes, ends[last.length - end]!, bytes.length);
    return true;
  }

  #remember(key: HeadKey, first: string, fields: readonly Field[], withoutLength: boolean, out: ByteSink): void {
    // Several cookies become one field, whose place says nothing about what it holds.
    if (hasCookies(fields)) {
      out.text(first + fieldLines(fields, withoutLength) + CRLF);
      return;
    }
    let text = first;
    const ends = [first.length];
    for (let i = 0; i < fields.length; i++) {
      text += fieldLines(fields, withoutLength, i, i + 1);
      ends.push(text.length);
    }
    text += CRLF;
    if (text.length > LAST_BYTES_MAX) {
      out.text(text);
      return;
    }
    this.#key = { ...key };
    this.#fields = fields.slice();
    this.#withoutLength = withoutLength;
    this.#bytes = Buffer.from(text, 'latin1');
    this.#ends = ends;
    out.add(this.#bytes, 0, this.#bytes.length);
  }

  /** How many fields from the first on are those of the last head; they are shared and do not change, so the same objects. */
  #sameBegin(fields: readonly Field[]): number {
    const last = this.#fields;
    const count = Math.min(fields.length, last.length);
    let same = 0;
    while (same < count && fields[same] === last[same]) same++;
    return same;
  }

  /** The same from the last one backwards, as far as `begin`. */
  #sameEnd(fields: readonly Field[], begin: number): number {
    const last = this.#fields;
    const count = Math.min(fields.length, last.length) - begin;
    let same = 0;
    while (same < count && fields[fields.length - 1 - same] === last[last.length - 1 - same]) same++;
    return same;
  }
}

/** Longer heads are not remembered. */
const LAST_BYTES_MAX = 2048;

/** When more fields have changed, the head is remembered in place of the last one. */
const CHANGED_MAX = 4;

/** What a head says before its fields; `what` below 0: too much to be compared. */
interface HeadKey {
  what: number;
  a: string;
  b: string;
  c: string;
}

const NO_KEY: HeadKey = { what: -1, a: '', b: '', c: '' };

/** Of the head being written; heads are written one at a time. */
const KEY: HeadKey = { ...NO_KEY };

function setKey(what: number, a: string, b: string, c: string): void {
  KEY.what = what;
  KEY.a = a;
  KEY.b = b;
  KEY.c = c;
}

const FRAMING_CODES = { none: 0, length: 1, chunked: 2, 'until-close': 3 } as const;

/** Puts a request's head, HTTP/1.1, into `out`. `last`: of the connection it goes to. */
export function encodeRequestHead(head: RequestHead, framing: EncodedFraming, out: ByteSink, last?: LastHead): void {
  const { method, authority, fields } = head;
  const te = hasTe(fields);
  if (last) {
    const simple = head.upgrade === '' && !head.absoluteForm && method !== 'CONNECT';
    const what = FRAMING_CODES[framing] * 4 + (head.contentLength < 0 ? 2 : 0) + (te ? 1 : 0);
    setKey(simple ? what : -1, method, head.path, authority);
    if (simple && last.again(KEY, fields, framing === 'chunked', out)) return;
  }
  let text = `${method} ${targetOf(head)} HTTP/1.1\r\nhost: ${authority}\r\n`;
  if (head.upgrade !== '') text += `connection: ${te ? 'te, upgrade' : 'upgrade'}\r\nupgrade: ${head.upgrade}\r\n`;
  else if (te) text += 'connection: te\r\n';
  if (framing === 'chunked') text += 'transfer-encoding: chunked\r\n';
  else if (framing === 'none' && head.contentLength < 0 && EXPECTS_BODY.has(method)) text += 'content-length: 0\r\n';
  putHead(text, fields, framing, out, last);
}

/** Puts a response's head, HTTP/1.1, into `out`. */
export function encodeResponseHead(
  head: ResponseHead,
  framing: EncodedFraming,
  connection: ConnectionOption,
  out: ByteSink,
  last?: LastHead,
): void {
  if (last) {
    const simple = head.upgrade === '';
    setKey(simple ? head.status * 4 + FRAMING_CODES[framing] : -1, connection, '', '');
    if (simple && last.again(KEY, head.fields, framing === 'chunked', out)) return;
  }
  let text = `HTTP/1.1 ${head.status} ${reasonOf(head.status)}\r\n`;
  if (head.upgrade !== '') text += `connection: upgrade\r\nupgrade: ${head.upgrade}\r\n`;
  else if (connection !== '') text += `connection: ${connection}\r\n`;
  if (framing === 'chunked') text += 'transfer-encoding: chunked\r\n';
  putHead(text, head.fields, framing, out, last);
}

function putHead(
  first: string,
  fields: readonly Field[],
  framing: EncodedFraming,
  out: ByteSink,
  last: LastHead | undefined,
): void {
  const withoutLength = framing === 'chunked';
  if (last) last.put(KEY, first, fields, withoutLength, out);
  else out.text(first + fieldLines(fields, withoutLength) + CRLF);
}

/** Puts a run of body bytes as one chunk into `out`; nothing for an empty run, which would end the body. */
export function encodeChunk(buf: Uint8Array, start: number, end: number, out: ByteSink): void {
  if (end === start) return;
  out.text((end - start).toString(16) + CRLF);
  out.add(buf, start, end);
  out.text(CRLF);
}

/** Ends a chunked body. */
export function encodeLastChunk(trailers: readonly Field[] | undefined, out: ByteSink): void {
  if (trailers === undefined || trailers.length === 0) out.text('0\r\n\r\n');
  else out.text(`0\r\n${fieldLines(trailers, true)}${CRLF}`);
}

function targetOf(head: RequestHead): string {
  if (head.method === 'CONNECT') return head.authority;
  if (!head.absoluteForm) return head.path;
  return `${head.scheme}://${head.authority}${head.path === '*' ? '' : head.path}`;
}

function hasTe(fields: readonly Field[]): boolean {
  for (let i = 0; i < fields.length; i++) if (fields[i]!.id === FIELD.te) return true;
  return false;
}

/** Fields `from` to `to` as lines. HTTP/1 allows one `cookie` field: it stands where the first one does. */
function fieldLines(fields: readonly Field[], withoutLength: boolean, from = 0, to = fields.length): string {
  let text = '';
  for (let i = from; i < to; i++) {
    const { id, name, value } = fields[i]!;
    if (withoutLength && id === FIELD['content-length']) continue;
    if (id !== FIELD.cookie) text += `${name}: ${value}\r\n`;
    else if (isFirstCookie(fields, i)) text += `cookie: ${joinCookies(fields, i)}\r\n`;
  }
  return text;
}

/** More than one `cookie` field. */
function hasCookies(fields: readonly Field[]): boolean {
  let count = 0;
  for (let i = 0; i < fields.length; i++) if (fields[i]!.id === FIELD.cookie) count++;
  return count > 1;
}

function isFirstCookie(fields: readonly Field[], index: number): boolean {
  for (let i = 0; i < index; i++) if (fields[i]!.id === FIELD.cookie) return false;
  return true;
}

/** The one `cookie` value that HTTP/1 allows, from those HTTP/2 may cut it into (RFC 9113 section 8.2.3); from index `first` on. */
export function joinCookies(fields: readonly Field[], first = 0): string {
  let text = '';
  for (let i = first; i < fields.length; i++)
    if (fields[i]!.id === FIELD.cookie) text = text === '' ? fields[i]!.value : `${text}; ${fields[i]!.value}`;
  return text;
}
