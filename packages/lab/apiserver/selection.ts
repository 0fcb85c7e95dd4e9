import type { AnyObject } from '#api/kube';
import { matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector } from '#lab/selectors';
import { badRequest } from './errors.ts';
import type { Resource } from './resource.ts';

/** Which objects of a resource a list, watch or deletecollection means. */
export interface Selection {
  readonly namespace: string | undefined;
  matches(object: AnyObject): boolean;
  /** True when `matches` holds for every object of the namespace. */
  readonly unfiltered: boolean;
}

export interface SelectionInput {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** From a path that names the object: as `metadata.name=…`. */
  readonly name?: string | undefined;
}

/** Parses both selectors against the resource's field labels. @throws ApiError 400 */
export function selectionOf(resource: Resource, input: SelectionInput): Selection {
  const labels = parsed(() => parseLabelSelector(input.labelSelector ?? ''), 'labelSelector');
  const fields = parsed(() => parseFieldSelector(input.fieldSelector ?? ''), 'fieldSelector');
  for (const { field } of fields)
    if (!resource.fields.has(field)) throw badRequest(`field label not supported: ${field}`);
  if (input.name) fields.push({ field: 'metadata.name', value: input.name, not: false });
  return {
    namespace: resource.namespaced ? input.namespace : undefined,
    unfiltered: labels.length === 0 && fields.length === 0,
    matches: (object) =>
      matchesLabels(labels, object.metadata.labels) &&
      matchesFields(fields, (field) => resource.fields.get(field)?.(object)),
  };
}

/** The name that a field selector pins, e.g. of `metadata.name=x`; it counts as the request's resource name in RBAC. */
export function pinnedName(fieldSelector: string | undefined): string | undefined {
  if (!fieldSelector) return undefined;
  try {
    return parseFieldSelector(fieldSelector).find(({ field, not }) => field === 'metadata.name' && !not)?.value;
  } catch {
    // A selector that does not parse pins nothing here; the verb itself answers 400 for it.
    return undefined;
  }
}

function parsed<T>(parse: () => T[], parameter: string): T[] {
  try {
    return parse();
  } catch (error) {
    throw badRequest(`unable to parse ${parameter}: ${(error as Error).message}`);
  }
}
