/**
 * The kubeconfig with which a linked cluster is entered: what in it ends and when, and how a bound token is followed by the next. Pure:
 * time comes in as an argument.
 */
export { type Expiry, expiriesOf, expiryText, type Judgement, judgeExpiry } from './expiry.ts';
export { type BoundToken, readToken, renewableToken, tokenIn, withToken } from './token.ts';
export { type CredentialsView, credentialsFinding, nextChangeMs } from './finding.ts';
