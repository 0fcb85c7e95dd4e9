/** All that v1 demands of a CRD's schema, with Kubernetes' texts. */
import type { JSONSchemaProps } from '#api/kube';
import type { Cel } from '../cel/index.ts';
import { type FieldCause, fault } from './cause.ts';
import { defaultFaults } from './default-faults.ts';
import { listFaults } from './list-faults.ts';
import { ruleFaults, ruleShapeFaults } from './rule-faults.ts';
import { additionalOf, itemsOf, type Level, structuralFaults } from './structural-faults.ts';

interface Context {
  readonly cel: Cel;
  /** Why defaults are not allowed here. */
  readonly noDefaults?: string;
}

/** All faults of a version's schema. */
export function schemaFaults(schema: JSONSchemaProps, path: string, cel: Cel): FieldCause[] {
  const structural = structuralFaults(schema, path).sort(byText);
  const root = schema.nullable ? [fault.forbidden(`${path}.nullable`, 'nullable cannot be true at the root')] : [];
  const defaults = structural.length === 0 ? defaultFaults(schema, `${path}`, cel) : [];
  const rest = generalFaults(schema, path, 'root', { cel });
  const rules = [structural, root, defaults, rest].every((list) => list.length === 0)
    ? ruleFaults(schema, path, cel)
    : [];
  return [...root, ...structural, ...defaults, ...rest, ...rules];
}

const byText = (a: FieldCause, b: FieldCause) => {
  const [x, y] = [`${a.field}: ${a.message}`, `${b.field}: ${b.message}`];
  return x < y ? -1 : x > y ? 1 : 0;
};

const TYPES = new Set(['array', 'boolean', 'integer', 'number', 'object', 'string']);

/** What v1 forbids or demands of a schema beside its structure. */
function generalFaults(schema: JSONSchemaProps, path: string, level: Level, context: Context): FieldCause[] {
  const items = itemsOf(schema);
  const additional = additionalOf(schema);
  const under = (property: string): Context =>
    level === 'root' && ['metadata', 'apiVersion', 'kind'].includes(property)
      ? { ...context, noDefaults: `in top-level ${property}` }
      : context;
  return [
    ...plainFaults(schema, path, context),
    ...(additional && Object.keys(schema.properties ?? {}).length > 0
      ? [fault.forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive')]
      : []),
    ...listFaults(schema, path),
    ...ruleShapeFaults(schema['x-kubernetes-validations'] ?? [], path),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      generalFaults(property, `${path}.properties[${name}]`, 'field', under(name)),
    ),
    ...(items ? generalFaults(items, `${path}.items`, 'item', context) : []),
    ...(additional ? generalFaults(additional, `${path}.additionalProperties`, 'field', context) : []),
    ...(['allOf', 'anyOf', 'oneOf'] as const).flatMap((key) =>
      (schema[key] ?? []).flatMap((part, i) => generalFaults(part, `${path}.${key}[${i}]`, 'field', context)),
    ),
    ...(schema.not ? generalFaults(schema.not, `${path}.not`, 'field', context) : []),
  ];
}

function plainFaults(schema: JSONSchemaProps, path: string, { noDefaults, cel }: Context): FieldCause[] {
  const faults: FieldCause[] = [];
  if (schema.type === 'null')
    faults.push(fault.forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'));
  if (schema.type && !TYPES.has(schema.type)) faults.push(fault.notSupported(`${path}.type`, schema.type, [...TYPES]));
  if (schema.uniqueItems)
    faults.push(
      fault.forbidden(
        `${path}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  if (schema.default !== undefined && noDefaults)
    faults.push(fault.forbidden(`${path}.default`, `must not be set ${noDefaults}`));
  if (schema.$ref !== undefined) faults.push(fault.forbidden(`${path}.$ref`, '$ref is not supported'));
  if (schema.pattern) faults.push(...patternFaults(schema.pattern, `${path}.pattern`, cel));
  if (Array.isArray(schema.items))
    faults.push(fault.forbidden(`${path}.items`, 'items must be a schema object and not an array'));
  for (const key of ['definitions', 'dependencies', 'patternProperties', 'additionalItems'] as const)
    if (schema[key] !== undefined) faults.push(fault.forbidden(`${path}.${key}`, `${key} is not supported`));
  return faults;
}

function patternFaults(pattern: string, path: string, cel: Cel): FieldCause[] {
  try {
    cel.patterns.compile(pattern);
    return [];
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return [fault.invalid(path, pattern, `must be a valid regular expression, but isn't: ${text}`)];
  }
}
