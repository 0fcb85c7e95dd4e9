/** Kubernetes objects as JSON: shared metadata and the built-in kinds. Contract between any client and any API server. */
export type * from './custom.gen.ts';
export * from './gvr.ts';
export * from './meta.ts';
export * from './tables.ts';
export type * from './types.gen.ts';
