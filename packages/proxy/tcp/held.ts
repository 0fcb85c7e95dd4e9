import type { Conn } from './splice.ts';

const HELD = Symbol('held');

type Holding = Conn & { [HELD]?: () => number };

/** Tells how many bytes the owner of a connection keeps for it, beside those in the socket. */
export function tellHeld(socket: Conn, bytes: () => number): void {
  (socket as Holding)[HELD] = bytes;
}

/** Bytes that were read or written and wait in this process, in the socket and with its owner. */
export function heldBytes(socket: Conn): number {
  return socket.writableLength + socket.readableLength + ((socket as Holding)[HELD]?.() ?? 0);
}
