import type { Status, StatusCause } from '#api/kube';

/** Thrown by everything in this folder: the `Status` that the API server should answer with. */
export class PatchError extends Error {
  readonly status: Status;

  constructor(code: number, reason: string, message: string, causes?: readonly StatusCause[]) {
    super(message);
    this.name = 'PatchError';
    const details = causes ? { details: { causes: [...causes] } } : {};
    this.status = {
      apiVersion: 'v1',
      kind: 'Status',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      ...details,
      code,
    };
  }
}

/** 400: the patch itself cannot be read. */
export function badPatch(message: string): PatchError {
  return new PatchError(400, 'BadRequest', message);
}

/**
 * 422: the patch is well-formed but does not fit the object. Kubernetes hides the text in the first cause
 * (`NewGenericServerResponse`), and kubectl prints it from there.
 */
export function unprocessablePatch(text: string): PatchError {
  const message = 'the server rejected our request due to an error in our request';
  return new PatchError(422, 'Invalid', message, [{ reason: 'UnexpectedServerResponse', message: text }]);
}

/** 500: a failure that Kubernetes reports without a class of its own (typed conversion in server-side apply). */
export function internalPatchError(message: string): PatchError {
  return new PatchError(500, '', message);
}
