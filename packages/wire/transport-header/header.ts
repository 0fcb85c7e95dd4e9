/** Which HTTP version follows the header; absent: bytes without meaning to the proxies. */
export type SessionProtocol = 'http/1' | 'http/2';

/**
 * What a proxy tells its peer's port 4143 at the start of a connection.
 * `{port: 8080, name: '', session: 'http/1'}`: port 8080 of this pod. A name (without port): through a gateway.
 */
export interface TransportHeader {
  readonly port: number;
  readonly name: string;
  readonly session: SessionProtocol | undefined;
  /** Weft only: for whom a gateway opens a connection of bytes, by identity. Nobody but a gateway is to be believed. */
  readonly client?: string;
}

/** ALPN protocol that announces a transport header. */
export const TRANSPORT_ALPN = 'transport.l5d.io/v1';

/** First bytes of every header. */
export const TRANSPORT_PREFACE = `${TRANSPORT_ALPN}\r\n\r\n`;

/** Preface, length and message together; Linkerd buffers 64 KiB. */
export const TRANSPORT_HEADER_BYTES_MAX = 64 * 1024;

/** `more`: not complete. `header`: it ends before `next`. `invalid`: no header, with the reason. */
export type TransportHeaderResult =
  | { kind: 'more' }
  | { kind: 'invalid'; reason: string }
  | { kind: 'header'; header: TransportHeader; next: number };

const PREFIX_BYTES = TRANSPORT_PREFACE.length + 4;

/** Protobuf tags: field number * 8 + wire type (0 varint, 2 length-delimited). */
const TAG_PORT = 8;
const TAG_NAME = 18;
const TAG_SESSION = 26;
/** Field 1001: Linkerd's have small numbers, and skip what they do not know. */
const TAG_CLIENT = 8010;
const TAG_HTTP1 = 10;
const TAG_HTTP2 = 18;

/** Bytes: preface, length (u32 big-endian), protobuf message `transport.l5d.io.Header`. */
export function encodeTransportHeader(header: TransportHeader): Buffer {
  const message: number[] = [];
  if (header.port !== 0) message.push(TAG_PORT, ...varint(header.port));
  if (header.name !== '') message.push(TAG_NAME, ...text(header.name));
  if (header.session !== undefined)
    message.push(TAG_SESSION, 2, header.session === 'http/1' ? TAG_HTTP1 : TAG_HTTP2, 0);
  if (header.client !== undefined) message.push(...varint(TAG_CLIENT), ...text(header.client));
  const out = Buffer.alloc(PREFIX_BYTES + message.length);
  out.write(TRANSPORT_PREFACE, 'latin1');
  out.writeUInt32BE(message.length, TRANSPORT_PREFACE.length);
  out.set(message, PREFIX_BYTES);
  return out;
}

/** Reads a header from the first bytes of a connection, `buf[0, length)`. */
export function decodeTransportHeader(buf: Uint8Array, length: number): TransportHeaderResult {
  const seen = Math.min(length, TRANSPORT_PREFACE.length);
  for (let i = 0; i < seen; i++)
    if (buf[i] !== TRANSPORT_PREFACE.charCodeAt(i)) return { kind: 'invalid', reason: 'the preface is wrong' };
  if (length < PREFIX_BYTES) return { kind: 'more' };
  let size = 0;
  for (let i = 0; i < 4; i++) size = size * 256 + buf[TRANSPORT_PREFACE.length + i]!;
  if (size + PREFIX_BYTES > TRANSPORT_HEADER_BYTES_MAX)
    return { kind: 'invalid', reason: `a header of ${size} bytes is longer than allowed` };
  if (length < PREFIX_BYTES + size) return { kind: 'more' };
  const header = readMessage(buf, PREFIX_BYTES, PREFIX_BYTES + size);
  if (header === undefined) return { kind: 'invalid', reason: 'the message is malformed' };
  if (header.port < 1 || header.port > 65535)
    return { kind: 'invalid', reason: `port ${header.port} is not within 1..65535` };
  return { kind: 'header', header, next: PREFIX_BYTES + size };
}

function text(value: string): number[] {
  const bytes = Buffer.from(value, 'utf8');
  return [...varint(bytes.length), ...bytes];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

type Cursor = { at: number };

function readVarint(buf: Uint8Array, cursor: Cursor, end: number): number | undefined {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (cursor.at >= end) return undefined;
    const byte = buf[cursor.at++]!;
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return value;
  }
  return undefined;
}

function readMessage(buf: Uint8Array, start: number, end: number): TransportHeader | undefined {
  const cursor = { at: start };
  let port = 0;
  let name = '';
  let session: SessionProtocol | undefined;
  let client: string | undefined;
  while (cursor.at < end) {
    const tag = readVarint(buf, cursor, end);
    if (tag === undefined) return undefined;
    const field = readField(buf, cursor, end, tag & 7);
    if (field === undefined) return undefined;
    if (tag === TAG_PORT) port = field.number;
    else if (tag === TAG_NAME) name = readText(buf, field);
    else if (tag === TAG_CLIENT) client = readText(buf, field);
    else if (tag === TAG_SESSION) session = readSession(buf, field.start, field.end);
  }
  return { port, name, session, ...(client !== undefined && { client }) };
}

const readText = (buf: Uint8Array, { start, end }: { start: number; end: number }): string =>
  Buffer.from(buf.subarray(start, end)).toString('utf8');

/** Reads or skips one field's content; its number (varint) or its bounds (length-delimited). */
function readField(
  buf: Uint8Array,
  cursor: Cursor,
  end: number,
  wireType: number,
): { number: number; start: number; end: number } | undefined {
  const start = cursor.at;
  if (wireType === 0) {
    const number = readVarint(buf, cursor, end);
    return number === undefined ? undefined : { number, start, end: cursor.at };
  }
  let size: number | undefined;
  if (wireType === 1) size = 8;
  else if (wireType === 5) size = 4;
  else if (wireType === 2) size = readVarint(buf, cursor, end);
  if (size === undefined || cursor.at + size > end) return undefined;
  const dataStart = cursor.at;
  cursor.at += size;
  return { number: 0, start: dataStart, end: cursor.at };
}

/** `SessionProtocol { oneof kind { Http1 http1 = 1; Http2 http2 = 2 } }`; the last one wins. */
function readSession(buf: Uint8Array, start: number, end: number): SessionProtocol | undefined {
  const cursor = { at: start };
  let session: SessionProtocol | undefined;
  while (cursor.at < end) {
    const tag = readVarint(buf, cursor, end);
    if (tag === undefined || readField(buf, cursor, end, tag & 7) === undefined) return session;
    if (tag === TAG_HTTP1) session = 'http/1';
    else if (tag === TAG_HTTP2) session = 'http/2';
  }
  return session;
}
