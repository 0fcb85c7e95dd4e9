/** The version of an object that a hook or policy sees: rules mean a resource in whatever version a request comes. */
import type { AnyObject, Gvr } from '#api/kube';
import type { AdmissionReviewInput, Resource } from '#lab/apiserver';

/**
 * The request's own version where it is meant, else (unless exact matches are wanted) another version of the same objects that
 * is; undefined where none is.
 */
export function versionFor(
  input: AdmissionReviewInput,
  matchPolicy: string | undefined,
  versionsOf: (resource: Resource) => readonly Resource[],
  means: (gvr: Gvr) => boolean,
): Resource | undefined {
  if (means(input.resource.gvr)) return input.resource;
  return matchPolicy === 'Exact' ? undefined : versionsOf(input.resource).find(({ gvr }) => means(gvr));
}

/** The object in another version of its resource. */
export function converted(object: AnyObject, from: Resource, to: Resource): AnyObject {
  if (from === to) return object;
  const stored = from.conversion ? from.conversion.toStored(object) : object;
  return to.conversion ? to.conversion.fromStored(stored) : stored;
}

/** The request as if it had come in another version; it still tells in which one it did. */
export function inVersion(input: AdmissionReviewInput, as: Resource): AdmissionReviewInput {
  const { resource, object, old } = input;
  if (resource === as) return input;
  return {
    ...input,
    resource: as,
    requested: input.requested ?? resource,
    object: object && converted(object, resource, as),
    old: old && converted(old, resource, as),
  };
}
