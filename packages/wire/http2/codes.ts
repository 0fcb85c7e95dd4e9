/** Numbers of RFC 9113: frame types (section 6), flags, settings (section 6.5.2) and error codes (section 7). */

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const FLAG = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** Why a stream or a connection ended. */
export const HTTP2_ERROR = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13,
} as const;

export type Http2ErrorName = keyof typeof HTTP2_ERROR;

const NAMES = Object.keys(HTTP2_ERROR) as Http2ErrorName[];

/** The name of an error code; unknown ones count as INTERNAL_ERROR (RFC 9113 section 7). */
export function http2ErrorName(code: number): Http2ErrorName {
  return NAMES[code] ?? 'INTERNAL_ERROR';
}

/** What a client sends first (RFC 9113 section 3.4). */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export const FRAME_HEADER_BYTES = 9;
/** Windows and frame sizes before the peer says otherwise, and their bounds (RFC 9113 sections 4.2, 6.5.2 and 6.9). */
export const WINDOW_DEFAULT = 65_535;
export const WINDOW_MAX = 2 ** 31 - 1;
export const FRAME_SIZE_DEFAULT = 16_384;
export const FRAME_SIZE_MAX = 2 ** 24 - 1;
export const STREAM_ID_MAX = 2 ** 31 - 1;
export const TABLE_SIZE_DEFAULT = 4096;

/** A number of four octets. */
export function uint32(buf: Uint8Array, at: number): number {
  return ((buf[at]! << 24) | (buf[at + 1]! << 16) | (buf[at + 2]! << 8) | buf[at + 3]!) >>> 0;
}

/** A number of four octets whose first bit is reserved. */
export function uint31(buf: Uint8Array, at: number): number {
  return uint32(buf, at) & 0x7fffffff;
}
