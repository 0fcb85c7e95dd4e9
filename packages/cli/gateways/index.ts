/**
 * Gateways for other clusters: what mirror controllers measure of them, read from the metrics of whoever holds a Link's Lease, and what they
 * reach of what Links take.
 */
export { GATEWAY_IDENTITY, type Refused, refusedBy, refusedIn } from './reach.ts';
export { type GatewayState, gatewayState, mirrorCounts } from './state.ts';
