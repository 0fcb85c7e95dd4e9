/** What leaves the pod: discovered by its original destination, routed, balanced, sent over mutual TLS where the peer can. */
export { Balancer, type BalancerConfig } from './balancer.ts';
export { dialTarget } from './dial-target.ts';
export { Outbound, type OutboundConfig, type OutboundDeps } from './outbound.ts';
export type { TcpAttempt } from './tcp-backend.ts';
