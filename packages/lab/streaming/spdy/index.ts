/** SPDY/3.1 as Kubernetes clients speak it for exec, attach and port-forward: frames, header blocks, a server's session. */
export { SpdyDecoder, SpdyError, type SpdyFrame } from './frames.ts';
export type { SpdyHeaders } from './headers.ts';
export { type AcceptStream, SpdySession } from './session.ts';
export { SpdyStream } from './stream.ts';
