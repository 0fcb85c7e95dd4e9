/**
 * The lab's Kubernetes API server: one pipeline per request (authenticate, understand, authorize, decode, default, admit,
 * validate, store, respond) over HTTPS, and the same path in process as the contract's ClusterClient.
 */
export { type ApiServer, type ApiServerConfig, type ApiServerDeps, createApiServer } from './api-server.ts';
export type { AdmissionReviewInput, Core } from './core.ts';
export type { Kind, Resource, Strategy, WriteRequest } from './resource.ts';
export type { IssuedToken, TokenRequestSpec } from './token-request.ts';
