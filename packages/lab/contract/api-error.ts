import type { Status, StatusCause } from '#api/kube';

/** The reasons a caller inside the process tells apart, with the HTTP code each travels under (kubernetes.md 1.3). */
export const STATUS_CODES = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  Conflict: 409,
  AlreadyExists: 409,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const satisfies Record<string, number>;

export type StatusReason = keyof typeof STATUS_CODES;

/** What every call of `ClusterClient` rejects with: the `Status` object that the same request gets over HTTPS. */
export class ApiError extends Error {
  readonly status: Status;

  constructor(status: Status) {
    super(status.message ?? status.reason ?? 'unknown failure');
    this.name = 'ApiError';
    this.status = status;
  }

  /** HTTP status code, e.g. 404. */
  get code(): number {
    return this.status.code ?? 500;
  }

  /** E.g. `NotFound`; empty when the server gave none. */
  get reason(): string {
    return this.status.reason ?? '';
  }

  /** Builds the error of one reason; the code follows from {@link STATUS_CODES}. */
  static of(reason: StatusReason, message: string, details?: Status['details']): ApiError {
    return new ApiError({
      apiVersion: 'v1',
      kind: 'Status',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      ...(details && { details }),
      code: STATUS_CODES[reason],
    });
  }
}

/** True for an {@link ApiError} with one of the given reasons. */
export function hasReason(error: unknown, ...reasons: readonly StatusReason[]): error is ApiError {
  return error instanceof ApiError && (reasons as readonly string[]).includes(error.reason);
}

/** True for an {@link ApiError} that carries a cause with this reason, e.g. `NamespaceTerminating`. */
export function hasCause(error: unknown, reason: string): boolean {
  const causes: readonly StatusCause[] = error instanceof ApiError ? (error.status.details?.causes ?? []) : [];
  return causes.some((cause) => cause.reason === reason);
}
