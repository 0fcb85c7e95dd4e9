import type { Server, Socket } from 'node:net';
import { setSocketOptionInt } from '../ffi/index.ts';

export interface KeepaliveOptions {
  /** SO_KEEPALIVE with this idle time; absent: off. */
  readonly keepaliveMs?: number | undefined;
  /** TCP_USER_TIMEOUT: how long sent data may stay unacknowledged; absent: the kernel's default. */
  readonly userTimeoutMs?: number | undefined;
}

const SOL_TCP = 6;
const TCP_USER_TIMEOUT = 18;

/** TCP_NODELAY always; keep-alive and user timeout if asked for. */
export function setSocketOptions(socket: Socket, options: KeepaliveOptions): void {
  socket.setNoDelay(true);
  if (options.keepaliveMs !== undefined) socket.setKeepAlive(true, options.keepaliveMs);
  const fd = options.userTimeoutMs === undefined ? undefined : fdOf(socket);
  if (fd !== undefined) setSocketOptionInt(fd, SOL_TCP, TCP_USER_TIMEOUT, options.userTimeoutMs ?? 0);
}

/** File descriptor of a connected or listening socket; undefined once it is closed. */
export function fdOf(socket: Socket | Server): number | undefined {
  const fd = (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}

/** `::ffff:10.0.0.1` -> `10.0.0.1`; others unchanged. */
export function unmapIp(ip: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(ip) ? ip.slice(7) : ip;
}

/** `10.0.0.1:80`, `[fd00::1]:80`. */
export function formatAddr(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}
