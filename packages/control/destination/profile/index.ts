/** Profiles: what proxies are told of a service or an address besides its endpoints. */
export { type GetProfileDeps, serveGetProfile } from './get-profile.ts';
export { addressProfile, type ProfileConfig, serviceProfile } from './snapshot.ts';
export { ProfileError, toDuration, translateProfile } from './translate.ts';
