/** Metrics of requests and connections, bound once to their labels and written from outcomes. */

export { type BalancerFamily, type BalancerLabels, BalancerMetrics, type BalancerWatch } from './balancer-metrics.ts';
export { Bindings } from './bindings.ts';
export { ByName } from './by-name.ts';
export { type EndpointLabels, EndpointScope } from './endpoint-scope.ts';
export { Errors } from './errors.ts';
export { InboundRouteScope } from './inbound-route-scope.ts';
export {
  backendLabels,
  endpointLabels,
  type Metrics,
  parentLabels,
  routeLabels,
  serverLabels,
  type TlsLabels,
  targetLabels,
} from './labels.ts';
export { OutboundBackendScope, type OutboundRouteLabels, OutboundRouteScope } from './outbound-route-scope.ts';
export { type ProfileRouteLabels, ProfileRouteScope, profileRouteLabels } from './profile-scope.ts';
export { ScopeCache } from './scope-cache.ts';
export type { RouteKind } from './status.ts';
export { TcpCounters, type TcpLabels, type TransferCost, transferCost } from './tcp-scope.ts';
