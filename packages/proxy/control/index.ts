/** The proxy's side of its control plane: names resolved, mesh TLS without ALPN, HTTP/2, gRPC streams as {@link MeshClients}. */
export { CallMetrics } from './call-metrics.ts';
export { type ControlChannelDeps, createControlChannel } from './channel.ts';
export { ChannelMetrics } from './channel-metrics.ts';
export { createIdentityClient, createMeshClients } from './clients.ts';
export { Resolver, type ResolverClient } from './resolve.ts';
