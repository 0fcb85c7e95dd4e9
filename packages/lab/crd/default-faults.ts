/** Whether the defaults of a schema fit it. */
import type { JSONSchemaProps } from '#api/kube';
import type { Cel } from '../cel/index.ts';
import { type FieldCause, fault } from './cause.ts';
import { applyDefaults } from './defaults.ts';
import { compileSchema } from './node.ts';
import { prune } from './prune.ts';
import { additionalOf, itemsOf } from './structural-faults.ts';
import { validateValue } from './validate.ts';
import { validateLists } from './validate-lists.ts';

/** Defaults must be what pruning keeps and validation accepts. */
export function defaultFaults(schema: JSONSchemaProps, path: string, cel: Cel): FieldCause[] {
  const own =
    schema.default !== undefined && schema.default !== null ? ownDefaultFaults(schema, `${path}.default`, cel) : [];
  const items = itemsOf(schema);
  const additional = additionalOf(schema);
  return [
    ...own,
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      defaultFaults(property, `${path}.properties[${name}]`, cel),
    ),
    ...(items ? defaultFaults(items, `${path}.items`, cel) : []),
    ...(additional ? defaultFaults(additional, `${path}.additionalProperties`, cel) : []),
  ];
}

function ownDefaultFaults(schema: JSONSchemaProps, path: string, cel: Cel): FieldCause[] {
  const node = compileSchema(schema, cel);
  const value = schema.default;
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !node.embedded) {
    const { unknown } = prune(value, node);
    if (unknown.length > 0) return [fault.invalid(path, value, 'must not have unknown fields')];
  }
  const filled = applyDefaults(value, node);
  return [...validateValue(filled, node, undefined, cel.patterns), ...validateLists(filled, node)].map((cause) => ({
    ...cause,
    field: cause.field === '<nil>' ? path : `${path}.${cause.field}`,
  }));
}
