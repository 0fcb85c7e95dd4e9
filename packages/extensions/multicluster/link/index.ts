/** The Link: one remote cluster to take services from, and what became of them. */
export { type GatewaySettings, type ProbeSettings, readGateway } from './gateway.ts';
export {
  CONTROLLER_NAME,
  CREDENTIALS,
  DEFAULT_SELECTORS,
  LINKS,
  type Link,
  type LinkSpec,
  type LinkStatus,
  type ServiceCondition,
  type ServiceStatus,
} from './link.ts';
export { selectorText, selects } from './selector.ts';
export { type Finding, type MirrorOutcome, type Reachability, statusPatch } from './status.ts';
