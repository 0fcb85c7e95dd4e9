import type { AnyObject } from '#api/kube';
import { ApiError, type PatchType } from '#lab/contract';
import { applyJsonPatch, applyMergePatch, applyStrategicMergePatch } from '#lab/patch';
import { asServed, type Core, type ObjectRef } from './core.ts';
import { checkType, create } from './create.ts';
import { badRequest } from './errors.ts';
import { applied, patchErrorsAsStatus } from './field-tracker.ts';
import { modify } from './modify.ts';
import type { Resource, WriteRequest } from './resource.ts';

/** A patch request behind decoding. */
export interface PatchInput {
  readonly type: PatchType;
  readonly body: unknown;
  readonly subresource?: string;
  /** Server-side apply: take fields from other managers. */
  readonly force?: boolean;
}

/** The patch verb. Server-side apply creates what is absent. */
export async function patch(
  core: Core,
  resource: Resource,
  ref: ObjectRef,
  input: PatchInput,
  request: WriteRequest,
): Promise<{ object: AnyObject; created: boolean }> {
  if (input.type === 'strategic' && resource.custom)
    throw ApiError.of(
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, ' +
        'application/merge-patch+json, application/apply-patch+yaml',
    );
  if (input.type === 'apply') return apply(core, resource, ref, input, request);
  const compute = (current: AnyObject): AnyObject => checked(resource, ref, changed(resource, current, input));
  const options = { kind: 'PatchOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: request.fieldManager };
  const change = { subresource: input.subresource, compute, options };
  return { object: await modify(core, resource, ref, change, request), created: false };
}

/** The object with the patch put in; not yet defaulted or checked. */
export function changed(resource: Resource, current: AnyObject, { type, body }: PatchInput): AnyObject {
  return patchErrorsAsStatus(() => {
    if (type === 'json') return applyJsonPatch(current, body);
    if (type === 'strategic') return applyStrategicMergePatch(current, body, resource.shape.schema);
    return applyMergePatch(current, body);
  }) as AnyObject;
}

async function apply(
  core: Core,
  resource: Resource,
  ref: ObjectRef,
  input: PatchInput,
  request: WriteRequest,
): Promise<{ object: AnyObject; created: boolean }> {
  const configuration = named(resource, ref, input.body);
  const change = {
    resource,
    manager: request.fieldManager,
    subresource: input.subresource,
    force: input.force ?? false,
  };
  const stored = core.store.get(resource.storage, ref);
  if (!stored && !input.subresource) {
    // "0" means: only if it does not exist yet. Linkerd's policy controller makes its Lease this way.
    if (configuration.metadata.resourceVersion === '0') delete configuration.metadata.resourceVersion;
    const { object } = applied(undefined, configuration, { ...change, nowMs: core.nowMs() });
    const made = await create(core, resource, ref.namespace, object, request, { tracksItself: true });
    return { object: made, created: true };
  }
  if (stored && configuration.metadata.resourceVersion === '0')
    throw ApiError.of(
      'Conflict',
      `${resource.gvr.resource} "${ref.name}" already exists; resourceVersion 0 asks for its absence`,
    );
  const compute = (current: AnyObject): AnyObject => {
    const { object } = applied(current, configuration, { ...change, nowMs: core.nowMs() });
    return checked(resource, ref, object);
  };
  const options = {
    kind: 'PatchOptions',
    apiVersion: 'meta.k8s.io/v1',
    fieldManager: request.fieldManager,
    force: change.force,
  };
  const object = await modify(
    core,
    resource,
    ref,
    { subresource: input.subresource, compute, options, tracksItself: true },
    request,
  );
  return { object, created: false };
}

/** A copy of the applied configuration that carries the name and namespace of the request. */
function named(resource: Resource, ref: ObjectRef, body: unknown): AnyObject {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badRequest('error decoding YAML: not an object');
  const configuration = { ...(body as AnyObject) };
  configuration.metadata = { ...configuration.metadata, name: configuration.metadata?.name ?? ref.name };
  if (resource.namespaced) configuration.metadata.namespace ??= ref.namespace ?? '';
  return checked(resource, ref, configuration);
}

function checked(resource: Resource, ref: ObjectRef, object: AnyObject): AnyObject {
  if (typeof object.metadata !== 'object' || object.metadata === null) throw badRequest('metadata must be an object');
  checkType(resource, object);
  if (object.metadata.name !== ref.name)
    throw badRequest(
      `the name of the object (${object.metadata.name ?? ''}) does not match the name on the URL (${ref.name})`,
    );
  if (resource.namespaced && object.metadata.namespace !== ref.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  return object;
}

/** The present object in the served version; for handlers that compute on it. */
export function present(core: Core, resource: Resource, ref: ObjectRef): AnyObject | undefined {
  const stored = core.store.get(resource.storage, ref);
  return stored && asServed(resource, stored.object);
}
