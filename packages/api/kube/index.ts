/** Kubernetes objects as JSON: shared metadata and the built-in kinds. Contract between any client and any API server. */
export * from './meta.ts';
