import type { AnyObject } from '#api/kube';
import { ApiError } from '#lab/contract';
import { apiVersionOf } from '#lab/kinds';
import { keepOwnerTimes, type OwnershipOptions, PatchError, serverSideApply, trackUpdate } from '#lab/patch';
import { timestamp } from './object-meta.ts';
import type { Resource } from './resource.ts';

/** Whose change it is, for `metadata.managedFields`. */
export interface FieldChange {
  readonly resource: Resource;
  readonly manager: string;
  readonly subresource?: string | undefined;
  readonly nowMs: number;
}

/**
 * `next` with its managedFields brought up to date after a create, update or plain patch. Called before admission, so that
 * what webhooks and strategies set stays unowned, as upstream.
 */
export function tracked(old: AnyObject | undefined, next: AnyObject, change: FieldChange): AnyObject {
  const apiVersion = apiVersionOf(change.resource.gvr);
  const updated = trackUpdate(old, next, { ...ownership(change), apiVersion });
  return old ? keepOwnerTimes(old, updated) : updated;
}

/** Server-side apply of `configuration` over the live object (absent: makes it). @throws ApiError, e.g. 409 on conflicts */
export function applied(
  live: AnyObject | undefined,
  configuration: AnyObject,
  change: FieldChange & { readonly force: boolean },
): { object: AnyObject; changed: boolean } {
  const { group, version } = change.resource.gvr;
  const gvk = { group, version, kind: change.resource.kind };
  return patchErrorsAsStatus(() =>
    serverSideApply(live, configuration, { ...ownership(change), gvk, force: change.force }),
  );
}

/** Runs a function of lab/patch and turns its faults into the server's. */
export function patchErrorsAsStatus<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof PatchError ? new ApiError(error.status) : error;
  }
}

function ownership({ resource, manager, subresource, nowMs }: FieldChange): OwnershipOptions {
  return {
    schema: resource.shape.schema,
    manager,
    nowIso: timestamp(nowMs),
    ...(subresource && { subresource }),
    ...(!resource.subresources.has('status') && { resetFields: [] }),
  };
}
