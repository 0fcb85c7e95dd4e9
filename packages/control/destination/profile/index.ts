/** Profiles: what proxies are told of a service or an address besides its endpoints. */
export { FlatPods } from './flat-pods.ts';
export { type GetProfileDeps, type ProfileObserver, ProfileStreams } from './get-profile.ts';
export type { ProfileConfig } from './snapshot.ts';
