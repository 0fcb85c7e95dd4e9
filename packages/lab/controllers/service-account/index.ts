/**
 * What every namespace gets: ServiceAccount `default` and the ConfigMap with the API server's CA; and Secrets of type
 * service-account-token, filled with a token that does not expire.
 */

export { type DefaultAccountObserved, defaultAccountController } from './default-account.ts';
export { type RootCaObserved, rootCaController } from './root-ca.ts';
export { type TokenIssuer, type TokenObserved, tokenSecretController } from './token-secret.ts';
