import type { Socket } from 'node:net';
import { getSocketOption } from '../ffi/index.ts';
import { fdOf, unmapIp } from './options.ts';

/** An address of a connection's end; IPv4 in IPv6 is given as IPv4. */
export interface SocketAddr {
  readonly ip: string;
  readonly port: number;
}

const SOL_IP = 0;
const SOL_IPV6 = 41;
const SO_ORIGINAL_DST = 80;
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;

/**
 * Where an accepted connection wanted to go before iptables redirected it (netfilter's SO_ORIGINAL_DST). Undefined when it
 * was not redirected or the kernel does not know. Which variant is asked depends on the client's address family.
 */
export function originalDst(socket: Socket): SocketAddr | undefined {
  const fd = fdOf(socket);
  const remote = socket.remoteAddress;
  if (fd === undefined || remote === undefined) return undefined;
  if (!unmapIp(remote).includes(':')) {
    const addr = getSocketOption(fd, SOL_IP, SO_ORIGINAL_DST, SOCKADDR_IN_BYTES);
    return addr && { ip: addr.subarray(4, 8).join('.'), port: (addr[2]! << 8) | addr[3]! };
  }
  const addr = getSocketOption(fd, SOL_IPV6, SO_ORIGINAL_DST, SOCKADDR_IN6_BYTES);
  return addr && { ip: formatIpv6(addr.subarray(8, 24)), port: (addr[2]! << 8) | addr[3]! };
}

/** RFC 5952: the longest run of zero groups becomes `::`. */
function formatIpv6(bytes: Uint8Array): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i]! << 8) | bytes[i + 1]!).toString(16));
  let best = { at: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (groups[i + length] === '0') length++;
    if (length > best.length) best = { at: i, length };
  }
  if (best.at < 0) return groups.join(':');
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`;
}
