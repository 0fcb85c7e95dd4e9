import type { Status } from '#api/kube';

/** The API server said no: its `Status` with code (HTTP), reason (`NotFound`, `Conflict`, …) and message. */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly status: Status;

  constructor(status: Status) {
    super(status.message ?? status.reason ?? `HTTP ${status.code ?? 0}`);
    this.name = 'ApiError';
    this.code = status.code ?? 0;
    this.reason = status.reason ?? '';
    this.status = status;
  }

  /** From an HTTP answer: the body is a Status, or (proxies, unknown paths) plain text. */
  static fromResponse(code: number, body: string): ApiError {
    const parsed = parseStatus(body);
    if (parsed) return new ApiError({ ...parsed, code: parsed.code ?? code });
    const text = body.trim().slice(0, 512);
    return new ApiError(failure(code, REASONS[code] ?? 'Unknown', text || `the server answered HTTP ${code}`));
  }

  /** As the server would phrase it; used by the fake client. */
  static of(code: number, reason: string, message: string): ApiError {
    return new ApiError(failure(code, reason, message));
  }
}

/** What is wrong with an answer that no API server of good standing gives; each is a reason of conditions, events and metrics. */
export type AnswerFaultReason =
  | 'AnswerTooLarge'
  | 'EndlessList'
  | 'InvalidAnswer'
  | 'ObjectTooLarge'
  | 'TooManyEvents'
  | 'TooManyObjects'
  | 'TooMuchToKeep';

/** The API server sent what it must not, or more than it may: what was expected, and what was seen. */
export class AnswerFault extends Error {
  readonly reason: AnswerFaultReason;

  constructor(reason: AnswerFaultReason, message: string) {
    super(message);
    this.name = 'AnswerFault';
    this.reason = reason;
  }
}

/** The API server did not answer within the time that it has. */
export class NoAnswer extends Error {}

/** True for 404. */
export const isNotFound = (error: unknown): boolean => error instanceof ApiError && error.code === 404;
/** True for 409, both Conflict and AlreadyExists. */
export const isConflict = (error: unknown): boolean => error instanceof ApiError && error.code === 409;
/** True when a watch or list asked for a resource version that the server no longer has. */
export const isGone = (error: unknown): boolean => error instanceof ApiError && error.code === 410;

const REASONS: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};

function failure(code: number, reason: string, message: string): Status {
  return { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Failure', code, reason, message };
}

/** What a server says of a failure stands in conditions, events and logs: it is text, and not a book. */
const MESSAGE_CHARS_MAX = 2_048;

function readStatus({ code, reason, message, ...rest }: Record<string, unknown>): Status {
  return {
    ...rest,
    ...(typeof code === 'number' && { code }),
    ...(typeof reason === 'string' && { reason: reason.slice(0, MESSAGE_CHARS_MAX) }),
    ...(typeof message === 'string' && { message: message.slice(0, MESSAGE_CHARS_MAX) }),
  } as Status;
}

function parseStatus(body: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'Status')
      return readStatus(value as Record<string, unknown>);
  } catch {
    // Not JSON: the caller makes a Status of the text.
  }
  return undefined;
}

/** What is asked for; undefined where the server does not have it, or does not know such objects. */
export async function ifFound<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
