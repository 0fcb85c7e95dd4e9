/** Gateway mode: peers in the mesh, of other clusters too, reach names behind this proxy by naming them in the transport header. */
export { clientOf, dropForged, isIdentity } from './forwarded.ts';
export { type GatewayConfig, type GatewayDeps, ProfileGateway } from './gateway.ts';
export type { Connect, Gateway, Passage, ReadyRouter } from './passage.ts';
export { GatewayRouter } from './router.ts';
