/**
 * Manifests as TypeScript: custom resource definitions, the control plane and the extensions, rendered from values as
 * Linkerd's charts would be. Pure; applied by kubectl, or by whoever composes a mesh with a lab.
 */

export {
  CNI_OPEN_MAPS,
  CNI_VALUE_DOCS,
  type CniValues,
  cniObjects,
  defaultCniValues,
  renderCni,
} from './cni.ts';
export { controlPlaneParts, renderControlPlane } from './control-plane.ts';
export {
  type CrdSource,
  customResourceDefinition,
  GATEWAY_CRDS,
  LINK_CRD,
  LINKERD_CRDS,
  MCS_CRDS,
  type Schema,
} from './crds/index.ts';
export { CRD_DEFAULTS, type CrdValues, renderCrds } from './crds.ts';
export { ineffective, type Refusal, refusals } from './refusals.ts';
export { VALUE_DOCS } from './value-docs.ts';
export {
  applyHighAvailability,
  defaultValues,
  differences,
  highAvailability,
  mergeValues,
  OPEN_MAPS,
  parseSet,
  putPath,
  trustDomainOf,
  type Values,
} from './values.ts';
export { type PresentCertificates, WEBHOOKS, type WebhookCertificates, webhookCertificates } from './webhooks.ts';
