/** The wire's addresses from and to text: `10.0.0.1`, `fd00::1`, `10.0.0.1:80`, `[fd00::1]:80`. */
import { create } from '@bufbuild/protobuf';
import { type IPAddress, IPAddressSchema, type TcpAddress, TcpAddressSchema } from './gen/net_pb.js';

const HEXTETS = 8;

/** Encodes an IPv4 or IPv6 address in text form. Undefined when `text` is neither. */
export function encodeIp(text: string): IPAddress | undefined {
  const ipv4 = parseIpv4(text);
  if (ipv4 !== undefined) return create(IPAddressSchema, { ip: { case: 'ipv4', value: ipv4 } });
  const hextets = parseIpv6(text);
  if (!hextets) return undefined;
  const half = (from: number) => hextets.slice(from, from + 4).reduce((sum, part) => (sum << 16n) | BigInt(part), 0n);
  return create(IPAddressSchema, { ip: { case: 'ipv6', value: { first: half(0), last: half(4) } } });
}

/** The text form of a wire address; IPv6 in the shortest form of RFC 5952. Undefined when the message is empty. */
export function decodeIp(address: IPAddress | undefined): string | undefined {
  if (address?.ip.case === 'ipv4') {
    const ip = address.ip.value;
    return `${ip >>> 24}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`;
  }
  if (address?.ip.case !== 'ipv6') return undefined;
  const { first, last } = address.ip.value;
  const hextets = [first, last].flatMap((half) =>
    [48n, 32n, 16n, 0n].map((shift) => Number((half >> shift) & 0xffffn)),
  );
  return formatIpv6(hextets);
}

/** Encodes `ip` and `port`. Undefined when `ip` is not an address. */
export function encodeTcpAddress(ip: string, port: number): TcpAddress | undefined {
  const address = encodeIp(ip);
  return address && create(TcpAddressSchema, { ip: address, port });
}

/** `ip:port`, with brackets around IPv6. Undefined when the address is missing. */
export function decodeTcpAddress(address: TcpAddress | undefined): string | undefined {
  const ip = decodeIp(address?.ip);
  if (ip === undefined || !address) return undefined;
  return ip.includes(':') ? `[${ip}]:${address.port}` : `${ip}:${address.port}`;
}

/** Dotted quad as a big-endian number. Leading zeros are refused: some programs read them as octal. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let ip = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    ip = ip * 256 + Number(part);
  }
  return ip;
}

/** The eight hextets of an IPv6 address, which may be abbreviated by `::` and end in a dotted quad (RFC 4291 section 2.2). */
export function parseIpv6(text: string): number[] | undefined {
  const sides = text.split('::');
  if (sides.length > 2) return undefined;
  const left = parseHextets(sides[0] ?? '', sides.length === 1);
  const right = sides.length === 2 ? parseHextets(sides[1] ?? '', true) : [];
  if (!left || !right) return undefined;
  const missing = HEXTETS - left.length - right.length;
  if (sides.length === 1 ? missing !== 0 : missing < 1) return undefined;
  return [...left, ...new Array<number>(missing).fill(0), ...right];
}

function parseHextets(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const hextets: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const ipv4 = mayEndInIpv4 && index === parts.length - 1 ? parseIpv4(part) : undefined;
      if (ipv4 === undefined) return undefined;
      hextets.push(ipv4 >>> 16, ipv4 & 0xffff);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) hextets.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return hextets;
}

function formatIpv6(hextets: readonly number[]): string {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < HEXTETS; start += 1) {
    let length = 0;
    while (start + length < HEXTETS && hextets[start + length] === 0) length += 1;
    if (length > best.length) best = { start, length };
  }
  const hex = (parts: readonly number[]) => parts.map((part) => part.toString(16)).join(':');
  if (best.start < 0) return hex(hextets);
  return `${hex(hextets.slice(0, best.start))}::${hex(hextets.slice(best.start + best.length))}`;
}
