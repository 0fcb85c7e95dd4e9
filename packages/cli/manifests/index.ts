/**
 * Manifests as TypeScript: custom resource definitions, the control plane and the extensions, rendered from values as
 * Linkerd's charts would be. Pure; applied by kubectl, or by whoever composes a mesh with a lab.
 */
export { renderControlPlane } from './control-plane.ts';
export { customResourceDefinition, LINK_CRD } from './crds/index.ts';
export { renderCrds } from './crds.ts';
export {
  applyHighAvailability,
  defaultValues,
  mergeValues,
  parseSet,
  putPath,
  trustDomainOf,
  type Values,
} from './values.ts';
export { WEBHOOKS, type WebhookCertificates, webhookCertificates } from './webhooks.ts';
