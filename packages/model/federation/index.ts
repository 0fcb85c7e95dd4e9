/** Which clusters of a federated service get its traffic: their order, their shares, and when the next ones help out. */
export { ClusterLevels, type MemberHealth, type Placement, type Placements } from './levels.ts';
export { LOCAL_CLUSTER, type Preference, readPreference } from './preference.ts';
