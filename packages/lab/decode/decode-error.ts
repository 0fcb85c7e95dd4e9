import type { Status } from '#api/kube';

/** A body that cannot be read. `message` is the decoder's text alone; {@link badRequest} wraps it as the API server does. */
export class DecodeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DecodeError';
  }
}

/** A 400 answer with this message. */
export function badRequest(message: string): Status {
  return {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'BadRequest',
    code: 400,
  };
}

/**
 * The message for a body whose kind is known:
 * `ConfigMap in version "v1" cannot be handled as a ConfigMap: <cause>`.
 */
export function cannotHandle(gvk: { version: string; kind: string }, expectedKind: string, cause: string): string {
  return `${gvk.kind} in version ${JSON.stringify(gvk.version)} cannot be handled as a ${expectedKind}: ${cause}`;
}

const SUMMARY_BYTES = 30;

/** The message for a body whose kind could not be read, with its first bytes (as text where it looks like JSON, else hex). */
export function unrecognized(body: Uint8Array, expectedKind: string, cause: string): string {
  const head = Buffer.from(body.subarray(0, SUMMARY_BYTES));
  const shown = body[0] === 0x7b ? head.toString('utf8') : head.toString('hex');
  const summary = body.length === 0 ? '<empty>' : `${shown}${body.length > SUMMARY_BYTES ? ' ...' : ''}`;
  return `the object provided is unrecognized (must be of type ${expectedKind}): ${cause} (${summary})`;
}

/** `strict decoding error: unknown field "dta", duplicate field "data.a"`. */
export function strictDecodingError(faults: readonly string[]): string {
  return `strict decoding error: ${faults.join(', ')}`;
}
