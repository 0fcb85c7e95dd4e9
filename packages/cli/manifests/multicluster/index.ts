/**
 * Manifests of the multicluster extension: the gateway and who may use it, accounts for other clusters, the Link's definition,
 * mirror controllers, and what links one cluster to another.
 */
export { remoteAccess } from './access.ts';
export {
  controllerAccess,
  controllerNames,
  controllerRole,
  LOCAL_MIRROR,
  legacyNames,
  linkController,
  localMirror,
} from './controllers.ts';
export { type LinkSource, renderLink } from './links.ts';
export { multiclusterParts, renderMulticluster } from './render.ts';
export { MULTICLUSTER_VALUE_DOCS } from './value-docs.ts';
export {
  type ControllerEntry,
  defaultMulticluster,
  MULTICLUSTER_HA,
  MULTICLUSTER_OPEN_MAPS,
  type MulticlusterValues,
  overlayMulticluster,
  REMOTE_ACCESS_ACCOUNT,
} from './values.ts';
