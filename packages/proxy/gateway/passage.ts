import type { Fault } from '#model/faults';
import type { Exchange, Plan } from '../http/index.ts';
import type { TcpAttempt } from '../outbound/index.ts';

/** Opens a connection for bytes; the result gives the attempt up silently. */
export type Connect = (attempt: TcpAttempt) => () => void;

/** A router that always knows at once. */
export interface ReadyRouter {
  route(exchange: Exchange): Plan | Fault;
}

/** A way through the gateway for one connection: to the name that its transport header says. */
export interface Passage {
  /** Plans for requests, or why there is none. */
  readonly router: ReadyRouter;
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
