/**
 * Who may do what in one lab cluster: its authorities and certificates, kubeconfigs, service-account tokens and their
 * review, and role-based access control with the roles that a new cluster has.
 */
export { bootstrapRbac } from './bootstrap-roles.ts';
export { createAuthority, isIssuedBy, issueLeaf, type KeyPairPem, type LeafRequest } from './certificates.ts';
export { type KubeconfigCluster, kubeconfig } from './kubeconfig.ts';
export {
  type ClusterKeys,
  createClusterKeys,
  issueClientCertificate,
  issueFrontProxyCertificate,
  issueServerCertificate,
} from './pki.ts';
export { type Attributes, Authorizer, type Decision, type PolicyRule, refusal } from './rbac.ts';
export { type LookUp, type TokenIdentity, TokenReviewer } from './token-review.ts';
export { type Bound, ISSUER, TokenAuthority, type TokenClaims, type TokenGrant, userNameOf } from './tokens.ts';
export { ANONYMOUS, type UserInfo } from './user.ts';
