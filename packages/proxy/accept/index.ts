/** The first moments of a connection: reading just enough bytes to know what it is, and mesh TLS taken off. */

export { decideHttp, decideTls, type HttpGuess, type TlsGuess } from './decide.ts';
export { type DetectResult, detectHttp, type HttpSeen } from './http.ts';
export { ignoreLateError } from './late-errors.ts';
export { memoryLimitBytes } from './memory-limit.ts';
export { openFilesMax } from './open-files.ts';
export { OpenSockets, processLimits } from './open-sockets.ts';
export { type Peeked, peek } from './peek.ts';
export { type DetectOptions, detectTls, type TerminateMeshOptions, type TlsSeen, terminateMesh } from './tls.ts';
