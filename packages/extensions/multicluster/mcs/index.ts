/**
 * The Multi-Cluster Services API (multicluster.x-k8s.io, KEP-1645): a ServiceExport makes its Service a member of the federated service
 * of its name; what all clusters say of their exports stands there, and from it come the ServiceImport, conditions and EndpointSlices. Pure.
 */
export { type ExportScene, exportConditions } from './conditions.ts';
export {
  type ExportFacts,
  exportKey,
  isExportKey,
  type ObservedExport,
  observeExport,
  readExports,
  sayExport,
} from './facts.ts';
export { type Exported, exportedServices, type ImportChange, isForeign, reconcileImports } from './import.ts';
export {
  MCS,
  MCS_API_VERSION,
  SERVICE_EXPORTS,
  SERVICE_IMPORTS,
  type ServiceExport,
  type ServiceImport,
} from './kinds.ts';
export { servicesWithPodNames } from './places.ts';
export { type Resolved, resolveExports } from './resolve.ts';
export { orphanSlices, reconcileSlices, type SliceChange, type SliceScene } from './slices.ts';
