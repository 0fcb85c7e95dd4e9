/** The Link: one remote cluster to take services from, and what became of them. */
export { type GatewaySettings, type ProbeSettings, readGateway } from './gateway.ts';
export {
  CONTROLLER_NAME,
  CREDENTIALS,
  DEFAULT_SELECTORS,
  type EndpointCount,
  LINKS,
  type Link,
  type LinkSpec,
  type LinkStatus,
  type PortCoverage,
  type ServiceCondition,
  type ServiceStatus,
} from './link.ts';
export { selectorText, selects } from './selector.ts';
export {
  type Finding,
  isOnlyCounts,
  type MirrorOutcome,
  type Reachability,
  type Sync,
  sameJson,
  statusPatch,
  type WantedStatus,
} from './status.ts';
