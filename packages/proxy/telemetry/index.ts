/** Metrics of requests and connections, bound once to their labels and written from outcomes. */

export { EndpointScope } from './endpoint-scope.ts';
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
export { OutboundBackendScope, OutboundRouteScope } from './outbound-route-scope.ts';
export { ScopeCache } from './scope-cache.ts';
export { TcpCounters, type TcpLabels } from './tcp-scope.ts';
