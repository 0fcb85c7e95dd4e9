/** Annotations on workloads, namespaces and services: the catalogue, and readers for the values they hold. */
export * from './balancer.ts';
export * from './catalogue.ts';
export * from './go-values.ts';
export { KINDS, type Kind } from './kinds.ts';
export * from './multicluster.ts';
export * from './port-set.ts';
export * from './read.ts';
export * from './requests.ts';
export { annotationSchema } from './schema.ts';
