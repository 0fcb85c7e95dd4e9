import { FIELD, HTAB, isAuthority, LOWER, SP, TARGET, TOKEN, VALUE } from '../fields/index.ts';

/** Fields of one connection (RFC 9113 section 8.2.2): HTTP/2 messages must not have them. */
const CONNECTION_FIELDS: ReadonlySet<number> = new Set([
  FIELD.connection,
  FIELD['keep-alive'],
  FIELD['proxy-connection'],
  FIELD['transfer-encoding'],
  FIELD.upgrade,
  FIELD['http2-settings'],
]);

/** Values with a form of their own; all others are checked for octets that no field value may have. */
const CHECKS: Readonly<Record<number, (buf: Uint8Array, start: number, end: number) => boolean>> = {
  [FIELD[':method']]: isToken,
  [FIELD[':scheme']]: isScheme,
  [FIELD[':authority']]: isAuthority,
  [FIELD[':path']]: isPath,
  [FIELD[':status']]: isStatus,
  [FIELD.host]: isAuthority,
  [FIELD['content-length']]: isLength,
  [FIELD.te]: isTrailers,
};

const LENGTH_DIGITS_MAX = 15;
const COLON = 0x3a;
const SLASH = 0x2f;
const ASTERISK = 0x2a;
const HASH = 0x23;

/**
 * Whether HTTP/2 allows a field with this name (`id` in the table of names) here at all: lower case, a token or a known
 * pseudo-header, not of one connection (RFC 9113 sections 8.2 and 8.3).
 */
export function isNameAllowed(id: number, buf: Uint8Array, start: number, end: number): boolean {
  if (start === end) return false;
  if (buf[start] === COLON) {
    // Names are known without case, but only lower case is allowed.
    if (id === 0 || id === FIELD[':protocol']) return false;
    for (let i = start + 1; i < end; i++) if (LOWER[buf[i]!] !== buf[i]) return false;
    return true;
  }
  if (CONNECTION_FIELDS.has(id)) return false;
  for (let i = start; i < end; i++) if (TOKEN[buf[i]!] !== 1 || LOWER[buf[i]!] !== buf[i]) return false;
  return true;
}

/** Whether HTTP/2 allows this value for the name with this id. */
export function isValueAllowed(id: number, buf: Uint8Array, start: number, end: number): boolean {
  if (id > 0) {
    if (CONNECTION_FIELDS.has(id)) return false;
    const check = CHECKS[id];
    if (check !== undefined) return check(buf, start, end);
  }
  if (start === end) return true;
  for (let i = start; i < end; i++) if (VALUE[buf[i]!] !== 1) return false;
  return !isSpace(buf[start]!) && !isSpace(buf[end - 1]!);
}

const isSpace = (byte: number) => byte === SP || byte === HTAB;

function isToken(buf: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (TOKEN[buf[i]!] !== 1) return false;
  return end > start;
}

function isScheme(buf: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = LOWER[buf[i]!]!;
    const letter = byte >= 0x61 && byte <= 0x7a;
    const other = (byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === 0x2d || byte === 0x2e;
    if (!letter && (i === start || !other)) return false;
  }
  return end > start;
}

function isPath(buf: Uint8Array, start: number, end: number): boolean {
  if (buf[start] === ASTERISK && end === start + 1) return true;
  if (end === start || buf[start] !== SLASH) return false;
  for (let i = start; i < end; i++) if (TARGET[buf[i]!] !== 1 || buf[i] === HASH) return false;
  return true;
}

function isStatus(buf: Uint8Array, start: number, end: number): boolean {
  return end - start === 3 && buf[start] !== 0x30 && isLength(buf, start, end);
}

function isLength(buf: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (buf[i]! < 0x30 || buf[i]! > 0x39) return false;
  return end > start && end - start <= LENGTH_DIGITS_MAX;
}

const TRAILERS = 'trailers';

/** RFC 9113 section 8.2.2: `te` may say nothing but `trailers`. */
function isTrailers(buf: Uint8Array, start: number, end: number): boolean {
  if (end - start !== TRAILERS.length) return false;
  for (let i = 0; i < TRAILERS.length; i++) if (LOWER[buf[start + i]!] !== TRAILERS.charCodeAt(i)) return false;
  return true;
}
