import type { Conn } from './splice.ts';

/** Something of a connection that can be given up while the rest of it goes on. */
export interface HeldPart {
  /** What it is: the socket, or a stream. */
  readonly of: object;
  readonly bytes: number;
  /** Of those, what waits for its peer to take it. */
  readonly unsentBytes: number;
  /** A number that changes as the peer takes bytes, by as many. */
  progress(): number;
  /** Breaks it off. */
  drop(): void;
}

/** Who keeps bytes for a connection beside those in the socket. */
export interface Holder {
  heldBytes(): number;
  /** Lets go of what only serves another try of a request; what that was. Absent: there is no such thing. */
  forgetKept?(): number;
  /** Parts that hold at least so much. Absent: the connection is given up as a whole. */
  heldParts?(bytesMin: number): HeldPart[];
}

const HOLDER = Symbol('holder');

type Held = Conn & { [HOLDER]?: Holder };

/** Tells who keeps bytes for a connection. */
export function tellHolder(socket: Conn, holder: Holder): void {
  (socket as Held)[HOLDER] = holder;
}

export function holderOf(socket: Conn): Holder | undefined {
  return (socket as Held)[HOLDER];
}

/** Bytes that were read or written and wait in this process, in the socket and with its holder. */
export function heldBytes(socket: Conn): number {
  return socket.writableLength + socket.readableLength + ((socket as Held)[HOLDER]?.heldBytes() ?? 0);
}
