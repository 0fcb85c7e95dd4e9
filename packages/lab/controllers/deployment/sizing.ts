import type { Deployment, ReplicaSet } from '../../kinds/index.ts';
import { ANNOTATIONS, annotatedSize, bounds, oldestFirst, sizeOf, sum } from './replica-sets.ts';

/** New sizes by set: only sets that are to be sized are in it. */
export type Sizes = Map<ReplicaSet, number>;

const isActiveSet = (set: ReplicaSet): boolean => sizeOf(set) > 0;
const available = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0;

/** How large the newest set may be now: within the surge for rolling updates, else the full size. */
export function newSetSize(deployment: Deployment, oldSets: readonly ReplicaSet[], newSize: number): number {
  const wanted = sizeOf(deployment);
  if (deployment.spec.strategy?.type === 'Recreate') return wanted;
  const current = sum(oldSets, sizeOf) + newSize;
  const most = wanted + bounds(deployment).surge;
  if (current >= most) return newSize;
  return newSize + Math.min(most - current, wanted - newSize);
}

/** Step 1 of a rolling update: size the newest set. Empty when it has its size. */
export function sizeNewSet(deployment: Deployment, newSet: ReplicaSet, oldSets: readonly ReplicaSet[]): Sizes {
  const wanted = sizeOf(deployment);
  const current = sizeOf(newSet);
  if (current === wanted) return new Map();
  const size = current > wanted ? wanted : newSetSize(deployment, oldSets, current);
  return size === current ? new Map() : new Map([[newSet, size]]);
}

/**
 * Step 2 of a rolling update: take pods from the old sets, those first that are not available anyway, then as many as
 * availability allows.
 */
export function shrinkOldSets(deployment: Deployment, newSet: ReplicaSet, oldSets: readonly ReplicaSet[]): Sizes {
  const sizes: Sizes = new Map();
  const old = oldestFirst(oldSets.filter(isActiveSet));
  if (old.length === 0) return sizes;
  const leastAvailable = sizeOf(deployment) - bounds(deployment).unavailable;
  const newUnavailable = sizeOf(newSet) - available(newSet);
  const spare = sum(old, sizeOf) + sizeOf(newSet) - leastAvailable - newUnavailable;
  if (spare <= 0) return sizes;
  dropUnhealthy(old, spare, sizes);
  dropAvailable([...old, newSet], old, leastAvailable, sizes);
  return sizes;
}

function dropUnhealthy(old: readonly ReplicaSet[], most: number, sizes: Sizes): void {
  let left = most;
  for (const set of old) {
    const unhealthy = sizeOf(set) - available(set);
    const drop = Math.min(left, unhealthy);
    if (drop <= 0) continue;
    sizes.set(set, sizeOf(set) - drop);
    left -= drop;
  }
}

function dropAvailable(all: readonly ReplicaSet[], old: readonly ReplicaSet[], least: number, sizes: Sizes): void {
  let left = sum(all, available) - least;
  for (const set of old) {
    if (left <= 0) return;
    const size = sizes.get(set) ?? sizeOf(set);
    const drop = Math.min(size, left);
    if (drop === 0) continue;
    sizes.set(set, size - drop);
    left -= drop;
  }
}

/** All old sets to zero, as Recreate begins and as a finished rollout ends. */
export const emptySets = (sets: readonly ReplicaSet[]): Sizes =>
  new Map(sets.filter(isActiveSet).map((set) => [set, 0]));

/** Whether the Deployment's size was changed since its sets were last sized. */
export function wasScaled(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return sets.filter(isActiveSet).some((set) => {
    const desired = annotatedSize(set, ANNOTATIONS.desiredReplicas);
    return desired !== undefined && desired !== sizeOf(deployment);
  });
}

/**
 * Sizes after the Deployment was scaled, or while it is paused: one active set takes it all; in the middle of a rolling update
 * the change is spread over the sets in proportion, so that the rollout stays where it is.
 */
export function resize(deployment: Deployment, newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): Sizes {
  const sets = newSet ? [newSet, ...oldSets] : [...oldSets];
  const active = sets.filter(isActiveSet);
  const single =
    active.length === 1 ? active[0] : active.length === 0 ? (newSet ?? oldestFirst(oldSets).at(-1)) : undefined;
  if (single) return new Map([[single, sizeOf(deployment)]]);
  if (newSet && isSaturated(deployment, newSet)) return emptySets(oldSets);
  if (deployment.spec.strategy?.type === 'Recreate') return new Map();
  return proportional(deployment, active);
}

function isSaturated(deployment: Deployment, set: ReplicaSet): boolean {
  const wanted = sizeOf(deployment);
  return (
    sizeOf(set) === wanted && annotatedSize(set, ANNOTATIONS.desiredReplicas) === wanted && available(set) === wanted
  );
}

function proportional(deployment: Deployment, active: readonly ReplicaSet[]): Sizes {
  const wanted = sizeOf(deployment);
  const allowed = wanted > 0 ? wanted + bounds(deployment).surge : 0;
  const toAdd = allowed - sum(active, sizeOf);
  const newerFirst = toAdd > 0 ? -1 : 1;
  const aged = oldestFirst(active);
  const ordered = [...active].sort((a, b) => sizeOf(b) - sizeOf(a) || newerFirst * (aged.indexOf(a) - aged.indexOf(b)));
  const sizes: Sizes = new Map();
  let added = 0;
  for (const set of ordered) {
    const share = toAdd === 0 ? 0 : proportionOf(deployment, set, toAdd - added);
    sizes.set(set, sizeOf(set) + share);
    added += share;
  }
  const largest = ordered[0];
  if (largest && toAdd !== 0) sizes.set(largest, Math.max(0, (sizes.get(largest) ?? 0) + toAdd - added));
  return sizes;
}

function proportionOf(deployment: Deployment, set: ReplicaSet, left: number): number {
  if (left === 0) return 0;
  const wanted = sizeOf(deployment);
  if (wanted === 0) return Math.max(-sizeOf(set), left);
  const most = wanted + bounds(deployment).surge;
  const before = annotatedSize(set, ANNOTATIONS.maxReplicas) || deployment.status?.replicas || most;
  const share = Math.round((sizeOf(set) * most) / before) - sizeOf(set);
  return left > 0 ? Math.min(share, left) : Math.max(share, left);
}
