/**
 * Destination.Get with answers that are looked at only as far as the simulation needs: 1,000 proxies share one process here, and what
 * they spend on decoding whole messages is theirs, not the service's.
 */
import type { DescMethodServerStreaming } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { type Empty, EmptySchema } from '@bufbuild/protobuf/wkt';
import { destination } from '#api/mesh';

const { get } = destination.Destination.method;

/** The method with an answer of no fields: they all stay undecoded. */
export const LIGHT_GET = { ...get, output: EmptySchema } as unknown as DescMethodServerStreaming<
  typeof get.input,
  typeof EmptySchema
>;

/** What an update does to the IPv4 addresses, each as a number. */
export function readUpdate(message: Empty, added: (ip: number) => void, removed: (ip: number) => void): void {
  for (const { no, data } of message.$unknown ?? []) {
    const body = new BinaryReader(data).bytes();
    // Update: add = 1, remove = 2. WeightedAddrSet.addrs and AddrSet.addrs = 1; WeightedAddr.addr = 1 holds a TcpAddress.
    for (const addr of fields(body, 1)) {
      if (no === 1) for (const tcp of fields(addr, 1)) added(ipOf(tcp));
      else if (no === 2) removed(ipOf(addr));
    }
  }
}

/** TcpAddress.ip = 1, IPAddress.ipv4 = 1 as fixed32. */
function ipOf(tcp: Uint8Array): number {
  for (const ip of fields(tcp, 1)) {
    const reader = new BinaryReader(ip);
    const [no] = reader.tag();
    if (no === 1) return reader.fixed32();
  }
  return 0;
}

/** The parts of a message that are messages with this number. */
function fields(message: Uint8Array, number: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag();
    if (no === number) found.push(reader.bytes());
    else reader.skip(type, no);
  }
  return found;
}
