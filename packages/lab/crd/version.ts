/** One served version of a CRD, compiled: everything that the API server asks of a kind. */
import type { AnyObject, CustomResourceDefinition, CustomResourceDefinitionVersion } from '#api/kube';
import type { Cel } from '../cel/index.ts';
import { builtins, type FieldSchema } from '../schema/index.ts';
import { type FieldCause, fault } from './cause.ts';
import { type Column, compileColumns } from './columns.ts';
import { applyDefaults } from './defaults.ts';
import { rootFieldSchema } from './field-schema.ts';
import { compileSchema, nodeOfKey, type SchemaNode } from './node.ts';
import { dropNulls, prune } from './prune.ts';
import { validateValue } from './validate.ts';
import { validateLists } from './validate-lists.ts';
import { validateRules } from './validate-rules.ts';

export interface CompiledVersion {
  readonly name: string;
  readonly definition: CustomResourceDefinitionVersion;
  /** Merge rules for patches and server-side apply. */
  readonly schema: FieldSchema;
  /**
   * Prunes, drops forbidden nulls, fills defaults; the argument is not changed. `unknownFields` are the paths of what was
   * dropped as undeclared, e.g. `spec.foo`.
   */
  normalize(object: AnyObject): { readonly object: AnyObject; readonly unknownFields: readonly string[] };
  /** Defaults only: for objects read from the store, which may be older than a default. */
  applyDefaults(object: AnyObject): AnyObject;
  /**
   * Faults of a normalized object by schema, list keys, scale and CEL rules (metadata is the caller's). With `old`, unchanged
   * parts are not judged again, and transition rules run.
   */
  validate(object: AnyObject, old?: AnyObject): readonly FieldCause[];
  readonly columns: readonly Column[];
  /** Cells in the order of {@link columns}. */
  row(object: AnyObject, nowMs: number): readonly unknown[];
  readonly subresources: { readonly status: boolean; readonly scale: boolean };
  /** Paths of the scale subresource. */
  readonly scale?: { readonly specReplicas: string; readonly statusReplicas: string; readonly selector?: string };
  /** Fields that field selectors may name, e.g. `spec.color`, each with its reader. */
  readonly selectableFields: ReadonlyMap<string, (object: AnyObject) => string | undefined>;
}

/** Compiles one version; `cel` is shared by all. */
export function compileVersion(crd: CustomResourceDefinition, name: string, cel: Cel): CompiledVersion {
  const definition = crd.spec.versions.find((version) => version.name === name);
  if (!definition) throw new Error(`CustomResourceDefinition ${crd.metadata.name} has no version ${name}`);
  const root = compileSchema(definition.schema?.openAPIV3Schema ?? { type: 'object' }, cel);
  const keepsAll = crd.spec.preserveUnknownFields === true;
  const withDefaults = (object: AnyObject) => applyDefaults(object, root) as AnyObject;
  const { columns, row } = compileColumns(definition.additionalPrinterColumns);
  const { subresources } = definition;
  const scale = subresources?.scale;
  return {
    name,
    definition,
    schema: rootFieldSchema(keepsAll ? { ...root, preserves: true } : root),
    normalize: (object) => {
      const pruned = keepsAll ? { value: object, unknown: [] } : prune(object, root);
      const meta = pruneMetadata(pruned.value as AnyObject);
      return {
        object: withDefaults(dropNulls(meta.object, root) as AnyObject),
        unknownFields: [...pruned.unknown, ...meta.unknown],
      };
    },
    applyDefaults: withDefaults,
    validate: (object, old) => [
      ...validateScale(object, scale?.specReplicasPath),
      ...validateObject(object, old, root, cel),
    ],
    columns,
    row,
    subresources: { status: subresources?.status !== undefined, scale: scale !== undefined },
    ...(scale && {
      scale: {
        specReplicas: scale.specReplicasPath,
        statusReplicas: scale.statusReplicasPath,
        ...(scale.labelSelectorPath && { selector: scale.labelSelectorPath }),
      },
    }),
    selectableFields: new Map((definition.selectableFields ?? []).map(({ jsonPath }) => selectable(jsonPath))),
  };
}

/** ObjectMeta is the same for every kind, whatever the schema says. */
function pruneMetadata(object: AnyObject): { object: AnyObject; unknown: string[] } {
  const { fields } = builtins.schemaOf('meta/v1.ObjectMeta');
  const unknown = Object.keys(object.metadata ?? {}).filter((key) => !fields?.has(key));
  if (unknown.length === 0) return { object, unknown };
  const kept = Object.entries(object.metadata).filter(([key]) => fields?.has(key));
  return {
    object: { ...object, metadata: Object.fromEntries(kept) },
    unknown: unknown.map((key) => `metadata.${key}`),
  };
}

/** After these faults rules could meet values of the wrong type, or endless ones. */
const BLOCKING = new Set(['FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany', 'FieldValueTypeInvalid']);

const RULES_SKIPPED =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

function validateObject(object: AnyObject, old: AnyObject | undefined, root: SchemaNode, cel: Cel): FieldCause[] {
  const causes = [
    ...validateValue(object, root, old, cel.patterns),
    ...validateEmbedded(object, root, ''),
    ...validateLists(object, root),
  ];
  if (!root.rulesBelow) return causes;
  if (causes.some(({ reason }) => BLOCKING.has(reason)))
    return [...causes, fault.invalid('<nil>', null, RULES_SKIPPED)];
  return [...causes, ...validateRules(object, root, old)];
}

/** Objects within objects need apiVersion and kind. */
function validateEmbedded(value: unknown, node: SchemaNode, path: string): FieldCause[] {
  if (Array.isArray(value)) {
    const { items } = node;
    return items ? value.flatMap((item, i) => validateEmbedded(item, items, `${path}[${i}]`)) : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  const map = value as Record<string, unknown>;
  const own = node.embedded
    ? (['apiVersion', 'kind'] as const)
        .filter((field) => !map[field])
        .map((field) => fault.required(`${path}.${field}`, 'must not be empty'))
    : [];
  const below = Object.entries(map).flatMap(([key, item]) => {
    const child = nodeOfKey(node, key);
    return child ? validateEmbedded(item, child, path === '' ? key : `${path}.${key}`) : [];
  });
  return [...own, ...below];
}

const INT32_MAX = 2 ** 31 - 1;

function validateScale(object: AnyObject, specReplicasPath: string | undefined): FieldCause[] {
  if (!specReplicasPath) return [];
  const [, value] = selectableValue(object, specReplicasPath);
  if (typeof value !== 'number') return [];
  if (value < 0) return [fault.invalid(specReplicasPath, value, 'should be a non-negative integer')];
  if (value > INT32_MAX)
    return [fault.invalid(specReplicasPath, value, `should be less than or equal to ${INT32_MAX}`)];
  return [];
}

function selectableValue(object: AnyObject, jsonPath: string): readonly [string, unknown] {
  const name = jsonPath.replace(/^\./, '');
  let at: unknown = object;
  for (const step of name.split('.'))
    at =
      typeof at === 'object' && at !== null && Object.hasOwn(at, step)
        ? (at as Record<string, unknown>)[step]
        : undefined;
  return [name, at];
}

function selectable(jsonPath: string): readonly [string, (object: AnyObject) => string | undefined] {
  const read = (object: AnyObject) => {
    const [, value] = selectableValue(object, jsonPath);
    return value === undefined || value === null ? undefined : String(value);
  };
  return [jsonPath.replace(/^\./, ''), read];
}

/** Conversion `None`: the same object under another version's name. */
export function convertObject(object: AnyObject, apiVersion: string): AnyObject {
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}
