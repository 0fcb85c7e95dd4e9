import type { ProxiedEnd } from './header.ts';
import { showIpv6 } from './ip.ts';

/** What stands behind the fixed part of a version 2 header. */
export interface Tlvs {
  readonly source: ProxiedEnd | undefined;
  readonly destination: ProxiedEnd | undefined;
  readonly authority: string | undefined;
  /** Where the checksum stands. */
  readonly crcAt: number | undefined;
}

/** PP2_TYPE_CRC32C and the size of its value. */
export const TLV_CRC32C = { type: 3, bytes: 4 } as const;
const TLV_AUTHORITY = 2;
const TLV_PREFIX_BYTES = 3;

/** Bytes of both addresses and ports, by address family: unspecified, IPv4, IPv6, Unix. */
const ADDRESS_BYTES = [0, 12, 36, 216];

/** Reads addresses and type-length-value entries in `buf[start, end)`; a text says what is wrong. */
export function readAddresses(buf: Uint8Array, start: number, end: number, family: number): Tlvs | string {
  const bytes = ADDRESS_BYTES[family];
  if (bytes === undefined) return `address family ${family} is unknown`;
  if (start + bytes > end) return 'it is too short for its addresses';
  const [source, destination] = endsOf(buf, start, family);
  let authority: string | undefined;
  let crcAt: number | undefined;
  for (let at = start + bytes; at < end; ) {
    const valueAt = at + TLV_PREFIX_BYTES;
    const next = valueAt + (valueAt <= end ? (buf[at + 1]! << 8) | buf[at + 2]! : 1);
    if (next > end) return 'an entry behind the addresses is longer than the header';
    if (buf[at] === TLV_AUTHORITY) authority = Buffer.from(buf.subarray(valueAt, next)).toString('utf8');
    else if (buf[at] === TLV_CRC32C.type) {
      if (next - valueAt !== TLV_CRC32C.bytes) return 'its checksum has another length than 4';
      crcAt = valueAt;
    }
    at = next;
  }
  return { source, destination, authority, crcAt };
}

function endsOf(buf: Uint8Array, at: number, family: number): [ProxiedEnd, ProxiedEnd] | [undefined, undefined] {
  const port = (from: number) => (buf[from]! << 8) | buf[from + 1]!;
  if (family === 1)
    return [
      { ip: buf.subarray(at, at + 4).join('.'), port: port(at + 8) },
      { ip: buf.subarray(at + 4, at + 8).join('.'), port: port(at + 10) },
    ];
  if (family !== 2) return [undefined, undefined];
  const ip = (from: number) => showIpv6(Array.from({ length: 8 }, (_, i) => port(from + i * 2)));
  return [
    { ip: ip(at), port: port(at + 32) },
    { ip: ip(at + 16), port: port(at + 34) },
  ];
}
