/**
 * The lab's Kubernetes API server: one pipeline per request (authenticate, understand, authorize, decode, default, admit,
 * validate, store, respond) over HTTPS, and the same path in process as the contract's ClusterClient.
 */
export { createClient } from './client.ts';
export type { Admission, Core } from './core.ts';
export { ResourceRegistry } from './registry.ts';
export type { Kind, Resource, Strategy, WriteRequest } from './resource.ts';
