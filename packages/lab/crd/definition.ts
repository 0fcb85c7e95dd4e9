/** CustomResourceDefinition objects: defaults and validation. Texts after apiextensions-apiserver. */
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
} from '#api/kube';
import type { Cel } from '../cel/index.ts';
import { JsonPathError, parseJsonPath } from '../jsonpath/index.ts';
import { equalJson } from '../patch/json.ts';
import { type FieldCause, fault } from './cause.ts';
import { dns1035Faults, subdomainFaults } from './names.ts';
import { schemaFaults } from './schema-faults.ts';
import { isEstablished } from './status.ts';

/**
 * `crd` with the defaults of v1: singular, listKind, conversion. What must be there and is not becomes empty, so that
 * validation can name it. The argument is not changed.
 */
export function defaultDefinition(crd: CustomResourceDefinition): CustomResourceDefinition {
  const spec: Partial<CustomResourceDefinition['spec']> = crd.spec ?? {};
  const names: Partial<CustomResourceDefinitionNames> = spec.names ?? {};
  const kind = names.kind ?? '';
  return {
    ...crd,
    spec: {
      ...spec,
      group: spec.group ?? '',
      scope: spec.scope ?? '',
      versions: spec.versions ?? [],
      names: {
        ...names,
        plural: names.plural ?? '',
        kind,
        singular: names.singular || kind.toLowerCase(),
        listKind: names.listKind || (kind && `${kind}List`),
      },
      conversion: spec.conversion ?? { strategy: 'None' },
    },
  };
}

/** Faults of a defaulted CRD; with `old`, also of the change. Metadata beside the name is the caller's. */
export function validateDefinition(
  crd: CustomResourceDefinition,
  cel: Cel,
  old?: CustomResourceDefinition,
): FieldCause[] {
  return [
    ...nameFaults(crd),
    ...groupFaults(crd),
    ...enumFaults('spec.scope', crd.spec.scope, ['Cluster', 'Namespaced']),
    ...crd.spec.versions.flatMap((version, i) => versionFaults(crd, version, i)),
    ...versionListFaults(crd),
    ...requiredNameFaults(crd.spec.names),
    ...nameListFaults(crd.spec.names, 'spec.names'),
    ...allSchemaFaults(crd, cel, old),
    ...conversionFaults(crd),
    ...approvalFaults(crd),
    ...(old ? updateFaults(crd, old) : []),
  ];
}

function nameFaults({ metadata, spec }: CustomResourceDefinition): FieldCause[] {
  const name = metadata.name ?? '';
  const faults = subdomainFaults(name);
  if (name !== `${spec.names.plural}.${spec.group}`) faults.push('must be spec.names.plural+"."+spec.group');
  return faults.map((text) => fault.invalid('metadata.name', name, text));
}

function groupFaults({ spec: { group } }: CustomResourceDefinition): FieldCause[] {
  if (!group) return [fault.required('spec.group')];
  const faults = subdomainFaults(group);
  if (faults.length > 0) return [fault.invalid('spec.group', group, faults.join(','))];
  return group.includes('.') ? [] : [fault.invalid('spec.group', group, 'should be a domain with at least one dot')];
}

function enumFaults(field: string, value: string | undefined, accepted: readonly string[]): FieldCause[] {
  if (!value) return [fault.required(field)];
  return accepted.includes(value) ? [] : [fault.notSupported(field, value, accepted)];
}

/** Schemas, subresources and columns that all versions share are judged once, as one field of the spec. */
function isShared(
  crd: CustomResourceDefinition,
  part: 'schema' | 'subresources' | 'additionalPrinterColumns',
): boolean {
  const [first, ...rest] = crd.spec.versions;
  return first?.[part] !== undefined && rest.every((version) => equalJson(version[part], first[part]));
}

function versionFaults(
  crd: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  index: number,
): FieldCause[] {
  const path = `spec.versions[${index}]`;
  const faults = dns1035Faults(version.name ?? '').join(',');
  return [
    ...(version.schema?.openAPIV3Schema ? [] : [fault.required(`${path}.schema.openAPIV3Schema`)]),
    ...(faults ? [fault.invalid(`${path}.name`, version.name, faults)] : []),
    // Inside, the first version is also the single version of older CRDs.
    ...(faults && index === 0 ? [fault.invalid('spec.version', version.name, faults)] : []),
    ...deprecationFaults(version, path),
    ...subresourceFaults(
      version.subresources,
      isShared(crd, 'subresources') ? 'spec.subresources' : `${path}.subresources`,
    ),
    ...(version.additionalPrinterColumns ?? []).flatMap((column, i) =>
      columnFaults(
        column,
        `${isShared(crd, 'additionalPrinterColumns') ? 'spec' : path}.additionalPrinterColumns[${i}]`,
      ),
    ),
  ];
}

function deprecationFaults(
  { deprecated, deprecationWarning }: CustomResourceDefinitionVersion,
  path: string,
): FieldCause[] {
  if (deprecationWarning === undefined) return [];
  const refuse = (text: string) => [fault.invalid(`${path}.deprecationWarning`, deprecationWarning, text)];
  if (!deprecated) return refuse('can only be set for deprecated versions');
  if (deprecationWarning === '') return refuse('must not be an empty string');
  return deprecationWarning.length > 256 ? refuse('must be <= 256 characters long') : [];
}

const NOT_SIMPLE = 'must be a simple json path starting with .';

function subresourceFaults(subresources: CustomResourceSubresources | undefined, path: string): FieldCause[] {
  const scale = subresources?.scale;
  if (!scale) return [];
  const under = (field: 'specReplicasPath' | 'statusReplicasPath' | 'labelSelectorPath', roots: readonly string[]) => {
    const value = scale[field];
    const at = `${path}.scale.${field}`;
    if (!value) return field === 'labelSelectorPath' ? [] : [fault.required(at)];
    if (roots.some((root) => value.startsWith(root))) return [];
    if (!value.startsWith('.')) return [fault.invalid(at, value, NOT_SIMPLE)];
    return [
      fault.invalid(
        at,
        value,
        `should be a json path under ${roots.map((root) => root.replace(/\.$/, '')).join(' or ')}`,
      ),
    ];
  };
  return [
    ...under('specReplicasPath', ['.spec.']),
    ...under('statusReplicasPath', ['.status.']),
    ...under('labelSelectorPath', ['.spec.', '.status.']),
  ];
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

function columnFaults({ name, type, format, jsonPath }: CustomResourceColumnDefinition, path: string): FieldCause[] {
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  return [
    ...(name ? [] : [fault.required(`${path}.name`)]),
    ...(type
      ? COLUMN_TYPES.includes(type)
        ? []
        : [fault.invalid(`${path}.type`, type, types)]
      : [fault.required(`${path}.type`, types)]),
    ...(!format || COLUMN_FORMATS.includes(format)
      ? []
      : [fault.invalid(`${path}.format`, format, `must be one of ${COLUMN_FORMATS.join(',')}`)]),
    ...jsonPathFaults(jsonPath, `${path}.JSONPath`),
  ];
}

function jsonPathFaults(jsonPath: string | undefined, path: string): FieldCause[] {
  if (!jsonPath) return [fault.required(path)];
  if (!jsonPath.startsWith('.')) return [fault.invalid(path, jsonPath, NOT_SIMPLE)];
  try {
    parseJsonPath(jsonPath);
    return [];
  } catch (error) {
    if (!(error instanceof JsonPathError)) throw error;
    return [fault.invalid(path, jsonPath, `is an invalid path: ${error.message}`)];
  }
}

function versionListFaults({ spec: { versions } }: CustomResourceDefinition): FieldCause[] {
  const names = versions.map((version) => version.name);
  const faults: string[] = [];
  if (new Set(names).size < names.length) faults.push('must contain unique version names');
  if (versions.filter((version) => version.storage).length !== 1)
    faults.push('must have exactly one version marked as storage version');
  return faults.map((text) => fault.invalid('spec.versions', versions, text));
}

function requiredNameFaults(names: CustomResourceDefinitionNames): FieldCause[] {
  const required = ['plural', 'singular', 'kind', 'listKind'] as const;
  return required.filter((field) => !names[field]).map((field) => fault.required(`spec.names.${field}`));
}

function nameListFaults(names: CustomResourceDefinitionNames, path: string): FieldCause[] {
  const label = (field: string, value: string | undefined) => {
    const faults = value ? dns1035Faults(value) : [];
    return faults.length > 0 ? [fault.invalid(`${path}.${field}`, value, faults.join(','))] : [];
  };
  const mixed = (field: 'kind' | 'listKind') => {
    const value = names[field];
    const faults = value ? dns1035Faults(value.toLowerCase()) : [];
    const text = `may have mixed case, but should otherwise match: ${faults.join(',')}`;
    return faults.length > 0 ? [fault.invalid(`${path}.${field}`, value, text)] : [];
  };
  return [
    ...label('plural', names.plural),
    ...label('singular', names.singular),
    ...mixed('kind'),
    ...mixed('listKind'),
    ...(names.shortNames ?? []).flatMap((name, i) => label(`shortNames[${i}]`, name)),
    ...(names.kind && names.kind === names.listKind
      ? [fault.invalid(`${path}.listKind`, names.listKind, 'kind and listKind may not be the same')]
      : []),
    ...(names.categories ?? []).flatMap((name, i) => label(`categories[${i}]`, name)),
  ];
}

/** Schemas that did not change are not judged again. */
function allSchemaFaults(
  crd: CustomResourceDefinition,
  cel: Cel,
  old: CustomResourceDefinition | undefined,
): FieldCause[] {
  const judge = (version: CustomResourceDefinitionVersion | undefined, path: string) => {
    const schema = version?.schema?.openAPIV3Schema;
    const before = old?.spec.versions.find(({ name }) => name === version?.name)?.schema?.openAPIV3Schema;
    return !schema || (before && equalJson(schema, before)) ? [] : schemaFaults(schema, path, cel);
  };
  if (isShared(crd, 'schema')) return judge(crd.spec.versions[0], 'spec.validation.openAPIV3Schema');
  return crd.spec.versions.flatMap((version, i) => judge(version, `spec.versions[${i}].schema.openAPIV3Schema`));
}

function conversionFaults({ spec: { conversion } }: CustomResourceDefinition): FieldCause[] {
  if (!conversion) return [];
  const faults = enumFaults('spec.conversion.strategy', conversion.strategy, ['None', 'Webhook']);
  const client = conversion.webhook?.clientConfig;
  const path = 'spec.conversion.webhookClientConfig';
  if (conversion.strategy !== 'Webhook')
    return conversion.webhook
      ? [...faults, fault.forbidden(path, 'should not be set when strategy is not set to Webhook')]
      : faults;
  if (!client) faults.push(fault.required(path, 'required when strategy is set to Webhook'));
  else if ((client.url === undefined) === (client.service === undefined))
    faults.push(fault.required(path, 'exactly one of url or service is required'));
  if (!conversion.webhook?.conversionReviewVersions?.length)
    faults.push(fault.required('spec.conversion.conversionReviewVersions'));
  return faults;
}

const APPROVAL = 'api-approved.kubernetes.io';
const APPROVAL_SEE = 'https://github.com/kubernetes/enhancements/pull/1111';

/** Groups of the Kubernetes community need a link to the approval of their API. */
function approvalFaults({ metadata, spec: { group = '' } }: CustomResourceDefinition): FieldCause[] {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(group)) return [];
  const value = metadata.annotations?.[APPROVAL];
  const field = `metadata.annotations[${APPROVAL}]`;
  if (value === undefined || value === '')
    return [
      fault.required(
        field,
        `protected groups must have approval annotation ${JSON.stringify(APPROVAL)}, see ${APPROVAL_SEE}`,
      ),
    ];
  if (value.startsWith('unapproved')) return [];
  if (URL.canParse(value) && new URL(value).host !== '') return [];
  return [
    fault.invalid(
      field,
      value,
      `protected groups must have approval annotation ${JSON.stringify(APPROVAL)} with either a URL or a reason starting with "unapproved", see ${APPROVAL_SEE}`,
    ),
  ];
}

function updateFaults(crd: CustomResourceDefinition, old: CustomResourceDefinition): FieldCause[] {
  const fixed = (field: string, value: unknown, before: unknown) =>
    equalJson(value, before) ? [] : [fault.invalid(field, value, 'field is immutable')];
  const stored = old.status?.storedVersions ?? [];
  const gone = stored.filter((name) => !crd.spec.versions.some((version) => version.name === name));
  return [
    ...(isEstablished(old)
      ? [
          ...fixed('spec.scope', crd.spec.scope, old.spec.scope),
          ...fixed('spec.names.kind', crd.spec.names.kind, old.spec.names.kind),
        ]
      : []),
    ...fixed('spec.group', crd.spec.group, old.spec.group),
    ...fixed('spec.names.plural', crd.spec.names.plural, old.spec.names.plural),
    ...gone.map((name) =>
      fault.invalid(
        `status.storedVersions[${stored.indexOf(name)}]`,
        name,
        `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`,
      ),
    ),
  ];
}
