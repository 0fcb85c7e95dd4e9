import type { GrpcCode } from '#wire/grpc';

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
    return new GrpcError('UNKNOWN', textOf(error), error);
  }
}

/** What an unknown thing that was thrown says. */
export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
