/** OpenAPI schemas of the built-in types, from the tables; and of custom resources, from their CRD. */
import type { BaseType, FieldTable } from '#api/kube';
import { builtins, DEFAULTS } from '#lab/schema';
import { componentName, OBJECT_META, PATCH, SPECIAL } from './names.ts';
import type { Json, Served } from './served.ts';

/** The two dialects differ in where types live and in what they allow beside a reference. */
export interface Dialect {
  /** `#/components/schemas/` or `#/definitions/`. */
  readonly prefix: string;
  readonly version: 2 | 3;
}
export const V3: Dialect = { prefix: '#/components/schemas/', version: 3 };
export const V2: Dialect = { prefix: '#/definitions/', version: 2 };

const SCALARS: Readonly<Partial<Record<BaseType, Json>>> = {
  string: { type: 'string' },
  bytes: { type: 'string', format: 'byte' },
  bool: { type: 'boolean' },
  i32: { type: 'integer', format: 'int32' },
  i64: { type: 'integer', format: 'int64' },
  f64: { type: 'number', format: 'double' },
  Strings: { type: 'array', items: { type: 'string' } },
};

/** Types whose schema the tables do not hold. */
const SPECIAL_SCHEMAS: Readonly<Record<string, { v3: Json; v2: Json }>> = {
  [SPECIAL.Time]: same({ type: 'string', format: 'date-time' }),
  [SPECIAL.MicroTime]: same({ type: 'string', format: 'date-time' }),
  [SPECIAL.Duration]: same({ type: 'string' }),
  [SPECIAL.FieldsV1]: same({ type: 'object' }),
  [SPECIAL.Raw]: same({ type: 'object' }),
  [SPECIAL.JSON]: same({}),
  [SPECIAL.SchemaOrBool]: same({}),
  [SPECIAL.SchemaOrArray]: same({}),
  [SPECIAL.SchemaOrStrings]: same({}),
  [SPECIAL.Quantity]: { v3: { oneOf: [{ type: 'string' }, { type: 'number' }] }, v2: { type: 'string' } },
  [SPECIAL.IntOrString]: {
    v3: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
    v2: { format: 'int-or-string', type: 'string' },
  },
  [PATCH]: same({ type: 'object' }),
};

function same(schema: Json): { v3: Json; v2: Json } {
  return { v3: schema, v2: schema };
}

/** Collects the schemas that a document needs: each name once, with everything it refers to. */
export class SchemaCollector {
  readonly schemas: Record<string, Json> = {};
  readonly #dialect: Dialect;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  /** A reference to a named type without table or CRD. */
  special(name: string): Json {
    const both = SPECIAL_SCHEMAS[name];
    if (both) this.schemas[name] ??= this.#dialect.version === 3 ? both.v3 : both.v2;
    return this.#ref(name);
  }

  /** A reference to a struct of the tables; `gvks` mark it as the body of these kinds. */
  type(id: string, gvks: readonly Json[] = []): Json {
    const name = componentName(id);
    if (!this.schemas[name]) {
      const type = builtins.type(id);
      const schema: Json = { type: 'object' };
      this.schemas[name] = schema;
      this.#fillProperties(schema, id, [...type.fields.values()]);
      if (type.atomic) schema['x-kubernetes-map-type'] = 'atomic';
    }
    if (gvks.length > 0) addGvks(this.schemas[name], gvks);
    return this.#ref(name);
  }

  /** A reference to the list of a kind whose own schema is `item`. */
  list(name: string, item: Json, gvk: Json): Json {
    this.schemas[name] ??= {
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion: { type: 'string' },
        items: { type: 'array', items: item },
        kind: { type: 'string' },
        metadata: this.type(LIST_META_ID),
      },
      'x-kubernetes-group-version-kind': [gvk],
    };
    return this.#ref(name);
  }

  /** A reference to a custom resource's schema: that of its CRD with the fields every object has. */
  custom(name: string, resource: Served, gvk: Json): Json {
    this.type(OBJECT_META_ID);
    const given = resource.openApiSchema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    const structural = this.#dialect.version === 3 ? given : forV2(given);
    const properties = (structural['properties'] as Json | undefined) ?? {};
    const metadata = this.#ref(OBJECT_META);
    this.schemas[name] ??= {
      ...structural,
      type: 'object',
      properties: { ...properties, apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata },
      'x-kubernetes-group-version-kind': [gvk],
    };
    return this.#ref(name);
  }

  #ref(name: string): Json {
    return { $ref: this.#dialect.prefix + name };
  }

  #fillProperties(schema: Json, id: string, fields: readonly FieldTable[]): void {
    const properties: Json = {};
    for (const field of fields) properties[field.name] = this.#property(id, field);
    if (fields.length > 0) schema['properties'] = properties;
    const required = fields.filter(({ optional }) => !optional).map(({ name }) => name);
    if (required.length > 0) schema['required'] = required;
  }

  #property(owner: string, field: FieldTable): Json {
    const [outer, ...inner] = field.wrap;
    const rules: Json = {
      ...(field.mergeKey && { 'x-kubernetes-patch-merge-key': field.mergeKey }),
      ...(field.strategy.length > 0 && { 'x-kubernetes-patch-strategy': field.strategy.join(',') }),
      ...(field.atomicMap && { 'x-kubernetes-map-type': 'atomic' }),
    };
    const given = DEFAULTS[owner]?.fields?.[field.name];
    const value = typeof given === 'function' ? undefined : given;
    const isScalar = value !== undefined && typeof value !== 'object';
    const defaultTo = isScalar ? value : field.default;
    if (defaultTo !== undefined) rules['default'] = defaultTo;
    if (outer !== 'list')
      return outer ? this.#wrapped(field, field.wrap, rules) : this.#withRules(this.#base(field), rules);
    rules['x-kubernetes-list-type'] = field.listType;
    if (field.listKeys.length > 0) rules['x-kubernetes-list-map-keys'] = field.listKeys;
    return { type: 'array', items: this.#wrapped(field, inner, {}), ...rules };
  }

  #wrapped(field: FieldTable, wrap: FieldTable['wrap'], rules: Json): Json {
    const [outer, ...inner] = wrap;
    if (!outer) return this.#withRules(this.#base(field), rules);
    const items = this.#wrapped(field, inner, {});
    return outer === 'list'
      ? { type: 'array', items, ...rules }
      : { type: 'object', additionalProperties: items, ...rules };
  }

  /** OpenAPI 3 ignores what stands beside a reference; kube wraps it. */
  #withRules(schema: Json, rules: Json): Json {
    if (Object.keys(rules).length === 0) return schema;
    return schema['$ref'] && this.#dialect.version === 3 ? { allOf: [schema], ...rules } : { ...schema, ...rules };
  }

  #base(field: FieldTable): Json {
    if (field.base === 'ref') return this.type(field.ref ?? '');
    const scalar = SCALARS[field.base];
    if (!scalar) return this.special(SPECIAL[field.base as keyof typeof SPECIAL]);
    const values = field.stringType ? builtins.enumOf(field.stringType) : undefined;
    return values ? { ...scalar, enum: values } : scalar;
  }
}

const LIST_META_ID = 'meta/v1.ListMeta';
const OBJECT_META_ID = 'meta/v1.ObjectMeta';

function addGvks(schema: Json | undefined, gvks: readonly Json[]): void {
  if (!schema) return;
  const known = (schema['x-kubernetes-group-version-kind'] as Json[] | undefined) ?? [];
  const texts = new Set(known.map((gvk) => JSON.stringify(gvk)));
  const fresh = gvks.filter((gvk) => !texts.has(JSON.stringify(gvk)));
  schema['x-kubernetes-group-version-kind'] = [...known, ...fresh];
}

/** Keywords that OpenAPI 2 does not have. */
const V3_ONLY = new Set(['oneOf', 'anyOf', 'not', 'nullable', 'x-kubernetes-validations']);

/**
 * A structural schema in OpenAPI 2, which cannot say "or null" nor "integer or string": such values, and combinators, are left
 * open rather than refused by a client that checks.
 */
function forV2(schema: Json): Json {
  const open = schema['nullable'] === true || schema['x-kubernetes-int-or-string'] === true;
  const out: Json = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (V3_ONLY.has(keyword) || (open && OPENED.has(keyword))) continue;
    out[keyword] = SUBSCHEMAS[keyword]?.(value) ?? value;
  }
  return out;
}

const OPENED = new Set(['type', 'items', 'properties', 'additionalProperties', 'required']);

const isSchema = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Keywords with schemas below them; everything else is kept as it is. */
const SUBSCHEMAS: Readonly<Record<string, (value: unknown) => unknown>> = {
  properties: (map) =>
    Object.fromEntries(Object.entries(map as Record<string, Json>).map(([name, each]) => [name, forV2(each)])),
  items: (value) => (isSchema(value) ? forV2(value) : value),
  additionalProperties: (value) => (isSchema(value) ? forV2(value) : value),
  allOf: (list) => (list as Json[]).map(forV2),
};
