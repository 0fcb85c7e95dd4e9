import type { AnyObject } from '#api/kube';
import { RevisionConflictError } from '#lab/store';
import { asServed, type Core, type ObjectRef } from './core.ts';
import { keyOf } from './create.ts';
import { conflict, notFound } from './errors.ts';
import { WRITE_ATTEMPTS_MAX } from './limits.ts';
import { isFinished } from './modify.ts';
import { cloned, sameJson, timestamp } from './object-meta.ts';
import type { HookContext, Resource, WriteRequest } from './resource.ts';

export type Propagation = 'Background' | 'Foreground' | 'Orphan';

/** Options of the delete verb (meta/v1 DeleteOptions). */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: Propagation;
  /** Old form: true is Orphan, false is Background. */
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** What became of a deleted object: `gone`, or held back by grace period or finalizers. */
export interface Deletion {
  readonly object: AnyObject;
  readonly gone: boolean;
}

const FINALIZERS: Readonly<Record<Propagation, string | undefined>> = {
  Background: undefined,
  Foreground: 'foregroundDeletion',
  Orphan: 'orphan',
};

/** The delete verb: removes the object, or marks it for whoever holds a finalizer or a grace period. */
export async function remove(
  core: Core,
  resource: Resource,
  ref: ObjectRef,
  options: DeleteOptions,
  request: WriteRequest,
): Promise<Deletion> {
  for (let attempt = 1; ; attempt++) {
    const stored = core.store.get(resource.storage, ref);
    if (!stored) throw notFound(resource.gvr, ref.name);
    const old = asServed(resource, stored.object);
    assertPreconditions(resource, old, options);
    const review = {
      operation: 'DELETE' as const,
      resource,
      namespace: ref.namespace,
      name: ref.name,
      object: undefined,
      old,
      request,
      options: { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...options },
    };
    await core.admission.mutate(review);
    await core.admission.validate(review);
    if (core.store.get(resource.storage, ref) === stored) {
      try {
        return removeNow(core, resource, stored.object, stored.revision, options, request);
      } catch (error) {
        if (!(error instanceof RevisionConflictError)) throw error;
      }
    }
    if (attempt === WRITE_ATTEMPTS_MAX) throw conflict(resource.gvr, ref.name);
  }
}

function removeNow(
  core: Core,
  resource: Resource,
  old: AnyObject,
  revision: number,
  options: DeleteOptions,
  request: WriteRequest,
): Deletion {
  // A deletion takes nothing that would have to be given back.
  const context: HookContext = { ...request, nowMs: core.nowMs(), onAbandon: () => undefined };
  const marked = markedForDeletion(resource, old, options, context);
  if (isFinished(marked)) {
    if (request.dryRun) return { object: asServed(resource, old), gone: true };
    const gone = core.store.delete(resource.storage, keyOf(old), revision);
    resource.strategy.released?.(gone.object);
    return { object: asServed(resource, gone.object), gone: true };
  }
  if (request.dryRun || sameJson(marked, old)) return { object: asServed(resource, marked), gone: false };
  const written = core.store.update(resource.storage, keyOf(old), marked, revision);
  resource.strategy.written?.(written.object, old);
  return { object: asServed(resource, written.object), gone: false };
}

/** The object as it stands from now on, if it has to stay for a while. */
function markedForDeletion(
  resource: Resource,
  old: AnyObject,
  options: DeleteOptions,
  context: HookContext,
): AnyObject {
  const marked = cloned(old);
  const { metadata } = marked;
  const finalizers = finalizersFor(metadata.finalizers ?? [], options);
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;
  const graceS = resource.strategy.gracePeriodSeconds?.(old, options.gracePeriodSeconds) ?? 0;
  const sooner = metadata.deletionTimestamp !== undefined && graceS < (metadata.deletionGracePeriodSeconds ?? 0);
  if (!metadata.deletionTimestamp || sooner) {
    if (!metadata.deletionTimestamp && metadata.generation !== undefined) metadata.generation++;
    metadata.deletionTimestamp = timestamp(context.nowMs + graceS * 1000);
    metadata.deletionGracePeriodSeconds = graceS;
  }
  resource.strategy.prepareDelete?.(marked, context);
  return marked;
}

/** The finalizers with those of the asked propagation; without a wish they stay as they are. */
function finalizersFor(present: readonly string[], options: DeleteOptions): string[] {
  const policy = policyOf(options);
  if (!policy) return [...present];
  const wanted = FINALIZERS[policy];
  const others = present.filter((name) => name !== 'foregroundDeletion' && name !== 'orphan');
  return wanted ? [...others, wanted] : others;
}

function policyOf({ propagationPolicy, orphanDependents }: DeleteOptions): Propagation | undefined {
  if (propagationPolicy) return propagationPolicy;
  if (orphanDependents === undefined) return undefined;
  return orphanDependents ? 'Orphan' : 'Background';
}

function assertPreconditions(resource: Resource, { metadata }: AnyObject, { preconditions }: DeleteOptions): void {
  const name = metadata.name ?? '';
  if (preconditions?.uid && preconditions.uid !== metadata.uid)
    throw conflict(
      resource.gvr,
      name,
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  if (preconditions?.resourceVersion && preconditions.resourceVersion !== metadata.resourceVersion)
    throw conflict(
      resource.gvr,
      name,
      `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
}
