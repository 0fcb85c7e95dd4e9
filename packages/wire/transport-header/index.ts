/**
 * The header that Linkerd proxies send each other first on port 4143 when ALPN chose `transport.l5d.io/v1`: which port or
 * name is meant, and which HTTP version follows. 23 bytes of preface, a big-endian length, a protobuf message.
 */
export {
  decodeTransportHeader,
  encodeTransportHeader,
  type SessionProtocol,
  TRANSPORT_ALPN,
  TRANSPORT_HEADER_BYTES_MAX,
  TRANSPORT_PREFACE,
  type TransportHeader,
  type TransportHeaderResult,
} from './header.ts';
