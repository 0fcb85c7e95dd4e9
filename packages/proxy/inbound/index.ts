/** What comes into the pod: TLS terminated, the client known, authorized by the port's policy, handed to the application. */
export { authorize, type ClientTls } from './authorize.ts';
export type { InboundConfig, InboundDeps } from './context.ts';
export { Inbound } from './inbound.ts';
export { InboundMetrics } from './metrics.ts';
export { PortPolicies, type PortPoliciesConfig, type PortPolicy } from './port-policies.ts';
export type { AuthzCounts } from './router.ts';
