import type { Socket } from 'node:net';
import { setSocketOptionInt } from '../ffi/index.ts';
import { fdOf } from './options.ts';

const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_BUF_LOCK = 72;
/** Where the kernel's own adjustment goes on from: it grows a buffer in proportion to what it gave out of it before. */
const GROWS_FROM_BYTES = 512 * 1024;

/**
 * Bounds what the kernel keeps of what a socket's peer sends: a read gives up to about four times `bytes`, at once 128 KiB (what the
 * kernel begins with may have come already). Without a bound the runtime reads up to half a MB at once.
 */
export function boundReceiveBuffer(socket: Socket, bytes: number): void {
  const fd = fdOf(socket);
  if (fd !== undefined) setSocketOptionInt(fd, SOL_SOCKET, SO_RCVBUF, bytes);
}

/** Has the kernel adjust the buffer again as it sees fit; before Linux 5.15 the buffer stays large and fixed. */
export function freeReceiveBuffer(socket: Socket): void {
  const fd = fdOf(socket);
  if (fd === undefined) return;
  setSocketOptionInt(fd, SOL_SOCKET, SO_RCVBUF, GROWS_FROM_BYTES);
  setSocketOptionInt(fd, SOL_SOCKET, SO_BUF_LOCK, 0);
}
