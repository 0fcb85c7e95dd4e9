/**
 * HTTP/1.0 and 1.1 without sockets (RFC 9112): finds messages in a byte stream, refuses ambiguous framing, gives heads the
 * form common to all versions and writes them from it, and tells HTTP from other protocols by the first bytes.
 */

export { createNameTable, FIELD, latin1, type NameTable } from '../fields/index.ts';
export { Http1Decoder, type Http1Sink } from './decoder.ts';
export { DETECT_BYTES_MIN, type Detected, detectHttp } from './detect.ts';
export {
  type ConnectionOption,
  type EncodedFraming,
  encodeChunk,
  encodeLastChunk,
  encodeRequestHead,
  encodeResponseHead,
  joinCookies,
  LastHead,
} from './encode.ts';
export { HTTP1_FAULTS, type Http1FaultCode } from './faults.ts';
export type { Framing, Http1Head } from './head.ts';
export { LIMITS as HTTP1_LIMITS } from './limits.ts';
export { requestHead, responseHead, trailerFields } from './message.ts';
export { reasonOf } from './reasons.ts';
export type { TargetForm } from './target.ts';
