import type { AnyObject, ObjectMeta } from '#api/kube';
import { cause, type FieldCause } from './errors.ts';
import { ANNOTATION_BYTES_MAX } from './limits.ts';
import type { Resource } from './resource.ts';

const DNS_1123_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const DNS_1123_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_1035_LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const PATH_SEGMENT = /^(?!\.{1,2}$)[^/%]+$/;
const LABEL_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

interface NameRule {
  readonly pattern: RegExp;
  readonly lengthMax: number;
  readonly detail: string;
}

const SUBDOMAIN: NameRule = {
  pattern: DNS_1123_SUBDOMAIN,
  lengthMax: 253,
  detail:
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end " +
    "with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
};
const LABEL: NameRule = {
  pattern: DNS_1123_LABEL,
  lengthMax: 63,
  detail:
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
    "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
};
const SERVICE: NameRule = {
  pattern: DNS_1035_LABEL,
  lengthMax: 63,
  detail:
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end " +
    "with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
};
const SEGMENT: NameRule = {
  pattern: PATH_SEGMENT,
  lengthMax: 253,
  detail: "may not contain '/' or '%', or be '.' or '..'",
};

/** Resources whose names are not plain subdomains. */
const NAME_RULES: Readonly<Record<string, NameRule>> = {
  '/namespaces': LABEL,
  '/services': SERVICE,
  'rbac.authorization.k8s.io/clusterroles': SEGMENT,
  'rbac.authorization.k8s.io/clusterrolebindings': SEGMENT,
  'rbac.authorization.k8s.io/roles': SEGMENT,
  'rbac.authorization.k8s.io/rolebindings': SEGMENT,
};

/** Findings about `metadata`; names are checked at creation, immutables on change. */
export function validateMeta(resource: Resource, object: AnyObject, old: AnyObject | undefined): FieldCause[] {
  const { metadata } = object;
  return [
    ...(old ? validateImmutables(metadata, old.metadata) : validateName(resource, metadata)),
    ...validateLabels(metadata.labels, 'metadata.labels'),
    ...validateAnnotations(metadata.annotations),
    ...validateOwners(metadata),
    ...validateFinalizers(metadata, old?.metadata),
  ];
}

/** Findings about a label map, e.g. of a pod template. */
export function validateLabels(labels: unknown, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const [key, value] of Object.entries((labels ?? {}) as Record<string, unknown>)) {
    if (!isQualifiedName(key)) causes.push(cause.invalid(field, key, QUALIFIED_NAME_DETAIL));
    if (typeof value !== 'string') causes.push(cause.invalid(field, value, 'must be a string'));
    else if (value.length > 63) causes.push(cause.invalid(field, value, 'must be no more than 63 characters'));
    else if (!LABEL_VALUE.test(value)) causes.push(cause.invalid(field, value, LABEL_VALUE_DETAIL));
  }
  return causes;
}

const QUALIFIED_NAME_DETAIL =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const LABEL_VALUE_DETAIL =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with " +
  "an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
  "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function isQualifiedName(key: string): boolean {
  const parts = key.split('/');
  const name = parts.pop() ?? '';
  if (parts.length > 1 || !LABEL_NAME.test(name)) return false;
  return parts.length === 0 || (parts[0]!.length <= 253 && DNS_1123_SUBDOMAIN.test(parts[0]!));
}

function validateName(resource: Resource, { name, generateName }: ObjectMeta): FieldCause[] {
  if (!name) {
    const detail = generateName === undefined || generateName === '' ? 'name or generateName is required' : '';
    return [cause.required('metadata.name', detail)];
  }
  const rule = NAME_RULES[resource.storage] ?? SUBDOMAIN;
  if (name.length > rule.lengthMax)
    return [cause.invalid('metadata.name', name, `must be no more than ${rule.lengthMax} characters`)];
  return rule.pattern.test(name) ? [] : [cause.invalid('metadata.name', name, rule.detail)];
}

function validateAnnotations(annotations: Record<string, string> | undefined): FieldCause[] {
  const causes: FieldCause[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    if (!isQualifiedName(key.toLowerCase()))
      causes.push(cause.invalid('metadata.annotations', key, QUALIFIED_NAME_DETAIL));
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
  const causes = finalizers
    .filter((finalizer) => !isQualifiedName(finalizer))
    .map((finalizer) => cause.invalid('metadata.finalizers', finalizer, QUALIFIED_NAME_DETAIL));
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
