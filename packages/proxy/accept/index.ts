/** The first moments of a connection: reading just enough bytes to know what it is. */

export { decideHttp, decideTls, type HttpGuess, type TlsGuess } from './decide.ts';
export { type Peeked, peek } from './peek.ts';
