/**
 * What stands between authorization and storage: the built-in checks (namespace lifecycle, service accounts, priority), the
 * policies in CEL and the webhooks that users register.
 */
export { Admission, type AdmissionDeps } from './admission.ts';
