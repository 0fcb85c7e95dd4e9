/**
 * gRPC status codes as a table, and how other failures map to them (gRPC's documents statuscodes, http-grpc-status-mapping and
 * PROTOCOL-HTTP2, section Errors).
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

const NAMES = Object.keys(CODES) as GrpcCode[];

/** The number in a `grpc-status` header value; -1 for a value that is no status. */
export function grpcStatusOf(value: string): number {
  if (value.length === 0 || value.length > 2) return -1;
  let status = 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  return status < NAMES.length ? status : -1;
}

/** The code of a `grpc-status` header value. Values outside the table are UNKNOWN, as gRPC asks. */
export function codeOf(value: string): GrpcCode {
  return NAMES[grpcStatusOf(value)] ?? 'UNKNOWN';
}

const HTTP_STATUSES: Readonly<Record<number, GrpcCode>> = {
  400: 'INTERNAL',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'UNIMPLEMENTED',
  429: 'UNAVAILABLE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
};

/** The code for an answer that is not gRPC, from its HTTP status. */
export function codeOfHttpStatus(status: number): GrpcCode {
  return HTTP_STATUSES[status] ?? 'UNKNOWN';
}

const RESETS: Readonly<Record<number, GrpcCode>> = {
  7: 'UNAVAILABLE',
  8: 'CANCELLED',
  11: 'RESOURCE_EXHAUSTED',
  12: 'PERMISSION_DENIED',
};

/** The code for a stream that its peer reset, from the HTTP/2 error code. */
export function codeOfReset(rstCode: number): GrpcCode {
  return RESETS[rstCode] ?? 'INTERNAL';
}
