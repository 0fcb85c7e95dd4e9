/**
 * HPACK (RFC 7541): header blocks <-> fields, one encoder and one decoder a connection. Fields that HTTP/2 does not allow are
 * marked while their octets are at hand.
 */
export { HpackDecoder, type HpackSink, MALFORMED } from './decoder.ts';
export { HpackEncoder } from './encoder.ts';
export { HPACK_LIMITS } from './limits.ts';
export { staticNameIndex } from './static.ts';
export { entrySize } from './table.ts';
