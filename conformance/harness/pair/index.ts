/**
 * Two real proxies without a Kubernetes: an application at the client's side, its outbound proxy, mutual TLS, the inbound proxy
 * and a place for a server, in two network namespaces of an isolated process, driven by a control plane whose answers are a table.
 */
export * from './addresses.ts';
export type { PortScript } from './control.ts';
export { runIsolated } from './isolate.ts';
export type { Material } from './material.ts';
export { type Running, start } from './processes.ts';
export { metricsOf, type Pair, type PairOptions, startPair } from './proxies.ts';
