/** Bytes between two connections, without looking at them, and how connections are counted. */

export { type HeldPart, type Holder, heldBytes, holderOf, tellHolder } from './held.ts';
export { Intake } from './intake.ts';
export type { TcpScope } from './scope.ts';
export { type Conn, Splice, type SpliceEnd, splice } from './splice.ts';
