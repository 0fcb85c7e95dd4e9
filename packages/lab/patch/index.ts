/**
 * The four ways to patch a Kubernetes object, and who owns its fields, as pure functions over decoded JSON.
 * Arguments are never changed; results share structure with them. All faults are {@link PatchError}s that carry a `Status`.
 * Merge rules come from a `FieldSchema` (lab/schema), the same for built-in kinds and custom resources.
 */
export { applyJsonPatch } from './json-patch.ts';
export { applyMergePatch } from './merge-patch.ts';
export type { OwnershipOptions } from './ownership.ts';
export { PatchError } from './patch-error.ts';
export { type ApplyOptions, type ApplyResult, serverSideApply } from './server-side-apply.ts';
export { applyStrategicMergePatch } from './strategic.ts';
export { keepOwnerTimes, type TrackUpdateOptions, trackUpdate } from './track-update.ts';
