/** The fields of a served kind as CEL's static types, where the kind says them. */
import type { BaseType, FieldTable } from '#api/kube';
import { BOOL, type CelType, DYN, INT, scalar, TEXT } from '#lab/cel';
import { builtins } from '#lab/schema';
import type { Resource } from './resource.ts';

/** The type of a kind's objects. */
export function kindType({ gvr, kind, openApiSchema, custom }: Resource): CelType {
  if (custom) return openApiSchema ? withObjectFields(schemaType(openApiSchema)) : DYN;
  const found = builtins.findKind(gvr.group, gvr.version, kind);
  return found ? structType(found.type) : DYN;
}

const SCALARS: Readonly<Partial<Record<BaseType, CelType>>> = {
  string: TEXT,
  bytes: TEXT,
  bool: BOOL,
  i32: INT,
  i64: INT,
  f64: scalar('double'),
};

/** Fields are looked up when they are asked for: structs contain themselves. */
const structType = (id: string): CelType => ({
  kind: 'object',
  field: (name) => {
    const field = builtins.type(id).fields.get(name);
    if (field) return fieldType(field, field.wrap);
    return name === 'apiVersion' || name === 'kind' ? TEXT : undefined;
  },
});

function fieldType(field: FieldTable, wrap: FieldTable['wrap']): CelType {
  const [outer, ...inner] = wrap;
  if (outer === 'list') return { kind: 'list', items: fieldType(field, inner) };
  if (outer === 'map') return { kind: 'map', values: fieldType(field, inner) };
  return field.ref ? structType(field.ref) : (SCALARS[field.base] ?? DYN);
}

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly nullable?: boolean;
  readonly format?: string;
  readonly [extension: `x-kubernetes-${string}`]: unknown;
}

const SCHEMA_SCALARS: Readonly<Record<string, CelType>> = {
  boolean: BOOL,
  integer: INT,
  number: scalar('double'),
  string: TEXT,
};

function schemaType(schema: Schema): CelType {
  if (schema.nullable || schema['x-kubernetes-int-or-string'] || schema['x-kubernetes-preserve-unknown-fields'])
    return DYN;
  if (schema.type === 'array') return { kind: 'list', items: schema.items ? schemaType(schema.items) : DYN };
  if (schema.type !== 'object') return SCHEMA_SCALARS[schema.type ?? ''] ?? DYN;
  const { additionalProperties: more, properties = {} } = schema;
  if (more) return { kind: 'map', values: more === true ? DYN : schemaType(more) };
  return {
    kind: 'object',
    field: (name) => {
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      return property && schemaType(property);
    },
  };
}

/** Whatever its schema, a custom resource has the fields of every object. */
const withObjectFields = (type: CelType): CelType =>
  type.kind !== 'object'
    ? type
    : {
        kind: 'object',
        field: (name) =>
          name === 'metadata' ? structType('meta/v1.ObjectMeta') : (type.field(name) ?? OBJECT_FIELDS[name]),
      };

const OBJECT_FIELDS: Readonly<Record<string, CelType>> = { apiVersion: TEXT, kind: TEXT };
