/** Whether a schema is structural: it names a type everywhere, and logical junctors only narrow values down. */
import type { JSONSchemaProps } from '#api/kube';
import { equalJson } from '../patch/json.ts';
import { type FieldCause, fault } from './cause.ts';

/** Where a schema stands: at the root, as items of a list, or as a field or value of a map. */
export type Level = 'root' | 'item' | 'field';

/** The schema of a list's items. */
export const itemsOf = ({ items }: JSONSchemaProps): JSONSchemaProps | undefined =>
  items && !Array.isArray(items) ? items : undefined;

/** The schema of a map's values. */
export const additionalOf = ({ additionalProperties }: JSONSchemaProps): JSONSchemaProps | undefined =>
  typeof additionalProperties === 'object' ? additionalProperties : undefined;

const LEVEL_TEXT: Record<Level, string> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

/** Faults of a root schema. */
export function structuralFaults(schema: JSONSchemaProps, path: string): FieldCause[] {
  return [
    ...nodeFaults(schema, path, 'root'),
    ...JUNCTORS.flatMap((junctor) => missingFaults(schema, junctor, path, path, schema)),
  ];
}

function nodeFaults(schema: JSONSchemaProps, path: string, level: Level): FieldCause[] {
  const items = itemsOf(schema);
  const additional = additionalOf(schema);
  return [
    ...(schema.type === 'array' && !items ? [fault.required(`${path}.items`, 'must be specified')] : []),
    ...(items ? nodeFaults(items, `${path}.items`, 'item') : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      nodeFaults(property, `${path}.properties[${name}]`, 'field'),
    ),
    ...(schema.additionalProperties !== undefined && level === 'root'
      ? [fault.forbidden(`${path}.additionalProperties`, 'must not be used at the root')]
      : []),
    ...(additional ? nodeFaults(additional, `${path}.additionalProperties`, 'field') : []),
    ...extensionFaults(schema, path),
    ...typeFaults(schema, path, level),
    ...metadataFaults(schema, path, level),
    ...junctorFaults(schema, path),
  ];
}

function extensionFaults(schema: JSONSchemaProps, path: string): FieldCause[] {
  if (!schema['x-kubernetes-int-or-string']) return [];
  const clashes = ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const;
  return clashes
    .filter((key) => schema[key])
    .map((key) => fault.invalid(`${path}.${key}`, true, 'must be false if x-kubernetes-int-or-string is true'));
}

function typeFaults(schema: JSONSchemaProps, path: string, level: Level): FieldCause[] {
  const at = `${path}.type`;
  const embedded = schema['x-kubernetes-embedded-resource'] ?? false;
  const open = schema['x-kubernetes-int-or-string'] || schema['x-kubernetes-preserve-unknown-fields'];
  const faults: FieldCause[] = [];
  if (embedded && schema.type !== 'object') {
    const text = 'must be object if x-kubernetes-embedded-resource is true';
    faults.push(schema.type ? fault.invalid(at, schema.type, text) : fault.required(at, text));
  } else if (!schema.type && !open) faults.push(fault.required(at, LEVEL_TEXT[level]));
  if (embedded && schema.additionalProperties !== undefined)
    faults.push(
      fault.forbidden(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'),
    );
  if (level === 'root' && schema.type && schema.type !== 'object')
    faults.push(fault.invalid(at, schema.type, 'must be object at the root'));
  if (embedded && !schema['x-kubernetes-preserve-unknown-fields'] && !Object.keys(schema.properties ?? {}).length)
    faults.push(
      fault.required(
        `${path}.properties`,
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    );
  return faults;
}

/** apiVersion, kind and metadata are what they are; only names may be restricted. */
function metadataFaults(schema: JSONSchemaProps, path: string, level: Level): FieldCause[] {
  if (level !== 'root' && !schema['x-kubernetes-embedded-resource']) return [];
  const { properties = {} } = schema;
  const faults: FieldCause[] = [];
  const want = (name: string, type: string) => {
    const property = properties[name];
    if (property && property.type !== type)
      faults.push(fault.invalid(`${path}.properties[${name}].type`, property.type ?? '', `must be ${type}`));
  };
  want('kind', 'string');
  want('apiVersion', 'string');
  want('metadata', 'object');
  const metadata = properties['metadata'];
  if (metadata && level === 'root' && !isPlainMetadata(metadata))
    faults.push(
      fault.forbidden(
        `${path}.properties[metadata]`,
        'must not specify anything other than name and generateName, but metadata is implicitly specified',
      ),
    );
  return faults;
}

function isPlainMetadata({
  properties = {},
  type: _type,
  description: _description,
  default: _default,
  title: _title,
  ...rest
}: JSONSchemaProps): boolean {
  const others = Object.keys(properties).filter((name) => name !== 'name' && name !== 'generateName');
  return others.length === 0 && Object.keys(rest).length === 0;
}

const INT_OR_STRING: readonly JSONSchemaProps[] = [{ type: 'integer' }, { type: 'string' }];

/** Keys that have no place under a logical junctor, each with the value that is let through. */
const FORBIDDEN_NESTED = [
  ['type', 'must be empty to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['default', 'must be undefined to be structural'],
  ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
] as const satisfies readonly (readonly [keyof JSONSchemaProps, string])[];

const JUNCTORS = ['anyOf', 'allOf', 'oneOf', 'not'] as const;
type Junctor = (typeof JUNCTORS)[number];

/** The parts of one junctor, each with its step of the path. */
function partsUnder(schema: JSONSchemaProps, junctor: Junctor): (readonly [part: JSONSchemaProps, step: string])[] {
  if (junctor === 'not') return schema.not ? [[schema.not, '.not']] : [];
  return (schema[junctor] ?? []).map((part, i) => [part, `.${junctor}[${i}]`] as const);
}

/** What stands under the junctors of a schema must be free of structure, but for the two spellings of int-or-string. */
function junctorFaults(schema: JSONSchemaProps, path: string): FieldCause[] {
  return JUNCTORS.flatMap((junctor) => {
    if (junctor === 'anyOf' && equalJson(schema.anyOf, INT_OR_STRING)) return [];
    return partsUnder(schema, junctor).flatMap(([part, step]) => valueFaults(part, path + step));
  });
}

function valueFaults(part: JSONSchemaProps, path: string): FieldCause[] {
  const items = itemsOf(part);
  return [
    ...FORBIDDEN_NESTED.filter(([key]) => isSet(part[key])).map(([key, text]) =>
      fault.forbidden(`${path}.${key}`, text),
    ),
    ...(part.additionalProperties === undefined
      ? []
      : [fault.forbidden(`${path}.additionalProperties`, 'must be undefined to be structural')]),
    ...junctorFaults(part, path),
    ...Object.entries(part.properties ?? {}).flatMap(([name, property]) =>
      valueFaults(property, `${path}.properties[${name}]`),
    ),
    ...(items ? valueFaults(items, `${path}.items`) : []),
  ];
}

/** What the junctors of the root narrow down must be declared beside them: `outer` at `outerPath`. */
function missingFaults(
  schema: JSONSchemaProps,
  junctor: Junctor,
  path: string,
  outerPath: string,
  outer: JSONSchemaProps,
): FieldCause[] {
  return partsUnder(schema, junctor).flatMap(([part, step]) => undeclaredFaults(part, path + step, outerPath, outer));
}

function undeclaredFaults(
  part: JSONSchemaProps,
  path: string,
  outerPath: string,
  outer: JSONSchemaProps | undefined,
): FieldCause[] {
  if (!outer) return [fault.required(outerPath, `because it is defined in ${path}`)];
  const items = itemsOf(part);
  return [
    ...JUNCTORS.flatMap((junctor) => missingFaults(part, junctor, path, outerPath, outer)),
    ...(items ? undeclaredFaults(items, `${path}.items`, `${outerPath}.items`, itemsOf(outer)) : []),
    ...Object.entries(part.properties ?? {}).flatMap(([name, property]) => {
      const step = `.properties[${name}]`;
      return undeclaredFaults(property, path + step, outerPath + step, outer.properties?.[name]);
    }),
  ];
}

const isSet = (value: unknown) =>
  value !== undefined && value !== false && value !== '' && !(Array.isArray(value) && value.length === 0);
