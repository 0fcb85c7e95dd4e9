/** What leaves the pod: discovered by its original destination, routed, balanced, sent over mutual TLS where the peer can. */
export { Balancer, type BalancerConfig } from './balancer.ts';
export { connectBytes } from './bytes-sessions.ts';
export type { OutboundConfig, OutboundDeps } from './context.ts';
export { dialTarget } from './dial-target.ts';
export type { Target } from './discovery.ts';
export { Outbound } from './outbound.ts';
export { OutboundRouter } from './router.ts';
export { isWithin, type TargetKey, type Targets } from './targets.ts';
export type { TcpAttempt } from './tcp-backend.ts';
