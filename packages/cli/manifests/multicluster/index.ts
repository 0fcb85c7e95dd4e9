/**
 * Manifests of the multicluster extension: the gateway and who may use it, accounts for other clusters, the Link's definition,
 * mirror controllers, and what links one cluster to another.
 */
export { remoteAccess } from './access.ts';
export { controllerNames, legacyNames, linkController } from './controllers.ts';
export { type LinkSource, renderLink } from './links.ts';
export { extensionNamespace, renderMulticluster } from './render.ts';
export {
  type ControllerEntry,
  defaultMulticluster,
  MULTICLUSTER_HA,
  type MulticlusterValues,
  overlayMulticluster,
  REMOTE_ACCESS_ACCOUNT,
} from './values.ts';
