/**
 * HTTP/2 (RFC 9113) without sockets, both roles: give a connection what was read, send what it puts out. Flow control, the
 * states of streams, the validity of messages and limits against floods are its own affair.
 */
export { FLAG, FRAME, HTTP2_ERROR, type Http2ErrorName, http2ErrorName, PREFACE } from './codes.ts';
export { createHttp2Connection } from './connection.ts';
export type { Http2Connection, Http2Options, Http2Sink, Http2Stream } from './contract.ts';
export { FLOODS, type Flood, HTTP2_LIMITS } from './limits.ts';
