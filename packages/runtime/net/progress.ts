import type { Socket } from 'node:net';
import { getSocketOption } from '../ffi/index.ts';
import { fdOf } from './options.ts';

const SOL_TCP = 6;
const TCP_INFO = 11;
/** `tcpi_bytes_acked` of struct tcp_info: 64 bits, since Linux 4.1. */
const BYTES_ACKED = { at: 120, end: 128 };

/** How many octets of what was sent the peer has taken so far; undefined where the kernel does not tell. */
export function takenBytes(socket: Socket): number | undefined {
  const fd = fdOf(socket);
  const info = fd === undefined ? undefined : getSocketOption(fd, SOL_TCP, TCP_INFO, BYTES_ACKED.end);
  if (!info || info.length < BYTES_ACKED.end) return undefined;
  return Number(new DataView(info.buffer, info.byteOffset).getBigUint64(BYTES_ACKED.at, true));
}
