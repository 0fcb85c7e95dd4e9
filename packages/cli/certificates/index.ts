/** X.509 for installs: trust anchors, issuers, webhook certificates; ECDSA P-256 throughout. Reading and judging PEM too. */
export {
  type CertificateAndKey,
  type CertificateRequest,
  createCertificate,
  createTrust,
  createWebhookCertificate,
  DAY_MS,
  type Trust,
} from './create.ts';
export {
  type CertificateFacts,
  describeCertificate,
  issuedByAnchors,
  readCertificates,
  sameCertificates,
} from './read.ts';
export { certificateText, isAuthority } from './text.ts';
