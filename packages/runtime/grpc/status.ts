/**
 * gRPC status codes as a table, the error that carries one, and how other failures map to them
 * (gRPC's documents statuscodes, http-grpc-status-mapping and PROTOCOL-HTTP2, section Errors).
 */

/** Every status code by name. */
export const CODES = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const satisfies Record<string, number>;

export type GrpcCode = keyof typeof CODES;

const NAMES = new Map<number, GrpcCode>(Object.entries(CODES).map(([name, code]) => [code, name as GrpcCode]));

/** How a call failed. `message` reaches the peer: no secrets in it. */
export class GrpcError extends Error {
  readonly code: GrpcCode;

  constructor(code: GrpcCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'GrpcError';
    this.code = code;
  }

  /** Any failure as a GrpcError; what is none becomes UNKNOWN, with its text. */
  static from(error: unknown): GrpcError {
    if (error instanceof GrpcError) return error;
    return new GrpcError('UNKNOWN', error instanceof Error ? error.message : String(error), error);
  }
}

/** The code of a `grpc-status` header value. Values outside the table are UNKNOWN, as gRPC asks. */
export function codeOf(status: string): GrpcCode {
  return (/^\d{1,2}$/.test(status) && NAMES.get(Number(status))) || 'UNKNOWN';
}

/** The code for an answer that is not gRPC, from its HTTP status. */
export function codeOfHttpStatus(status: number): GrpcCode {
  return HTTP_STATUSES[status] ?? 'UNKNOWN';
}
const HTTP_STATUSES: Record<number, GrpcCode> = {
  400: 'INTERNAL',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'UNIMPLEMENTED',
  429: 'UNAVAILABLE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
};

/** The code for a stream that its peer reset, from the HTTP/2 error code. */
export function codeOfReset(rstCode: number): GrpcCode {
  return RESETS[rstCode] ?? 'INTERNAL';
}
const RESETS: Record<number, GrpcCode> = {
  7: 'UNAVAILABLE',
  8: 'CANCELLED',
  11: 'RESOURCE_EXHAUSTED',
  12: 'PERMISSION_DENIED',
};

/** `grpc-message`: percent-encoded UTF-8 outside printable ASCII. */
export function encodeMessageText(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) =>
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
        : String.fromCharCode(byte),
    )
    .join('');
}

/** The text of a `grpc-message`; a malformed escape stays as it is. */
export function decodeMessageText(text: string): string {
  const bytes = text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
