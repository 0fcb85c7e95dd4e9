import type { Gvr, Status } from '#api/kube';
import { ApiError } from '#lab/contract';
import type { FieldCause } from '#lab/schema';

export { cause, type FieldCause } from '#lab/schema';

/** `pods` or `deployments.apps`. */
export function qualifiedResource({ group, resource }: Pick<Gvr, 'group' | 'resource'>): string {
  return group === '' ? resource : `${resource}.${group}`;
}

const detailsOf = (gvr: Pick<Gvr, 'group' | 'resource'>, name: string): NonNullable<Status['details']> => ({
  ...(name && { name }),
  ...(gvr.group && { group: gvr.group }),
  kind: gvr.resource,
});

/** `pods "x" not found`. */
export function notFound(gvr: Pick<Gvr, 'group' | 'resource'>, name: string): ApiError {
  return ApiError.of('NotFound', `${qualifiedResource(gvr)} "${name}" not found`, detailsOf(gvr, name));
}

/** The answer to a path whose resource or subresource is not served. */
export function unknownResource(): ApiError {
  return ApiError.of('NotFound', 'the server could not find the requested resource', {});
}

/** `configmaps "a" already exists`. */
export function alreadyExists(gvr: Gvr, name: string): ApiError {
  return ApiError.of('AlreadyExists', `${qualifiedResource(gvr)} "${name}" already exists`, detailsOf(gvr, name));
}

export const STALE = 'the object has been modified; please apply your changes to the latest version and try again';

/** `Operation cannot be fulfilled on configmaps "a": …`. */
export function conflict(gvr: Gvr, name: string, why: string = STALE): ApiError {
  return ApiError.of(
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedResource(gvr)} "${name}": ${why}`,
    detailsOf(gvr, name),
  );
}

export function badRequest(message: string): ApiError {
  return ApiError.of('BadRequest', message);
}

/** `Pod "x" is invalid: spec.containers: Required value`; several findings stand in brackets. */
export function invalid(group: string, kind: string, name: string, causes: readonly FieldCause[]): ApiError {
  const texts = causes.map(({ field, message }) => `${field}: ${message}`);
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const qualified = group === '' ? kind : `${kind}.${group}`;
  return ApiError.of('Invalid', `${qualified} "${name}" is invalid: ${list}`, {
    ...(name && { name }),
    ...(group && { group }),
    kind,
    causes: [...causes],
  });
}

/** `pods is forbidden: User "u" cannot list …` and everything else that admission or authorization refuses. */
export function forbidden(gvr: Pick<Gvr, 'group' | 'resource'>, name: string, why: string): ApiError {
  const subject = name ? `${qualifiedResource(gvr)} "${name}"` : qualifiedResource(gvr);
  return ApiError.of('Forbidden', `${subject} is forbidden: ${why}`, detailsOf(gvr, name));
}

export function methodNotAllowed(gvr: Gvr, verb: string): ApiError {
  return ApiError.of(
    'MethodNotAllowed',
    `${verb} is not supported on resources of kind "${qualifiedResource(gvr)}"`,
    detailsOf(gvr, ''),
  );
}

/** A list or watch from a revision that is no longer held. */
export function expired(message: string): ApiError {
  return ApiError.of('Expired', message);
}

/** A list or watch from a revision that was never reached. */
export function futureRevision(message: string): ApiError {
  const error = ApiError.of('Timeout', message, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
  return error;
}

export function internalError(message: string): ApiError {
  return ApiError.of('InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}
