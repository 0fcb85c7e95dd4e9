/** Outbound policy: where a proxy sends what its workload dials, and how. */
export { readFault, readRetry, readSplit, readTimeouts } from './annotations.ts';
export { EGRESS_NETWORKS, type EgressNetworkRecord, EgressNetworks } from './egress.ts';
export type { OutboundConfig, OutboundWorld } from './policy.ts';
export { type OutboundDeps, serveOutbound } from './serve.ts';
export { readService, type ServiceRecord, Services } from './services.ts';
