/**
 * Many clusters as one mesh: the Link resource, mirrors of remote services (flat, or through gateways), federated services, and the
 * controller that keeps them (`weft service-mirror`). The reconcile functions are pure; `controller` is the rim.
 */
export { runServiceMirror } from './controller/index.ts';
export { type Expiry, expiriesOf, expiryText, judgeExpiry, requestToken } from './credentials/index.ts';
export * from './link/index.ts';
export {
  MCS,
  MCS_API_VERSION,
  type ObservedExport,
  observeExport,
  SERVICE_EXPORTS,
  SERVICE_IMPORTS,
  type ServiceExport,
  type ServiceImport,
} from './mcs/index.ts';
export {
  EndpointTally,
  FEDERATED_LABEL,
  FLAT_EXPORT,
  federatedName,
  type LocalView,
  localMembers,
  MIRROR,
  mirrorName,
  type ObservedService,
  observe,
  readMembers,
  reconcileLink,
  type ServiceObject,
  serviceKey,
} from './mirror/index.ts';
