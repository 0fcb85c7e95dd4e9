import type { AnyObject, ObjectMeta } from '#api/kube';
import { RevisionConflictError, type StoredObject } from '#lab/store';
import { asServed, asStored, type Core, type ObjectRef } from './core.ts';
import { abandonable, checkType, create, keyOf, normalBody, ownedBody, validate } from './create.ts';
import { badRequest, cause, conflict, invalid, notFound } from './errors.ts';
import { tracked } from './field-tracker.ts';
import { WRITE_ATTEMPTS_MAX } from './limits.ts';
import { inOrder, sameJson, tidyMeta } from './object-meta.ts';
import type { HookContext, Resource, WriteRequest } from './resource.ts';

/** How a write makes the new object out of the present one. */
export interface Change {
  readonly subresource?: string | undefined;
  /** Gets a frozen snapshot, returns a new object. */
  compute(current: AnyObject): AnyObject | Promise<AnyObject>;
  /** `managedFields` were set by `compute` (server-side apply). */
  readonly tracksItself?: boolean;
  /** The verb's options as webhooks see them. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** The update verb (PUT): the body replaces the object, or the part that a subresource covers. */
export async function update(
  core: Core,
  resource: Resource,
  ref: ObjectRef,
  body: AnyObject,
  request: WriteRequest,
  subresource?: string,
): Promise<AnyObject> {
  const object = ownedBody(body);
  checkType(resource, object);
  if (resource.namespaced) object.metadata.namespace ||= ref.namespace ?? '';
  else delete object.metadata.namespace;
  if (object.metadata.name !== ref.name)
    throw badRequest(
      `the name of the object (${object.metadata.name ?? ''}) does not match the name on the URL (${ref.name})`,
    );
  if (resource.namespaced && object.metadata.namespace !== ref.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (resource.strategy.createOnUpdate && !subresource && !core.store.get(resource.storage, ref))
    return create(core, resource, ref.namespace, object, request);
  if (!hasRevision(object.metadata) && !allowsUnconditional(resource))
    throw invalid(resource.gvr.group, resource.kind, ref.name, [
      {
        reason: 'FieldValueInvalid',
        message: 'Invalid value: 0x0: must be specified for an update',
        field: 'metadata.resourceVersion',
      },
    ]);
  return modify(core, resource, ref, { subresource, compute: () => object }, request);
}

/**
 * Any change of an existing object. Repeats on races: what was computed from the present object is computed anew, and a revision
 * that the client named no longer fits then and is refused.
 */
export async function modify(
  core: Core,
  resource: Resource,
  ref: ObjectRef,
  change: Change,
  request: WriteRequest,
): Promise<AnyObject> {
  for (let attempt = 1; ; attempt++) {
    const stored = core.store.get(resource.storage, ref);
    if (!stored) throw notFound(resource.gvr, ref.name);
    try {
      return await attemptChange(core, resource, stored, change, request);
    } catch (error) {
      if (!(error instanceof RevisionConflictError)) throw error;
      if (attempt === WRITE_ATTEMPTS_MAX) throw conflict(resource.gvr, ref.name);
    }
  }
}

async function attemptChange(
  core: Core,
  resource: Resource,
  stored: StoredObject,
  change: Change,
  request: WriteRequest,
): Promise<AnyObject> {
  const old = asServed(resource, stored.object);
  const computed = await change.compute(old);
  assertPreconditions(resource, computed.metadata, old.metadata);
  return abandonable(request, core.nowMs(), async (context) => {
    const next = await admitted(core, resource, old, computed, change, context);
    return request.dryRun ? inOrder(next) : store(core, resource, stored, old, next);
  });
}

/** The new object behind preparation, admission and validation: ready to be stored. */
async function admitted(
  core: Core,
  resource: Resource,
  old: AnyObject,
  computed: AnyObject,
  change: Change,
  context: HookContext,
): Promise<AnyObject> {
  const { subresource } = change;
  const manager = context.fieldManager;
  let next = scopedNormal(resource, computed, old, subresource, context);
  if (!change.tracksItself) next = tracked(old, next, { resource, manager, subresource, nowMs: context.nowMs });
  const options = change.options ?? { kind: 'UpdateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: manager };
  const review = {
    operation: 'UPDATE' as const,
    resource,
    subresource,
    ...keyOf(old),
    namespace: old.metadata.namespace,
    old,
    request: context,
    options,
  };
  const mutated = (await core.admission.mutate({ ...review, object: next }))!;
  if (mutated !== next)
    next = scopedNormal(resource, mutated, old, subresource, { ...context, fieldValidation: 'Ignore' });
  if (subresource === 'status') resource.strategy.prepareStatus?.(next, old, context);
  else if (!subresource) resource.strategy.prepareUpdate?.(next, old, context);
  countGeneration(resource, next, old);
  next.metadata = tidyMeta(next.metadata);
  validate(resource, next, old);
  await core.admission.validate({ ...review, object: next });
  return next;
}

function store(core: Core, resource: Resource, stored: StoredObject, old: AnyObject, next: AnyObject): AnyObject {
  const { storage, strategy } = resource;
  const current = core.store.get(storage, keyOf(old));
  if (current !== stored) throw new RevisionConflictError(current);
  if (isFinished(next)) {
    const gone = core.store.delete(storage, keyOf(old), stored.revision);
    strategy.released?.(gone.object);
    return inOrder({ ...next, metadata: { ...next.metadata, resourceVersion: String(gone.revision) } });
  }
  // A write that changes nothing keeps the revision and reaches no watch.
  if (sameJson(withoutRevision(next), withoutRevision(old))) return old;
  const written = core.store.update(storage, keyOf(old), asStored(resource, inOrder(next)), stored.revision);
  strategy.written?.(written.object, stored.object);
  return asServed(resource, written.object);
}

/** True once nothing holds a deleted object back: no finalizer, no grace period, no namespace content. */
export function isFinished({ metadata, kind, spec }: AnyObject): boolean {
  if (!metadata.deletionTimestamp || (metadata.finalizers?.length ?? 0) > 0) return false;
  if (kind === 'Namespace') return ((spec as { finalizers?: string[] } | undefined)?.finalizers?.length ?? 0) === 0;
  return (metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

const hasRevision = ({ resourceVersion }: ObjectMeta): boolean => !!resourceVersion && resourceVersion !== '0';

const allowsUnconditional = ({ strategy, custom }: Resource): boolean => strategy.unconditionalUpdate ?? !custom;

const withoutRevision = (object: AnyObject): unknown => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: undefined },
});

/** Checks uid and revision that the new object claims; true when it names a revision. */
function assertPreconditions(resource: Resource, meta: ObjectMeta, old: ObjectMeta): void {
  const name = old.name ?? '';
  if (meta.uid && meta.uid !== old.uid)
    throw conflict(
      resource.gvr,
      name,
      `Precondition failed: UID in precondition: ${meta.uid}, UID in object meta: ${old.uid}`,
    );
  if (!hasRevision(meta)) return;
  if (!/^[1-9]\d*$/.test(meta.resourceVersion!))
    throw invalid(resource.gvr.group, resource.kind, name, [
      cause.invalid('metadata.resourceVersion', meta.resourceVersion, 'must be a decimal number'),
    ]);
  if (meta.resourceVersion !== old.resourceVersion) throw conflict(resource.gvr, name);
}

/** The part of the change that the endpoint covers, in normal form, with what only the server sets. */
function scopedNormal(
  resource: Resource,
  next: AnyObject,
  old: AnyObject,
  subresource: string | undefined,
  request: WriteRequest,
): AnyObject {
  const object = normalBody(resource, ownedBody(scoped(resource, next, old, subresource)), request);
  object.metadata = { ...object.metadata, ...serverMeta(old.metadata) };
  return object;
}

/** What a client cannot change: taken from the present object. Undefined ones are dropped later by tidyMeta. */
function serverMeta(old: ObjectMeta): Record<string, unknown> {
  const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, resourceVersion } = old;
  return {
    uid,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generation,
    resourceVersion,
    selfLink: undefined,
  };
}

/** Main endpoint: all but status. `/status`: status (and metadata for built-in kinds). Others by {@link SCOPES}. */
function scoped(resource: Resource, next: AnyObject, old: AnyObject, subresource: string | undefined): AnyObject {
  if (subresource === 'status') {
    const { managedFields } = next.metadata;
    const kept = withField(old, 'status', next['status']);
    kept.metadata = { ...(resource.custom ? old.metadata : next.metadata) };
    if (managedFields) kept.metadata.managedFields = managedFields;
    return kept;
  }
  if (subresource) return SCOPES[subresource]?.(next, old) ?? next;
  return resource.subresources.has('status') ? withField(next, 'status', old['status']) : next;
}

/** What of an object a subresource may change; subresources that are not here change what their handler computed. */
const SCOPES: Readonly<Record<string, (next: AnyObject, old: AnyObject) => AnyObject>> = {
  finalize: (next, old) => withField(old, 'spec', next['spec']),
  approval: (next, old) => withField(old, 'status', next['status']),
  resize: (next, old) => withField(old, 'spec', next['spec']),
  ephemeralcontainers: (next, old) => {
    const { ephemeralContainers } = (next['spec'] ?? {}) as { ephemeralContainers?: unknown };
    return withField(old, 'spec', { ...(old['spec'] as object), ephemeralContainers });
  },
};

function withField(object: AnyObject, field: string, value: unknown): AnyObject {
  const copy: AnyObject = { ...object };
  if (value === undefined) delete copy[field];
  else copy[field] = value;
  return copy;
}

function countGeneration(resource: Resource, next: AnyObject, old: AnyObject): void {
  if (!resource.generation) return;
  const before = old.metadata.generation ?? 1;
  next.metadata.generation = sameJson(desired(next), desired(old)) ? before : before + 1;
}

const desired = ({ apiVersion: _v, kind: _k, metadata: _m, status: _s, ...rest }: AnyObject): unknown => rest;
