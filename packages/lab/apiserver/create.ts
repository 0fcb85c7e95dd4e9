import type { AnyObject } from '#api/kube';
import { ApiError } from '#lab/contract';
import { strictFault } from '#lab/decode';
import { apiVersionOf } from '#lab/kinds';
import { KeyExistsError } from '#lab/store';
import { asServed, asStored, type Core, newUid } from './core.ts';
import { alreadyExists, badRequest, invalid, notFound } from './errors.ts';
import { tracked } from './field-tracker.ts';
import { NAME_ATTEMPTS_MAX } from './limits.ts';
import { validateMeta } from './meta-validation.ts';
import { cloned, generatedName, inOrder, tidyMeta, timestamp } from './object-meta.ts';
import type { HookContext, Resource, WriteRequest } from './resource.ts';

/** The body in normal form; unknown and repeated fields are refused or warned of as the request asks. */
export function normalBody(resource: Resource, body: AnyObject, request: WriteRequest): AnyObject {
  const { object, unknownFields } = resource.shape.normalize(body);
  const { fieldValidation = 'Ignore', duplicates = [] } = request;
  if (fieldValidation === 'Ignore') return object;
  const faults = [...unknownFields.map((path) => `unknown field "${path}"`), ...duplicates];
  if (faults.length === 0) return object;
  if (fieldValidation === 'Strict') throw new ApiError(strictFault(body, resource.kind, faults).status);
  for (const fault of faults) request.warn(fault);
  return object;
}

const FAILURE = { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Failure' } as const;

/** Checks that a body is of the resource's kind and version, and fills both where it left them out. */
export function checkType(resource: Resource, object: AnyObject): void {
  const expected = apiVersionOf(resource.gvr);
  object.apiVersion ??= expected;
  object.kind ??= resource.kind;
  if (object.kind !== resource.kind)
    throw badRequest(
      `${object.kind} in version ${JSON.stringify(object.apiVersion)} cannot be handled as a ${resource.kind}: ` +
        `no kind "${object.kind}" is registered for version "${expected}"`,
    );
  if (object.apiVersion !== expected)
    throw badRequest(
      `the API version in the data (${object.apiVersion}) does not match the expected API version (${expected})`,
    );
}

/** Checks the body's namespace against the request's, and fills it. */
export function checkNamespace(resource: Resource, object: AnyObject, namespace: string | undefined): void {
  if (!resource.namespaced) {
    if (object.metadata.namespace) delete object.metadata.namespace;
    return;
  }
  object.metadata.namespace ||= namespace ?? '';
  if (object.metadata.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

/** A changeable copy of a body with `metadata` in place. */
export function ownedBody(body: AnyObject): AnyObject {
  const object = cloned(body);
  object.metadata = object.metadata ?? {};
  return object;
}

/** The create verb behind decoding: default, admit, prepare, validate, store. Returns the created object. */
export async function create(
  core: Core,
  resource: Resource,
  namespace: string | undefined,
  body: AnyObject,
  request: WriteRequest,
  { tracksItself = false }: { tracksItself?: boolean } = {},
): Promise<AnyObject> {
  let object = ownedBody(body);
  checkType(resource, object);
  checkNamespace(resource, object, namespace);
  if (object.metadata.resourceVersion)
    throw new ApiError({
      ...FAILURE,
      message: 'resourceVersion should not be set on objects to be created',
      code: 500,
    });
  if (!tracksItself) delete object.metadata.managedFields;
  object = normalBody(resource, object, request);
  const nowMs = core.nowMs();
  if (!tracksItself) object = tracked(undefined, object, { resource, manager: request.fieldManager, nowMs });
  const options = { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: request.fieldManager };
  const attributes = { operation: 'CREATE' as const, resource, namespace, old: undefined, request, options };
  object = (await core.admission.mutate({ ...attributes, name: object.metadata.name ?? '', object }))!;
  return abandonable(request, nowMs, async (context) => {
    initMeta(core, resource, object, nowMs);
    if (resource.strategy.initialStatus) object['status'] = resource.strategy.initialStatus(object);
    else if (resource.custom && resource.subresources.has('status')) delete object['status'];
    resource.strategy.prepareCreate?.(object, context);
    object.metadata = tidyMeta(object.metadata);
    validate(resource, object, undefined);
    await core.admission.validate({ ...attributes, name: object.metadata.name ?? '', object });
    if (!request.dryRun) return insert(core, resource, object);
    if (core.store.get(resource.storage, keyOf(object))) throw alreadyExists(resource.gvr, object.metadata.name ?? '');
    return inOrder(object);
  });
}

/** Runs a write whose hooks may take addresses and the like; they are given back when it fails or was a dry run. */
export async function abandonable<T>(
  request: WriteRequest,
  nowMs: number,
  write: (context: HookContext) => Promise<T>,
): Promise<T> {
  const undos: (() => void)[] = [];
  let kept = false;
  try {
    const result = await write({ ...request, nowMs, onAbandon: (undo) => void undos.push(undo) });
    kept = !request.dryRun;
    return result;
  } finally {
    if (!kept) for (const undo of undos.reverse()) undo();
  }
}

/** Kind and strategy findings as one 422; a sound object gets what the server says of it. */
export function validate(resource: Resource, object: AnyObject, old: AnyObject | undefined): void {
  const causes = [
    ...validateMeta(resource, object, old),
    ...resource.shape.validate(object, old),
    ...(resource.strategy.validate?.(object, old) ?? []),
  ];
  if (causes.length > 0) throw invalid(resource.gvr.group, resource.kind, object.metadata.name ?? '', causes);
  resource.strategy.afterValidation?.(object, old);
}

export const keyOf = ({ metadata }: AnyObject): { namespace?: string | undefined; name: string } => ({
  namespace: metadata.namespace,
  name: metadata.name ?? '',
});

function insert(core: Core, resource: Resource, object: AnyObject): AnyObject {
  try {
    const stored = core.store.create(resource.storage, keyOf(object), asStored(resource, inOrder(object)));
    resource.strategy.written?.(stored.object, undefined);
    return asServed(resource, stored.object);
  } catch (error) {
    if (error instanceof KeyExistsError) throw alreadyExists(resource.gvr, object.metadata.name ?? '');
    throw error;
  }
}

function initMeta(core: Core, resource: Resource, object: AnyObject, nowMs: number): void {
  const { metadata } = object;
  if (!metadata.name && metadata.generateName) metadata.name = freeName(core, resource, object, metadata.generateName);
  metadata.uid = newUid();
  metadata.creationTimestamp = timestamp(nowMs);
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  if (resource.generation) metadata.generation = 1;
  else delete metadata.generation;
}

function freeName(core: Core, resource: Resource, object: AnyObject, base: string): string {
  for (let attempt = 0; attempt < NAME_ATTEMPTS_MAX; attempt++) {
    const name = generatedName(base, core.random);
    if (!core.store.get(resource.storage, { namespace: object.metadata.namespace, name })) return name;
  }
  throw alreadyExists(resource.gvr, base);
}

/** The namespace of a namespaced create must exist; cluster-scoped resources have none. */
export function assertNamespaceExists(core: Core, namespace: string): AnyObject {
  const stored = core.store.get('/namespaces', { name: namespace });
  if (!stored) throw notFound({ group: '', resource: 'namespaces' }, namespace);
  return stored.object;
}
