/** ServiceProfiles (linkerd.io/v1alpha2): read from Kubernetes, in the words of the proxies' API. */
export { type ProfileRecord, readProfile } from './record.ts';
export { DEFAULT_RETRY_BUDGET, type TranslatedProfile, translateSpec } from './translate.ts';
