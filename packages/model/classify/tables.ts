/** Statuses of gRPC by their names (grpc.github.io, status codes). */
export const GRPC = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** A set of gRPC statuses, one bit each. */
const bits = (...codes: readonly number[]): number => codes.reduce((set, code) => set | (1 << code), 0);

const FAILURES = bits(
  GRPC.unknown,
  GRPC.deadlineExceeded,
  GRPC.permissionDenied,
  GRPC.internal,
  GRPC.unavailable,
  GRPC.dataLoss,
);

const PENALIZED = bits(
  GRPC.resourceExhausted,
  GRPC.unavailable,
  GRPC.unknown,
  GRPC.deadlineExceeded,
  GRPC.internal,
  GRPC.dataLoss,
);

const has = (set: number, code: number): boolean => code >= 0 && code < 32 && (set & (1 << code)) !== 0;

/** Requests of gRPC say so: `application/grpc`, `application/grpc+proto`, `application/grpc-web`. */
export function isGrpcContent(contentType: string | undefined): boolean {
  return contentType?.startsWith('application/grpc') ?? false;
}

/**
 * Whether a completed response is a failure of the server. `grpcStatus`: -1 when none came; `grpc`: the request was gRPC, where a
 * missing status means UNKNOWN and the HTTP status says nothing. Source: Linkerd proxy, default classifier.
 */
export function isFailure(status: number, grpcStatus: number, grpc: boolean): boolean {
  if (!grpc) return status >= 500;
  return has(FAILURES, grpcStatus < 0 ? GRPC.unknown : grpcStatus);
}

/** The server is asked for more than it has: lowers a success ratio, but is no sign of a broken endpoint. */
export function isOverload(status: number, grpcStatus: number): boolean {
  return status === 429 || grpcStatus === GRPC.resourceExhausted;
}

/** What an endpoint's load is raised for where failures are penalised; `grpcStatus` of a response without body, else -1. */
export function isPenalized(status: number, grpcStatus: number): boolean {
  return status === 429 || status >= 500 || has(PENALIZED, grpcStatus);
}
