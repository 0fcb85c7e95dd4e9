/** Endpoints of services: from slices, pods and Servers to the messages that proxies get, shared by all who ask. */
export {
  type Description,
  describePod,
  describeWorkload,
  type EndpointConfig,
  type Locality,
  weightedAddr,
} from './endpoint.ts';
export { type Client, selectEndpoints } from './select.ts';
export { type Endpoint, type EndpointSet, listEndpoints } from './service-endpoints.ts';
export { type EndpointsObserver, type EndpointsSubscription, EndpointWatches, labelsKey } from './watches.ts';
