import { isAuthority } from '../fields/index.ts';
import type { Http1FaultCode } from './faults.ts';
import type { Http1Head } from './head.ts';

/** The forms of a request target (RFC 9112 section 3.2). */
export type TargetForm = 'origin' | 'absolute' | 'authority' | 'asterisk';

const SLASH = 0x2f;
const QUESTION = 0x3f;
const HASH = 0x23;
const ASTERISK = 0x2a;
const COLON = 0x3a;

/** 1 for the bytes of a scheme. */
const SCHEME = new Uint8Array(256);
for (const char of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.') SCHEME[char.charCodeAt(0)] = 1;

/**
 * Tells the form of a request's target and where authority and path stand in it. A fragment is refused, never cut off; so is
 * user information (RFC 9110 section 4.2.4), and an authority without port for CONNECT.
 */
export function readTarget(head: Http1Head): Http1FaultCode | undefined {
  const { buf, targetStart: start, targetEnd: end } = head;
  head.authorityStart = start;
  head.authorityEnd = start;
  head.pathStart = start;
  head.pathEnd = end;
  for (let i = start; i < end; i++) if (buf[i] === HASH) return 'bad-target';
  if (head.methodIs('CONNECT')) {
    head.form = 'authority';
    head.authorityEnd = end;
    head.pathStart = end;
    return isAuthority(buf, start, end) && endsInPort(buf, start, end) ? undefined : 'bad-target';
  }
  if (buf[start] === SLASH) {
    head.form = 'origin';
    return undefined;
  }
  if (buf[start] === ASTERISK && end - start === 1 && head.methodIs('OPTIONS')) {
    head.form = 'asterisk';
    return undefined;
  }
  return readAbsolute(head, buf, start, end);
}

function readAbsolute(head: Http1Head, buf: Uint8Array, start: number, end: number): Http1FaultCode | undefined {
  head.form = 'absolute';
  let i = start;
  while (i < end && SCHEME[buf[i]!] === 1) i++;
  if (i === start || buf[i] !== COLON || buf[i + 1] !== SLASH || buf[i + 2] !== SLASH) return 'bad-target';
  const authorityStart = i + 3;
  i = authorityStart;
  while (i < end && buf[i] !== SLASH && buf[i] !== QUESTION) i++;
  if (i <= authorityStart || !isAuthority(buf, authorityStart, i)) return 'bad-target';
  head.authorityStart = authorityStart;
  head.authorityEnd = i;
  head.pathStart = i;
  return undefined;
}

/** RFC 9110 section 9.3.6: a port must be named, and 0 is none. */
function endsInPort(buf: Uint8Array, start: number, end: number): boolean {
  let i = end;
  let isZero = true;
  for (; i > start && buf[i - 1]! >= 0x30 && buf[i - 1]! <= 0x39; i--) if (buf[i - 1] !== 0x30) isZero = false;
  return !isZero && i > start && buf[i - 1] === COLON;
}
