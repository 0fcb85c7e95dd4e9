/**
 * The kubeconfig with which a linked cluster is entered: what in it ends and when, and how a bound token is followed by the next. Time and
 * the cluster come in as arguments.
 */
export {
  type Expiry,
  expiriesOf,
  expiryText,
  type Judgement,
  judgeExpiry,
  timeText,
} from './expiry.ts';
export { type CredentialsView, credentialsFinding, nextChangeMs } from './finding.ts';
export { requestToken } from './request.ts';
export { type BoundToken, readToken, renewableToken, tokenIn, withToken } from './token.ts';
