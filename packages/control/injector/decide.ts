/** Whether a pod gets a proxy, and why not. */
import type { PodSpec } from '#api/kube';
import { ANNOTATION_KEYS, INIT_CONTAINER, PROXY_CONTAINER } from '#model/names';

/** Reasons by the names that metrics carry, with the text for events. */
export const SKIP_REASONS = {
  invalid_inject_annotation_at_ns: `the annotation ${ANNOTATION_KEYS.inject} on the namespace is neither enabled, disabled nor ingress`,
  invalid_inject_annotation_at_workload: `the annotation ${ANNOTATION_KEYS.inject} on the pod is neither enabled, disabled nor ingress`,
  injection_disable_annotation_present: `the pod has the annotation ${ANNOTATION_KEYS.inject}: disabled`,
  injection_enable_annotation_absent: `neither the namespace nor the pod have the annotation ${ANNOTATION_KEYS.inject}: enabled`,
  host_network_enabled: 'hostNetwork is enabled',
  sidecar_already_exists: 'the pod has a sidecar already',
  disabled_automount_service_account_token_account:
    'automountServiceAccountToken is false and projected tokens are off',
  unsupported_resource: 'this resource kind is not supported',
} as const;
export type SkipReason = keyof typeof SKIP_REASONS;

/** Where the annotation stands that asks for injection. */
export type AnnotationAt = 'namespace' | 'workload';
export type Decision = { inject: true; annotationAt: AnnotationAt } | { inject: false; reasons: SkipReason[] };

const WANTED = new Set(['enabled', 'ingress']);
const VALID = new Set(['enabled', 'ingress', 'disabled']);
const PROXIES = new Set([PROXY_CONTAINER, 'istio-proxy']);
const INITS = new Set([INIT_CONTAINER, 'istio-init']);
const PROXY_IMAGES = ['cr.l5d.io/linkerd/proxy:', 'gcr.io/istio-release/proxyv2:'];

/** Decides by annotations, then by what the pod is. All reasons against it are given. */
export function decide(
  pod: { annotations: Readonly<Record<string, string>>; spec: PodSpec },
  namespaceAnnotations: Readonly<Record<string, string>>,
  options: { tokenProjection: boolean },
): Decision {
  const reasons: SkipReason[] = [];
  if (pod.spec.hostNetwork) reasons.push('host_network_enabled');
  if (hasSidecar(pod.spec)) reasons.push('sidecar_already_exists');
  const asked = byAnnotations(namespaceAnnotations[ANNOTATION_KEYS.inject], pod.annotations[ANNOTATION_KEYS.inject]);
  if (typeof asked === 'object') reasons.push(asked.reason);
  if (!options.tokenProjection && pod.spec.automountServiceAccountToken === false)
    reasons.push('disabled_automount_service_account_token_account');
  return typeof asked === 'object' || reasons.length > 0
    ? { inject: false, reasons }
    : { inject: true, annotationAt: asked };
}

function byAnnotations(namespace: string | undefined, pod: string | undefined): AnnotationAt | { reason: SkipReason } {
  if (namespace !== undefined && !VALID.has(namespace)) return { reason: 'invalid_inject_annotation_at_ns' };
  if (pod !== undefined && !VALID.has(pod)) return { reason: 'invalid_inject_annotation_at_workload' };
  if (pod !== undefined && WANTED.has(pod)) return 'workload';
  const wanted = namespace !== undefined && WANTED.has(namespace);
  if (!wanted) return { reason: 'injection_enable_annotation_absent' };
  return pod === 'disabled' ? { reason: 'injection_disable_annotation_present' } : 'namespace';
}

function hasSidecar(spec: PodSpec): boolean {
  const inits = spec.initContainers ?? [];
  const isProxy = ({ name, image = '' }: { name: string; image?: string }) =>
    PROXIES.has(name) || PROXY_IMAGES.some((prefix) => image.startsWith(prefix));
  return [...spec.containers, ...inits].some(isProxy) || inits.some(({ name }) => INITS.has(name));
}
