/**
 * The node agent: runs each pod bound to its node as namespaces and processes of this machine, keeps it as its spec says, reports
 * its status, and serves logs, exec, attach and port-forward. Privileged; knows pods, not meshes.
 */
export type { BackoffSettings } from './backoff.ts';
export { ConfigStore } from './config-store.ts';
export type { DnsSettings } from './etc-files.ts';
export { Kubelet, type KubeletDeps } from './kubelet.ts';
export { clearLeftovers } from './leftovers.ts';
export { LIMITS } from './limits.ts';
export { nodeResources } from './node-status.ts';
export { KubeletRuntime } from './pod-runtime.ts';
export { type NodeSite, nodeNetPath } from './sandbox.ts';
export { buildTemplate, type Template } from './template.ts';
export { type RequestToken, TokenCache } from './tokens.ts';
