import type { Gvr, KubeObject, OwnerReference } from '#api/kube';
import { controllerOf, controllerRef, isControlledBy } from '../kinds/index.ts';
import type { Change, PatchWrite, Write } from '../reconcile/index.ts';

/** An owner that manages dependents by selector, and how its kind is written in owner references. */
export interface Claimant<T extends KubeObject> {
  owner: KubeObject;
  apiVersion: string;
  kind: string;
  matches(object: T): boolean;
}

/** Dependents that belong to the claimant, and the writes that adopt strays and release those that no longer match. */
export interface Claimed<T> {
  owned: T[];
  writes: Write[];
}

/**
 * Sorts candidates of one resource: controlled by the owner and matching are its own; controlled but not matching are released;
 * matching without any controller are adopted (unless owner or object is being deleted); others are left alone.
 */
export function claim<T extends KubeObject>(claimant: Claimant<T>, gvr: Gvr, candidates: readonly T[]): Claimed<T> {
  const claimed: Claimed<T> = { owned: [], writes: [] };
  const { owner, matches } = claimant;
  for (const object of candidates) {
    if (isControlledBy(object, owner)) {
      if (matches(object)) claimed.owned.push(object);
      else if (!owner.metadata.deletionTimestamp) claimed.writes.push(release(owner, gvr, object));
    } else if (mayAdopt(claimant, object)) {
      claimed.owned.push(object);
      claimed.writes.push(adopt(claimant, gvr, object));
    }
  }
  return claimed;
}

const mayAdopt = <T extends KubeObject>({ owner, matches }: Claimant<T>, object: T): boolean =>
  !controllerOf(object) &&
  !owner.metadata.deletionTimestamp &&
  !object.metadata.deletionTimestamp &&
  object.metadata.namespace === owner.metadata.namespace &&
  matches(object);

function adopt<T extends KubeObject>({ owner, apiVersion, kind }: Claimant<T>, gvr: Gvr, object: T): Write {
  const others = (object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== owner.metadata.uid);
  return setOwners(gvr, object, [...others, controllerRef(owner, apiVersion, kind)]);
}

function release(owner: KubeObject, gvr: Gvr, object: KubeObject): Write {
  const others = (object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== owner.metadata.uid);
  return { ...setOwners(gvr, object, others), tolerate: ['NotFound'] };
}

function setOwners(gvr: Gvr, object: KubeObject, ownerReferences: readonly OwnerReference[]): PatchWrite {
  const { name = '', namespace = '', uid, resourceVersion } = object.metadata;
  const owners = ownerReferences.length > 0 ? ownerReferences : null;
  return {
    verb: 'patch',
    gvr,
    name,
    namespace,
    merge: { metadata: { uid, resourceVersion, ownerReferences: owners } },
  };
}

/** Keys of the owners of one kind that an object has or had as controller: for triggers on dependents. */
export function ownersOfKind(kind: string): (change: Change) => string[] {
  return ({ now, old }) => {
    const keys = [now, old].flatMap((object) => {
      const owner = object && controllerOf(object);
      return owner?.kind === kind ? [`${object?.metadata.namespace ?? ''}/${owner.name}`] : [];
    });
    return [...new Set(keys)];
  };
}
