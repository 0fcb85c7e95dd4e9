import type { AdmissionView } from '#lab/admission-policy';
import type { AdmissionReviewInput } from '#lab/apiserver';
import type { Store } from '#lab/store';
import { reviewOf } from './webhook.ts';

/** A request as CEL expressions see it, in policies and in match conditions. */
export function viewOf(store: Store, input: AdmissionReviewInput): AdmissionView {
  const { request } = reviewOf(input, '') as { request: Record<string, unknown> };
  const { object, oldObject, ...rest } = request;
  const { namespace } = input;
  return {
    object: (object ?? undefined) as AdmissionView['object'],
    oldObject: (oldObject ?? undefined) as AdmissionView['oldObject'],
    request: rest,
    namespaceObject: namespace ? store.get('/namespaces', { name: namespace })?.object : undefined,
  };
}
