import type { AnyObject, ObjectMeta } from '#api/kube';
import {
  dns1035Label,
  dnsLabel,
  dnsSubdomain,
  labelValue,
  pathSegment,
  qualifiedName,
  type TextRule,
} from '#lab/schema';
import { cause, type FieldCause } from './errors.ts';
import { ANNOTATION_BYTES_MAX } from './limits.ts';
import type { Resource } from './resource.ts';

/** Resources whose names are not plain subdomains. */
const NAME_RULES: Readonly<Record<string, TextRule>> = {
  '/namespaces': dnsLabel,
  '/services': dns1035Label,
  'rbac.authorization.k8s.io/clusterroles': pathSegment,
  'rbac.authorization.k8s.io/clusterrolebindings': pathSegment,
  'rbac.authorization.k8s.io/roles': pathSegment,
  'rbac.authorization.k8s.io/rolebindings': pathSegment,
};

/** Findings about `metadata`; names are checked at creation, immutables on change. */
export function validateMeta(resource: Resource, object: AnyObject, old: AnyObject | undefined): FieldCause[] {
  const { metadata } = object;
  return [
    ...(old ? validateImmutables(metadata, old.metadata) : validateName(resource, metadata)),
    ...validateLabels(metadata.labels),
    ...validateAnnotations(metadata.annotations),
    ...validateOwners(metadata),
    ...validateFinalizers(metadata, old?.metadata),
  ];
}

function validateLabels(labels: unknown): FieldCause[] {
  const field = 'metadata.labels';
  const causes: FieldCause[] = [];
  for (const [key, value] of Object.entries((labels ?? {}) as Record<string, unknown>)) {
    causes.push(...complaints(qualifiedName, field, key));
    if (typeof value === 'string') causes.push(...complaints(labelValue, field, value));
    else causes.push(cause.invalid(field, value, 'must be a string'));
  }
  return causes;
}

const complaints = (rule: TextRule, field: string, text: string): FieldCause[] =>
  rule(text).map((detail) => cause.invalid(field, text, detail));

function validateName(resource: Resource, { name, generateName }: ObjectMeta): FieldCause[] {
  if (!name) {
    const detail = generateName === undefined || generateName === '' ? 'name or generateName is required' : '';
    return [cause.required('metadata.name', detail)];
  }
  return complaints(NAME_RULES[resource.storage] ?? dnsSubdomain, 'metadata.name', name);
}

function validateAnnotations(annotations: Record<string, string> | undefined): FieldCause[] {
  const causes: FieldCause[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const detail of qualifiedName(key.toLowerCase()))
      causes.push(cause.invalid('metadata.annotations', key, detail));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(String(value));
  }
  if (bytes > ANNOTATION_BYTES_MAX)
    causes.push(cause.tooLong('metadata.annotations', `may not be more than ${ANNOTATION_BYTES_MAX} bytes`));
  return causes;
}

function validateOwners({ ownerReferences = [] }: ObjectMeta): FieldCause[] {
  const causes: FieldCause[] = [];
  let controllers = 0;
  ownerReferences.forEach((owner, at) => {
    const field = `metadata.ownerReferences[${at}]`;
    for (const part of ['apiVersion', 'kind', 'name', 'uid'] as const)
      if (!owner[part]) causes.push(cause.invalid(`${field}.${part}`, owner[part] ?? '', 'must not be empty'));
    if (owner.controller === true && ++controllers === 2)
      causes.push(
        cause.invalid(
          'metadata.ownerReferences',
          ownerReferences,
          'Only one reference can have Controller set to true',
        ),
      );
  });
  return causes;
}

function validateFinalizers({ finalizers = [] }: ObjectMeta, old: ObjectMeta | undefined): FieldCause[] {
  const causes = finalizers.flatMap((finalizer) => complaints(qualifiedName, 'metadata.finalizers', finalizer));
  if (!old?.deletionTimestamp) return causes;
  const added = finalizers.filter((finalizer) => !old.finalizers?.includes(finalizer));
  if (added.length > 0)
    causes.push(
      cause.forbidden(
        'metadata.finalizers',
        `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => `"${name}"`).join(', ')}}`,
      ),
    );
  return causes;
}

function validateImmutables(meta: ObjectMeta, old: ObjectMeta): FieldCause[] {
  return (['name', 'namespace', 'uid', 'creationTimestamp'] as const)
    .filter((field) => (meta[field] ?? '') !== (old[field] ?? ''))
    .map((field) => cause.invalid(`metadata.${field}`, meta[field] ?? '', 'field is immutable'));
}
