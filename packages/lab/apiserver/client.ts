import type { AnyObject, Gvr, KubeObject } from '#api/kube';
import type { UserInfo } from '#lab/auth';
import type { ClusterClient, ListOptions, ServedResource, WatchSink } from '#lab/contract';
import { asServed, type Core } from './core.ts';
import { create } from './create.ts';
import { remove } from './deletion.ts';
import { methodNotAllowed, qualifiedResource, unknownResource } from './errors.ts';
import { list, readServed } from './list.ts';
import { update } from './modify.ts';
import { patch } from './patch.ts';
import { bindPod } from './pod-binding.ts';
import type { Resource, WriteRequest } from './resource.ts';
import { selectionOf } from './selection.ts';
import { follow } from './watch.ts';

/** Whose name writes of a client bear. */
export interface ClientIdentity {
  readonly user: UserInfo;
  readonly fieldManager: string;
}

/** Where a client's side remarks go. */
export interface ClientOutlets {
  /** Warnings of admission about writes. */
  readonly warn: (text: string) => void;
  /** What a watch's sink threw, with its stack. */
  readonly log: (line: string) => void;
}

/**
 * The contract's in-process client: the same admission, validation and storage as over HTTPS. It is trusted, so
 * authorization does not run; the user's name shows in webhooks and its field manager in managedFields.
 */
export function createClient(core: Core, identity: ClientIdentity, outlets: ClientOutlets): ClusterClient {
  const request: WriteRequest = { ...identity, dryRun: false, warn: outlets.warn };
  const resourceOf = (gvr: Gvr): Resource => {
    const resource = core.registry.find(gvr);
    if (!resource) throw unknownResource();
    return resource;
  };
  const refOf = (resource: Resource, { name, namespace }: { name: string; namespace?: string | undefined }) => ({
    name,
    namespace: resource.namespaced ? namespace : undefined,
  });
  return {
    get: async <T extends KubeObject>(gvr: Gvr, name: string, namespace?: string) => {
      const resource = resourceOf(gvr);
      return readServed(core, resource, refOf(resource, { name, namespace })) as KubeObject as T;
    },
    list: async <T extends KubeObject>(gvr: Gvr, options: ListOptions = {}) => {
      const resource = resourceOf(gvr);
      const { stored, revision } = await list(core, resource, options);
      const items = stored.map(({ object }) => asServed(resource, object) as KubeObject as T);
      return { items, resourceVersion: String(revision) };
    },
    watch: <T extends KubeObject>(gvr: Gvr, options: ListOptions, sink: WatchSink<T>) =>
      watchInProcess(
        core,
        resourceOf(gvr),
        options,
        guarded(sink as unknown as WatchSink<AnyObject>, gvr, outlets.log),
      ),
    create: async <T extends KubeObject>(gvr: Gvr, object: T) => {
      const resource = resourceOf(gvr);
      if (!resource.verbs.includes('create')) throw methodNotAllowed(gvr, 'create');
      const body = object as KubeObject as AnyObject;
      return (await create(core, resource, body.metadata.namespace, body, request)) as KubeObject as T;
    },
    update: async <T extends KubeObject>(gvr: Gvr, object: T, subresource?: 'status' | 'finalize') => {
      const resource = resourceOf(gvr);
      const { name = '', namespace } = object.metadata;
      const body = object as KubeObject as AnyObject;
      const ref = refOf(resource, { name, namespace });
      return (await update(core, resource, ref, body, request, subresource)) as KubeObject as T;
    },
    patch: async <T extends KubeObject>(
      gvr: Gvr,
      ref: { name: string; namespace?: string },
      change: Parameters<ClusterClient['patch']>[2],
    ) => {
      const resource = resourceOf(gvr);
      const by = change.fieldManager ? { ...request, fieldManager: change.fieldManager } : request;
      return (await patch(core, resource, refOf(resource, ref), change, by)).object as KubeObject as T;
    },
    delete: async (gvr, ref, options = {}) => {
      const resource = resourceOf(gvr);
      await remove(core, resource, refOf(resource, ref), options, request);
    },
    bind: async (pod, nodeName) => {
      await bindPod(core, pod, { nodeName }, request);
    },
    as: ({ name, groups, fieldManager }) => createClient(core, { user: { name, groups }, fieldManager }, outlets),
    resources: () => servedResources(core),
    onResourcesChanged: (listener) => core.registry.onChange(listener),
  };
}

function servedResources(core: Core): readonly ServedResource[] {
  return core.registry.all().map(({ gvr, kind, namespaced, verbs }) => ({ gvr, kind, namespaced, verbs }));
}

/** A sink whose failure is logged and ends neither the watch nor, as the store calls it, everybody else's. */
function guarded(sink: WatchSink<AnyObject>, gvr: Gvr, log: (line: string) => void): WatchSink<AnyObject> {
  const guard = (hear: () => void): void => {
    try {
      hear();
    } catch (error) {
      log(
        `watch of ${qualifiedResource(gvr)}: its sink failed: ${error instanceof Error ? error.stack : String(error)}`,
      );
    }
  };
  return {
    reset: (objects) => guard(() => sink.reset(objects)),
    applied: (object, old) => guard(() => sink.applied(object, old)),
    deleted: (object) => guard(() => sink.deleted(object)),
  };
}

/** Snapshot and subscription are taken together; the sink hears `reset` in the next microtask, then changes in order. */
function watchInProcess(core: Core, resource: Resource, options: ListOptions, sink: WatchSink<AnyObject>): () => void {
  const selection = selectionOf(resource, options);
  const snapshot = core.store
    .list(resource.storage, selection.namespace)
    .map(({ object }) => asServed(resource, object))
    .filter((object) => selection.matches(object));
  let stopped = false;
  queueMicrotask(() => {
    if (!stopped) sink.reset(snapshot);
  });
  const stop = follow(core, resource, selection, core.store.revision, ({ type, object, old }) => {
    if (stopped) return;
    if (type === 'DELETED') sink.deleted(object);
    else sink.applied(object, type === 'ADDED' ? undefined : old);
  });
  return () => {
    stopped = true;
    stop();
  };
}
