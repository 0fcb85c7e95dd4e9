/** Applying manifests without kubectl: server-side apply of parsed objects, in order, with the kinds the cluster serves. */
export { type ApplyOptions, applyAll } from './apply.ts';
export { resourceOf, type ServedKind } from './served-kind.ts';
