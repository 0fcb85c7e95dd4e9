import type { Fault } from '#model/faults';
import type { Router } from '../http/index.ts';
import type { Conn, TcpScope } from '../tcp/index.ts';

/** Who wants a connection that bytes are passed through; exactly one of the functions is called. */
export interface ConnectSink {
  /** `done`: call it when the connection is over. */
  connected(socket: Conn, scope: TcpScope, done: () => void): void;
  failed(fault: Fault): void;
}

/** Opens a connection; the result gives the attempt up silently. */
export type Connect = (sink: ConnectSink) => () => void;

/** A way through the gateway for one connection: to the name that its transport header says. */
export interface Passage {
  /** Plans for requests, or why there is none. */
  readonly router: Router;
  /** For connections of bytes. */
  readonly connect: Connect;
  /** The connection is over. */
  release(): void;
}

/** Lets peers in the mesh reach other names through this proxy. */
export interface Gateway {
  /** Calls `ready` once, perhaps at once; a name that cannot be reached has a passage that refuses. `clientId`: who asks. */
  open(
    target: { readonly name: string; readonly port: number },
    clientId: string,
    ready: (passage: Passage) => void,
  ): void;
}
