/**
 * What `install`, `upgrade` and `prune` have in common: flags over values, trust, what an earlier installation left, and the
 * question who manages the Gateway API's kinds.
 */
export { addSettingFlags, applySettings, type FlagScope, LOG_LEVELS, refuse, warnOfIneffective } from './flags.ts';
export { gatewayApiWanted } from './gateway-api.ts';
export { type Present, presentFromCluster, presentFromManifests } from './present.ts';
export {
  addTrustFlags,
  externalAnchors,
  issuerProblem,
  readTrustFiles,
  refuseBadIssuer,
  type TrustFlags,
} from './trust.ts';
