/**
 * How the API server reaches servers inside the cluster (webhooks, aggregated APIs, proxied Services): a Service's port
 * resolved to a ready endpoint, one verified TLS connection, one HTTP request.
 */
export { type BackendConnection, openTls, type TlsOptions } from './connect.ts';
export { type Exchange, type ExchangeRequest, exchange } from './exchange.ts';
export { type RelayTarget, relay } from './relay.ts';
export { BackendError, endpointsOf, type ResolvedEndpoint, resolveService, type ServicePortRef } from './resolve.ts';
