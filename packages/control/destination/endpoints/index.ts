/** Endpoints of services: from slices, pods and Servers to the messages that proxies get, shared by all who ask. */
export {
  ALONE,
  type Description,
  describePod,
  describeWorkload,
  type EndpointConfig,
  podFacts,
  weightedAddr,
  workloadFacts,
} from './endpoint.ts';
export type { Client } from './select.ts';
export type { Endpoint, EndpointSet, ListConfig } from './service-endpoints.ts';
export { EndpointViews, isSameMembers, type Member, Snapshot, type View, type Wanted } from './views.ts';
export { type EndpointsObserver, EndpointWatches } from './watches.ts';
