/**
 * What every namespace gets: ServiceAccount `default` and the ConfigMap with the API server's CA. (Secrets with tokens are filled by
 * the API server, which has the keys.)
 */

export { type DefaultAccountObserved, defaultAccountController } from './default-account.ts';
export { type RootCaObserved, rootCaController } from './root-ca.ts';
