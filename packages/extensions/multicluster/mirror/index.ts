/** Pure decisions: which local Services should exist for the remote ones, and with what in them. */
export { copyAnnotations, copyLabels } from './copy.ts';
export { type EndpointsChange, endpointsName, type ObservedEndpoints, observeEndpoints } from './endpoints.ts';
export { clearProbe, type GatewayScene, type GatewayView, reconcileProbe } from './gateway.ts';
export {
  EXPORTED_LABEL,
  FEDERATED_LABEL,
  FLAT_EXPORT,
  federatedName,
  MIRROR,
  mirrorName,
  readMembers,
} from './names.ts';
export {
  concernsLink,
  type Join,
  type LinkReconciliation,
  type LocalView,
  reconcileLink,
  settingsOf,
} from './reconcile.ts';
export { localMembers, reconcileLocal } from './reconcile-local.ts';
export {
  API_SERVER,
  type Change,
  changeName,
  type ObservedService,
  observe,
  type ServiceObject,
  serviceKey,
} from './service.ts';
export { type RemoteEndpoints, SliceIndex } from './slices.ts';
export { EndpointTally } from './tally.ts';
