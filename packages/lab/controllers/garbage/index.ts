/**
 * Garbage collection by owner uid: what has lost all its owners goes; foreground deletion waits for blocking dependents; orphaning
 * strips references. Works on every kind, custom resources included.
 */
import type { KubeObject, OwnerReference } from '#api/kube';
import { type ClusterClient, hasReason, type ServedResource } from '../../contract/index.ts';
import { type Controller, NOTHING, type Plan, type Write } from '../../reconcile/index.ts';
import type { Everything } from '../everything.ts';

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

/** `solid`: there and staying. `waiting`: being deleted in the foreground. `absent`: surely gone, or another uid. */
export type OwnerState = 'solid' | 'waiting' | 'absent';

interface Located {
  resource: ServedResource;
  object: KubeObject;
}

export interface GarbageObserved extends Located {
  owners: readonly { reference: OwnerReference; state: OwnerState }[];
  dependents: readonly Located[];
}

/** Keys are uids. */
export function garbageCollector(everything: Everything): Controller<GarbageObserved> {
  return {
    name: 'generic-garbage-collector',
    triggers: [],
    subscribe: (wake) =>
      everything.subscribe((_resource, { now, old }) => {
        for (const uid of awakened(everything, now, old)) wake(uid);
      }),
    async observe(uid, _caches, client) {
      const found = everything.byUid(uid);
      if (!found) return undefined;
      const references = found.object.metadata.ownerReferences ?? [];
      const deleting = found.object.metadata.deletionTimestamp !== undefined;
      const owners = deleting
        ? []
        : await Promise.all(
            references.map(async (reference) => ({
              reference,
              state: await ownerState(everything, client, found.object, reference),
            })),
          );
      return { ...found, owners, dependents: everything.dependents(uid) };
    },
    reconcile: collect,
  };
}

/** Whom a change concerns: the object itself if what matters changed; its dependents when it goes; its owners when it went. */
function* awakened(everything: Everything, now: KubeObject | undefined, old: KubeObject | undefined): Iterable<string> {
  const uid = (now ?? old)?.metadata.uid ?? '';
  if (now && (!old || relevant(now) !== relevant(old))) {
    if ((now.metadata.ownerReferences?.length ?? 0) > 0 || now.metadata.deletionTimestamp) yield uid;
  }
  const waits = now ? isWaiting(now) && !(old && isWaiting(old)) : true;
  if (waits) for (const { object } of everything.dependents(uid)) yield object.metadata.uid ?? '';
  if (!now) for (const reference of old?.metadata.ownerReferences ?? []) yield reference.uid;
}

const relevant = ({ metadata }: KubeObject): string =>
  JSON.stringify([metadata.ownerReferences ?? [], metadata.finalizers ?? [], metadata.deletionTimestamp !== undefined]);

const isWaiting = ({ metadata }: KubeObject): boolean =>
  metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(FOREGROUND);

async function ownerState(
  everything: Everything,
  client: ClusterClient,
  object: KubeObject,
  reference: OwnerReference,
): Promise<OwnerState> {
  const known = everything.byUid(reference.uid);
  if (known) return stateOf(known.resource, known.object, object);
  // A cache may lag behind: only the server's word is reason enough to delete. Kinds that it does not know are left alone.
  const resource = everything.ofKind(reference.apiVersion, reference.kind);
  if (!resource) return 'solid';
  const namespace = resource.namespaced ? object.metadata.namespace : undefined;
  if (resource.namespaced && !namespace) return 'absent';
  try {
    const live = await client.get(resource.gvr, reference.name, namespace);
    return live.metadata.uid === reference.uid ? stateOf(resource, live, object) : 'absent';
  } catch (error) {
    if (hasReason(error, 'NotFound')) return 'absent';
    throw error;
  }
}

function stateOf(resource: ServedResource, owner: KubeObject, dependent: KubeObject): OwnerState {
  if (resource.namespaced && owner.metadata.namespace !== dependent.metadata.namespace) return 'absent';
  return isWaiting(owner) ? 'waiting' : 'solid';
}

/** Decides the fate of one object. Pure. */
export function collect(observed: GarbageObserved): Plan {
  const { object, resource, owners, dependents } = observed;
  const { deletionTimestamp, finalizers = [], uid = '' } = object.metadata;
  if (deletionTimestamp && finalizers.includes(ORPHAN))
    return { writes: [...dependents.map((each) => withoutOwners(each, [uid])), withoutFinalizer(observed, ORPHAN)] };
  if (deletionTimestamp && finalizers.includes(FOREGROUND))
    return dependents.some((each) => blocks(each.object, uid))
      ? NOTHING
      : { writes: [withoutFinalizer(observed, FOREGROUND)] };
  if (deletionTimestamp || owners.length === 0) return NOTHING;
  const leaving = owners.filter(({ state }) => state !== 'solid').map(({ reference }) => reference.uid);
  if (leaving.length === 0) return NOTHING;
  if (leaving.length < owners.length) return { writes: [withoutOwners(observed, leaving)] };
  const waited = owners.some(({ state }) => state === 'waiting') && dependents.length > 0;
  const propagationPolicy =
    waited || finalizers.includes(FOREGROUND) ? 'Foreground' : finalizers.includes(ORPHAN) ? 'Orphan' : 'Background';
  return { writes: [{ verb: 'delete', gvr: resource.gvr, object, propagationPolicy, unchanged: true }] };
}

const blocks = (dependent: KubeObject, ownerUid: string): boolean =>
  (dependent.metadata.ownerReferences ?? []).some(
    ({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true,
  );

function withoutOwners(located: Located, uids: readonly string[]): Write {
  const rest = (located.object.metadata.ownerReferences ?? []).filter(({ uid }) => !uids.includes(uid));
  return { ...patchMetadata(located, { ownerReferences: rest.length > 0 ? rest : null }), tolerate: ['NotFound'] };
}

function withoutFinalizer(located: Located, finalizer: string): Write {
  const rest = (located.object.metadata.finalizers ?? []).filter((each) => each !== finalizer);
  return { ...patchMetadata(located, { finalizers: rest.length > 0 ? rest : null }), tolerate: ['NotFound'] };
}

function patchMetadata({ resource, object }: Located, metadata: object) {
  const { name = '', namespace, uid, resourceVersion } = object.metadata;
  const merge = { metadata: { uid, resourceVersion, ...metadata } };
  return { verb: 'patch', gvr: resource.gvr, name, ...(namespace && { namespace }), merge } as const;
}
