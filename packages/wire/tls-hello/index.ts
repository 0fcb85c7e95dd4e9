/**
 * Reads server name and ALPN from the first bytes of a TLS connection without taking part in it (RFC 8446, 6066, 7301), so
 * that a proxy can decide whether to terminate or to pass the bytes on.
 */
export { type ClientHello, HELLO_BYTES_MAX, type HelloResult, parseClientHello } from './hello.ts';
