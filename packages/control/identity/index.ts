/** The identity service: proves who a workload is by its service-account token and signs its certificate. */
export { Credentials, SCHEMES, type Scheme } from './credentials.ts';
export { createEvents, type IdentityEvents } from './events.ts';
export { type Issuer, IssuerError, readCertificates, readIssuer } from './issuer.ts';
export { runIdentity } from './main.ts';
export { type Certify, createCertify, type IdentityConfig, type IdentityDeps } from './service.ts';
export { IDENTITY_AUDIENCE } from './token.ts';
export { createTrustStreams, type TrustDeps } from './trust.ts';
