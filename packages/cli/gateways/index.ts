/** Gateways for other clusters: what mirror controllers measure of them, by whoever holds the Lease of a Link, and what they reach of what Links take. */

export { GATEWAY_IDENTITY, type Refused, refusedBy, refusedIn } from './reach.ts';
export { type GatewayState, gatewayState, mirrorCounts } from './state.ts';
