/** What a server may know of a TLS client before answering it. */
export interface ClientHello {
  /** Server name, lower case, without a trailing dot; absent when the client sent none or an invalid one. */
  readonly sni: string | undefined;
  /** Protocols offered by ALPN, in the client's order. */
  readonly alpn: readonly string[];
}

/** `more`: the bytes so far are a proper beginning. `not-tls`: they are no TLS ClientHello. */
export type HelloResult = { kind: 'more' } | { kind: 'not-tls' } | { kind: 'hello'; hello: ClientHello };

/** Bytes that are collected at most while waiting for a whole ClientHello; a proxy forwards longer ones as they are. */
export const HELLO_BYTES_MAX = 8192;

const MORE: HelloResult = { kind: 'more' };
const NOT_TLS: HelloResult = { kind: 'not-tls' };

const RECORD_HANDSHAKE = 0x16;
const RECORD_HEADER_BYTES = 5;
const RECORD_BYTES_MAX = 16384;
const CLIENT_HELLO = 1;
const EXTENSION_SNI = 0;
const EXTENSION_ALPN = 16;

/**
 * Reads a ClientHello (RFC 8446 section 4.1.2) from the first bytes of a connection, `buf[0, length)`. Call again with more
 * bytes after `more`. The handshake message may be spread over several records.
 */
export function parseClientHello(buf: Uint8Array, length: number): HelloResult {
  const handshake = new Uint8Array(length);
  let handshakeLength = 0;
  let at = 0;
  for (;;) {
    if (at >= length) break;
    // A record header that is wrong as far as it goes: 22, 3, 1 or 3.
    if (buf[at] !== RECORD_HANDSHAKE) return NOT_TLS;
    if (at + 1 < length && buf[at + 1] !== 3) return NOT_TLS;
    if (at + 2 < length && buf[at + 2] !== 1 && buf[at + 2] !== 3) return NOT_TLS;
    if (at + RECORD_HEADER_BYTES > length) break;
    const size = (buf[at + 3]! << 8) | buf[at + 4]!;
    if (size === 0 || size > RECORD_BYTES_MAX) return NOT_TLS;
    const stop = Math.min(at + RECORD_HEADER_BYTES + size, length);
    handshake.set(buf.subarray(at + RECORD_HEADER_BYTES, stop), handshakeLength);
    handshakeLength += stop - at - RECORD_HEADER_BYTES;
    if (handshakeLength > 0 && handshake[0] !== CLIENT_HELLO) return NOT_TLS;
    if (handshakeLength >= 4) {
      const bodyLength = (handshake[1]! << 16) | (handshake[2]! << 8) | handshake[3]!;
      if (handshakeLength >= 4 + bodyLength) return readHello(new Reader(handshake, 4, 4 + bodyLength));
    }
    at += RECORD_HEADER_BYTES + size;
  }
  return MORE;
}

/** Walks over bytes; `ok` turns false on the first read past the end and stays so. */
class Reader {
  ok = true;
  readonly buf: Uint8Array;
  at: number;
  end: number;

  constructor(buf: Uint8Array, start: number, end: number) {
    this.buf = buf;
    this.at = start;
    this.end = end;
  }

  number(bytes: number): number {
    if (this.at + bytes > this.end) {
      this.ok = false;
      return 0;
    }
    let value = 0;
    for (let i = 0; i < bytes; i++) value = value * 256 + this.buf[this.at++]!;
    return value;
  }

  /** A vector: its length in `bytes` bytes, then that many bytes. */
  vector(bytes: number): Reader {
    const size = this.number(bytes);
    if (!this.ok || this.at + size > this.end) {
      this.ok = false;
      return new Reader(this.buf, this.end, this.end);
    }
    const inner = new Reader(this.buf, this.at, this.at + size);
    this.at += size;
    return inner;
  }

  get more(): boolean {
    return this.ok && this.at < this.end;
  }

  text(): string {
    let text = '';
    for (let i = this.at; i < this.end; i++) text += String.fromCharCode(this.buf[i]!);
    return text;
  }
}

function readHello(body: Reader): HelloResult {
  body.number(2);
  for (let i = 0; i < 4; i++) body.number(8);
  body.vector(1);
  body.vector(2);
  body.vector(1);
  if (!body.ok) return NOT_TLS;
  let sni: string | undefined;
  let alpn: readonly string[] = [];
  if (body.more) {
    const extensions = body.vector(2);
    while (extensions.more) {
      const type = extensions.number(2);
      const data = extensions.vector(2);
      if (!extensions.ok) return NOT_TLS;
      if (type === EXTENSION_SNI) sni = readServerName(data);
      else if (type === EXTENSION_ALPN) alpn = readProtocols(data);
    }
    if (!extensions.ok || !body.ok) return NOT_TLS;
  }
  return { kind: 'hello', hello: { sni, alpn } };
}

/** RFC 6066 section 3: a list of names, of which type 0 is a host name. */
function readServerName(data: Reader): string | undefined {
  const list = data.vector(2);
  while (list.more) {
    const type = list.number(1);
    const name = list.vector(2);
    if (!list.ok) return undefined;
    if (type === 0) return hostName(name.text());
  }
  return undefined;
}

const HOST_NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

function hostName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '');
  return name.length <= 253 && HOST_NAME.test(name) ? name : undefined;
}

/** RFC 7301 section 3.1. */
function readProtocols(data: Reader): readonly string[] {
  const list = data.vector(2);
  const names: string[] = [];
  while (list.more) {
    const name = list.vector(1);
    if (list.ok) names.push(name.text());
  }
  return names;
}
