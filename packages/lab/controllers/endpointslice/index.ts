/**
 * EndpointSlices: of Services with a selector, from their pods; and mirrors of Endpoints that somebody else wrote for a Service
 * without one.
 */
export { endpointSliceController, reconcileSlices, type SlicesObserved } from './from-pods.ts';
export { type MirrorObserved, mirroringController, reconcileMirror } from './mirror.ts';
export { MANAGED_BY_LABEL, SERVICE_LABEL } from './slices.ts';
