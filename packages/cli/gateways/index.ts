/** What mirror controllers say of the gateways that they probe: read from the metrics of whoever holds a Link's Lease. */
export { type GatewayState, gatewayState, mirrorCounts } from './state.ts';
