import { CR, HEX, LF, type NameTable, SP, TARGET, TOKEN, VALUE } from '../fields/index.ts';
import type { Http1FaultCode } from './faults.ts';
import { parseFields, readFields } from './field-lines.ts';
import { frameRequest, frameResponse } from './framing.ts';
import type { Http1Head } from './head.ts';
import { readTarget } from './target.ts';
import { isText } from './text.ts';

/**
 * Parses a whole request head in `buf[start, end)`, which ends with its empty line. Returns a fault code, or undefined and
 * `head` filled. Bare LF, folded lines, spaces before colons and control characters are refused, never repaired. `known`: the
 * fields' bytes are those that `head` remembers.
 */
export function parseRequestHead(
  head: Http1Head,
  names: NameTable,
  buf: Uint8Array,
  start: number,
  end: number,
  known: boolean,
): Http1FaultCode | undefined {
  let i = start;
  while (TOKEN[buf[i]!] === 1) i++;
  if (i === start || buf[i] !== SP) return 'bad-start-line';
  head.methodStart = start;
  head.methodEnd = i;
  const targetStart = ++i;
  while (TARGET[buf[i]!] === 1) i++;
  if (i === targetStart || buf[i] !== SP) return 'bad-start-line';
  head.targetStart = targetStart;
  head.targetEnd = i;
  i++;
  if (!isVersion(buf, i)) return isText(buf, i, 'HTTP/') ? 'bad-version' : 'bad-start-line';
  head.minor = buf[i + 7] === 0x31 ? 1 : 0;
  i += 8;
  if (buf[i] !== CR || buf[i + 1] !== LF) return 'bad-start-line';
  head.status = 0;
  reset(head, buf, start, i + 2, end);
  return readTarget(head) ?? readFields(head, names, known) ?? frameRequest(head);
}

/** As {@link parseRequestHead}, for a response. `noBody`: the request was HEAD. `tunnel`: it was CONNECT. */
export function parseResponseHead(
  head: Http1Head,
  names: NameTable,
  buf: Uint8Array,
  start: number,
  end: number,
  known: boolean,
  noBody: boolean,
  tunnel: boolean,
): Http1FaultCode | undefined {
  if (!isVersion(buf, start)) return 'bad-version';
  head.minor = buf[start + 7] === 0x31 ? 1 : 0;
  let i = start + 8;
  if (buf[i] !== SP) return 'bad-start-line';
  const a = HEX[buf[i + 1]!]!;
  const b = HEX[buf[i + 2]!]!;
  const c = HEX[buf[i + 3]!]!;
  if (a < 1 || a > 9 || b > 9 || c > 9) return 'bad-start-line';
  head.status = a * 100 + b * 10 + c;
  i += 4;
  if (buf[i] !== SP && buf[i] !== CR) return 'bad-start-line';
  while (VALUE[buf[i]!] === 1) i++;
  if (buf[i] !== CR || buf[i + 1] !== LF) return 'bad-start-line';
  reset(head, buf, start, i + 2, end);
  return readFields(head, names, known) ?? frameResponse(head, noBody, tunnel);
}

/** Parses a trailer section `buf[start, end)`, which ends with its empty line. */
export function parseTrailers(
  head: Http1Head,
  names: NameTable,
  buf: Uint8Array,
  start: number,
  end: number,
): Http1FaultCode | undefined {
  reset(head, buf, start, start, end);
  head.overwrite();
  return parseFields(head, names, 0);
}

function reset(head: Http1Head, buf: Uint8Array, start: number, fieldsStart: number, end: number): void {
  head.buf = buf;
  head.start = start;
  head.fieldsStart = fieldsStart;
  head.fieldsEnd = end - 2;
  head.end = end;
  head.fieldCount = 0;
  head.isKnown = false;
  head.framing = 'none';
  head.contentLength = -1;
  head.upgrade = false;
  head.expectContinue = false;
  head.connectionListsFields = false;
}

function isVersion(buf: Uint8Array, start: number): boolean {
  return isText(buf, start, 'HTTP/1.') && (buf[start + 7] === 0x30 || buf[start + 7] === 0x31);
}
