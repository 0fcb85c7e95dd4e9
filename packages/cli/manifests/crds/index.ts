/**
 * Custom resource definitions as one TypeScript source: the mesh's own kinds in all versions, the Gateway API's routes and
 * the Link of the multicluster extension.
 */
export { GATEWAY_ANNOTATIONS, GATEWAY_API_VERSION, GATEWAY_CRDS } from './gateway.ts';
export { LINK_CRD } from './link.ts';
export { LINKERD_CRDS } from './linkerd.ts';
export { type CrdMetadata, type CrdSource, customResourceDefinition, type Schema } from './schema.ts';
