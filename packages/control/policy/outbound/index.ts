/** Outbound policy: where a proxy sends what its workload dials, and how. */
export { parsePolicyDuration } from './annotations.ts';
export { egressPolicy, type OutboundConfig, servicePolicy, undefinedPortPolicy } from './policy.ts';
export { type OutboundDeps, serveOutbound } from './serve.ts';
export { readService, type ServiceRecord, Services } from './services.ts';
