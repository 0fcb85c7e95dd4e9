/** Bounds of the HTTP/1 decoder. A message that passes one is refused, so that no peer can make a proxy hold more. */
export const LIMITS = {
  /** Start line and header block together; also a trailer section. Node allows 16 KiB, nginx 32 KiB, hyper about 400 KiB. */
  headBytesMax: 64 * 1024,
  /** Fields in one header block or trailer section; hyper's default is 100. */
  fieldCountMax: 128,
  /** Hex digits of one chunk size: 13 digits stay below 2^53. */
  chunkSizeDigitsMax: 13,
  /** Bytes of one chunk's extensions; nothing known uses them, attackers do. */
  chunkExtensionBytesMax: 1024,
  /** Decimal digits of a content-length: 15 digits stay below 2^53. */
  lengthDigitsMax: 15,
  /** Empty lines before a request line that are skipped (RFC 9112 section 2.2 asks for at least one). */
  emptyLinesMax: 2,
} as const;
