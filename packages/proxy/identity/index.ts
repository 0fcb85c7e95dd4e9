/** The proxy's own certificate: a key that never leaves memory, a request for a certificate, its renewal in time. */
export { Credentials } from './credentials.ts';
export { createKey, type IdentityKey } from './key.ts';
export { Renewal, type RenewalDeps } from './renewal.ts';
export { type TrustDeps, TrustWatch } from './trust.ts';
export { TrustCache } from './trust-cache.ts';
