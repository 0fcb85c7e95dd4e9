/**
 * Custom resource definitions as one TypeScript source: the mesh's own kinds in all versions, the Gateway API's routes, the Link of the
 * multicluster extension and the kinds of the Multi-Cluster Services API.
 */
export { GATEWAY_ANNOTATIONS, GATEWAY_API_VERSION, GATEWAY_CRDS } from './gateway.ts';
export { LINK_CRD } from './link.ts';
export { LINKERD_CRDS } from './linkerd.ts';
export { MCS_ANNOTATIONS, MCS_CRDS, MCS_LABELS } from './mcs.ts';
export { type CrdMetadata, type CrdSource, customResourceDefinition, type Schema } from './schema.ts';
