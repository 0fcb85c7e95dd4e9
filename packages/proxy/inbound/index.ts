/** What comes into the pod: TLS terminated, the client known, authorized by the port's policy, handed to the application. */
export { authorize, type ClientTls } from './authorize.ts';
export { Inbound, type InboundConfig, type InboundDeps } from './inbound.ts';
export { InboundMetrics } from './metrics.ts';
export { PortPolicies, type PortPoliciesConfig, type PortPolicy } from './port-policies.ts';
export type { AuthzCounts } from './router.ts';
