import { FIELD, isAuthority } from '../fields/index.ts';
import type { Http1FaultCode } from './faults.ts';
import type { Http1Head } from './head.ts';
import { LIMITS } from './limits.ts';
import { nextItem } from './list.ts';
import { isWord } from './text.ts';

/** Finds how the body of a request ends, and what becomes of its connection (RFC 9112 section 6.3). Returns a fault code, or undefined. */
export function frameRequest(head: Http1Head): Http1FaultCode | undefined {
  const fault = readFraming(head);
  if (fault !== undefined) return fault;
  if (head.scan.hosts === 0 && head.minor === 1) return 'no-host';
  if (head.scan.codings > 0) {
    if (head.contentLength >= 0) return 'length-and-chunked';
    if (head.minor === 0) return 'bad-transfer-encoding';
    head.framing = 'chunked';
  } else if (head.contentLength > 0) head.framing = 'length';
  else head.framing = 'none';
  const isConnect = head.methodIs('CONNECT');
  // RFC 9110 section 9.3.6: there is none. A server that takes it for one would read the next request as it.
  if (isConnect && head.framing !== 'none') return 'connect-body';
  head.upgrade = isConnect || (head.scan.upgrade && head.scan.connectionUpgrade && head.minor === 1);
  return undefined;
}

/**
 * As {@link frameRequest}, for a response, in the order of that section. `noBody`: the request was HEAD. `tunnel`: it was CONNECT.
 */
export function frameResponse(head: Http1Head, noBody: boolean, tunnel: boolean): Http1FaultCode | undefined {
  const fault = readFraming(head);
  if (fault !== undefined) return fault;
  const status = head.status;
  if (head.scan.codings > 0 && head.contentLength >= 0) return 'length-and-chunked';
  if (noBody || status < 200 || status === 204 || status === 304) head.framing = 'none';
  else if (tunnel && status < 300) head.framing = 'none';
  else if (head.scan.codings > 0) {
    if (head.minor === 0) return 'bad-transfer-encoding';
    head.framing = 'chunked';
  } else if (head.contentLength >= 0) head.framing = head.contentLength === 0 ? 'none' : 'length';
  else head.framing = 'until-close';
  if (head.framing === 'until-close') head.keepAlive = false;
  head.upgrade = status === 101 || (tunnel && status >= 200 && status < 300);
  return undefined;
}

function readFraming(head: Http1Head): Http1FaultCode | undefined {
  const scan = head.scan;
  scan.hosts = 0;
  scan.codings = 0;
  scan.chunkedLast = false;
  scan.close = false;
  scan.keepAlive = false;
  scan.connectionUpgrade = false;
  scan.upgrade = false;
  for (let i = 0; i < head.fieldCount; i++) {
    const id = head.fieldId(i);
    if (id === 0 || id > FIELD.expect) continue;
    const fault = readFramingField(head, id, i);
    if (fault !== undefined) return fault;
  }
  head.keepAlive = head.minor === 1 ? !scan.close : scan.keepAlive && !scan.close;
  return undefined;
}

function readFramingField(head: Http1Head, id: number, index: number): Http1FaultCode | undefined {
  switch (id) {
    case FIELD.host:
      // RFC 9112 section 3.2: more than one Host must be refused.
      if (++head.scan.hosts > 1) return 'two-hosts';
      return isAuthority(head.buf, head.valueStart(index), head.valueEnd(index)) ? undefined : 'bad-host';
    case FIELD['content-length']:
      return readLength(head, index);
    case FIELD['transfer-encoding']:
      return readCodings(head, index);
    case FIELD.connection:
      readConnection(head, index);
      return undefined;
    case FIELD.upgrade:
      head.scan.upgrade = true;
      return undefined;
    case FIELD.expect:
      if (isWord(head.buf, head.valueStart(index), head.valueEnd(index), '100-continue')) head.expectContinue = true;
      return undefined;
    default:
      return undefined;
  }
}

/** Even two equal lengths are refused: a forwarded pair may be read differently by the next hop. */
function readLength(head: Http1Head, index: number): Http1FaultCode | undefined {
  if (head.contentLength >= 0) return 'two-lengths';
  const start = head.valueStart(index);
  const end = head.valueEnd(index);
  if (end === start || end - start > LIMITS.lengthDigitsMax) return 'bad-length';
  let length = 0;
  for (let i = start; i < end; i++) {
    const digit = head.buf[i]! - 0x30;
    if (digit < 0 || digit > 9) return 'bad-length';
    length = length * 10 + digit;
  }
  head.contentLength = length;
  return undefined;
}

/**
 * RFC 9112 section 6.1: `chunked` at most once, and last. Other codings would have to be undone before the message can travel in
 * another version of HTTP; nobody may send them unasked (section 7.4), and what asks (`te`) is not forwarded.
 */
function readCodings(head: Http1Head, index: number): Http1FaultCode | undefined {
  const end = head.valueEnd(index);
  const scan = head.scan;
  let unknown = false;
  let at = head.valueStart(index);
  while (at < end) {
    at = nextItem(head, at, end);
    // Parsers differ about empty items.
    if (scan.wordEnd === scan.wordStart || at === end) return 'bad-transfer-encoding';
    if (scan.chunkedLast) return 'bad-transfer-encoding';
    scan.codings++;
    scan.chunkedLast = isWord(head.buf, scan.wordStart, scan.wordEnd, 'chunked');
    if (!scan.chunkedLast) unknown = true;
  }
  if (scan.codings === 0) return 'bad-transfer-encoding';
  if (unknown) return scan.chunkedLast ? 'unknown-coding' : 'bad-transfer-encoding';
  return undefined;
}

function readConnection(head: Http1Head, index: number): void {
  const end = head.valueEnd(index);
  const scan = head.scan;
  let at = head.valueStart(index);
  while (at < end) {
    at = nextItem(head, at, end);
    if (isWord(head.buf, scan.wordStart, scan.wordEnd, 'close')) scan.close = true;
    else if (isWord(head.buf, scan.wordStart, scan.wordEnd, 'keep-alive')) scan.keepAlive = true;
    else if (isWord(head.buf, scan.wordStart, scan.wordEnd, 'upgrade')) scan.connectionUpgrade = true;
    else if (scan.wordEnd > scan.wordStart) head.connectionListsFields = true;
  }
}
