/** Bytes between two connections, without looking at them, and how connections are counted. */

export { heldBytes, tellHeld } from './held.ts';
export type { TcpScope } from './scope.ts';
export { type Conn, Splice, type SpliceEnd, splice } from './splice.ts';
