import { readAddresses, TLV_CRC32C, type Tlvs } from './binary.ts';
import { crc32c } from './crc32c.ts';
import { readLine } from './line.ts';

/** One end of the connection that a balancer took in our place. */
export interface ProxiedEnd {
  /** IPv4 in dotted form or IPv6 in its shortest form (RFC 5952). */
  readonly ip: string;
  readonly port: number;
}

/** What a PROXY header tells. `{version: 1, source: {ip: '10.0.0.9', port: 41234}, destination: {…, port: 443}}`. */
export interface ProxyHeader {
  readonly version: 1 | 2;
  /** Absent when the sender speaks for itself (health checks), or knows no addresses (Unix sockets, UNKNOWN). */
  readonly source: ProxiedEnd | undefined;
  readonly destination: ProxiedEnd | undefined;
  /** The name that the client asked for (version 2, PP2_TYPE_AUTHORITY). */
  readonly authority: string | undefined;
}

/**
 * `more`: the bytes so far are a proper beginning. `absent`: they begin no PROXY header. `invalid`: they do, and it is wrong.
 * `header`: it ends before `next`.
 */
export type ProxyHeaderResult =
  | { kind: 'more' }
  | { kind: 'absent' }
  | { kind: 'invalid'; reason: string }
  | { kind: 'header'; header: ProxyHeader; next: number };

/** A longer header is refused. Version 1 has 107 bytes at most; version 2 with all usual additions some hundred. */
export const PROXY_HEADER_BYTES_MAX = 4096;

const LINE_START = Buffer.from('PROXY ', 'latin1');
/** A line with its CRLF, by the specification. */
const LINE_BYTES_MAX = 107;
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const FIXED_BYTES = 16;
const VERSION_2 = 2;
const COMMAND_LOCAL = 0;
const COMMAND_PROXY = 1;
const STREAM = 1;

const MORE: ProxyHeaderResult = { kind: 'more' };
const ABSENT: ProxyHeaderResult = { kind: 'absent' };
const invalid = (reason: string): ProxyHeaderResult => ({ kind: 'invalid', reason });

/**
 * Reads a PROXY protocol header, version 1 or 2, from the first bytes of a connection, `buf[0, length)`. Call again with more
 * bytes after `more`. Source: "The PROXY protocol, versions 1 & 2" of HAProxy.
 */
export function decodeProxyHeader(buf: Uint8Array, length: number): ProxyHeaderResult {
  if (begins(buf, length, SIGNATURE)) return length < FIXED_BYTES ? MORE : readBinary(buf, length);
  if (begins(buf, length, LINE_START)) return length < LINE_START.length ? MORE : readText(buf, length);
  return length === 0 ? MORE : ABSENT;
}

/** Whether the bytes are the beginning of `start`, or begin with it. */
function begins(buf: Uint8Array, length: number, start: Uint8Array): boolean {
  const seen = Math.min(length, start.length);
  for (let i = 0; i < seen; i++) if (buf[i] !== start[i]) return false;
  return seen > 0;
}

function readText(buf: Uint8Array, length: number): ProxyHeaderResult {
  const seen = Math.min(length, LINE_BYTES_MAX);
  for (let i = LINE_START.length; i < seen; i++) {
    if (buf[i] !== 0x0a) continue;
    if (buf[i - 1] !== 0x0d) return invalid('the line ends with a line feed alone');
    const ends = readLine(Buffer.from(buf.subarray(LINE_START.length, i - 1)).toString('latin1'));
    if (ends === undefined)
      return invalid('the line is not "PROXY TCP4|TCP6 source destination port port" or "PROXY UNKNOWN"');
    return { kind: 'header', header: { version: 1, ...ends, authority: undefined }, next: i + 1 };
  }
  return seen < LINE_BYTES_MAX ? MORE : invalid(`the line does not end within ${LINE_BYTES_MAX} bytes`);
}

function readBinary(buf: Uint8Array, length: number): ProxyHeaderResult {
  const version = buf[12]! >> 4;
  const command = buf[12]! & 15;
  if (version !== VERSION_2) return invalid(`version ${version} behind the signature of version 2`);
  if (command > COMMAND_PROXY) return invalid(`command ${command} is neither LOCAL nor PROXY`);
  const next = FIXED_BYTES + ((buf[14]! << 8) | buf[15]!);
  if (next > PROXY_HEADER_BYTES_MAX) return invalid(`a header of ${next} bytes is longer than allowed`);
  if (length < next) return MORE;
  if (command === COMMAND_LOCAL) {
    const header = { version: 2, source: undefined, destination: undefined, authority: undefined } as const;
    return { kind: 'header', header, next };
  }
  if ((buf[13]! & 15) > STREAM) return invalid('the connection that it tells of is no stream');
  const found = readAddresses(buf, FIXED_BYTES, next, buf[13]! >> 4);
  if (typeof found === 'string') return invalid(found);
  if (!isIntact(buf, next, found)) return invalid('its checksum is wrong');
  const { source, destination, authority } = found;
  return { kind: 'header', header: { version: 2, source, destination, authority }, next };
}

/** PP2_TYPE_CRC32C covers the whole header, itself taken as zero. */
function isIntact(buf: Uint8Array, end: number, { crcAt }: Tlvs): boolean {
  if (crcAt === undefined) return true;
  const copy = Buffer.from(buf.subarray(0, end));
  const told = copy.readUInt32BE(crcAt);
  copy.fill(0, crcAt, crcAt + TLV_CRC32C.bytes);
  return crc32c(copy) === told;
}
