/** Lookup over the tables of api/kube: kinds by name or resource, structs by id, merge rules of a struct as a FieldSchema. */
import { type FieldTable, type Gvr, type KindTable, parseTables, type Tables, type TypeTable } from '#api/kube';
import { type FieldSchema, type PatchStrategy, UNTYPED } from './field-schema.ts';

/** Kinds whose resource is not the plain English plural of the kind. */
const IRREGULAR: Readonly<Record<string, string>> = {
  Endpoints: 'endpoints',
  NodeMetrics: 'nodes',
  PodMetrics: 'pods',
};

/** `NetworkPolicy` -> `networkpolicies`, `Ingress` -> `ingresses`. */
export function pluralOf(kind: string): string {
  const irregular = IRREGULAR[kind];
  if (irregular) return irregular;
  const lower = kind.toLowerCase();
  if (/(s|x|z|ch|sh)$/.test(lower)) return `${lower}es`;
  return /[^aeiou]y$/.test(lower) ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}

export class TypeRegistry {
  readonly #tables: Tables;
  readonly #byKind = new Map<string, KindTable>();
  readonly #byResource = new Map<string, KindTable>();
  readonly #schemas = new Map<string, FieldSchema>();

  constructor(tables: Tables) {
    this.#tables = tables;
    for (const row of tables.kinds) {
      this.#byKind.set(`${row.group}/${row.version}/${row.kind}`, row);
      this.#byResource.set(`${row.group}/${row.version}/${pluralOf(row.kind)}`, row);
    }
  }

  get kinds(): readonly KindTable[] {
    return this.#tables.kinds;
  }

  findKind(group: string, version: string, kind: string): KindTable | undefined {
    return this.#byKind.get(`${group}/${version}/${kind}`);
  }

  findResource({ group, version, resource }: Gvr): KindTable | undefined {
    return this.#byResource.get(`${group}/${version}/${resource}`);
  }

  /** The struct of a kind or field, e.g. `core/v1.PodSpec`. Asserts that it is there: ids come from the tables only. */
  type(id: string): TypeTable {
    const found = this.#tables.types.get(id);
    if (!found) throw new Error(`kube tables: no type ${id}`);
    return found;
  }

  hasType(id: string): boolean {
    return this.#tables.types.has(id);
  }

  /** Allowed values of a closed string type, sorted; undefined for open ones. */
  enumOf(stringType: string): readonly string[] | undefined {
    return this.#tables.enums.get(stringType);
  }

  /** Merge rules of a struct. The same node for every caller; recursive types contain themselves. */
  schemaOf(id: string): FieldSchema {
    const known = this.#schemas.get(id);
    if (known) return known;
    const type = this.type(id);
    const fields = new Map<string, FieldSchema>();
    const schema: FieldSchema = { kind: 'object', fields, mapType: type.atomic ? 'atomic' : 'granular' };
    this.#schemas.set(id, schema);
    for (const field of type.fields.values()) fields.set(field.name, this.#fieldSchema(field));
    return schema;
  }

  #fieldSchema(field: FieldTable): FieldSchema {
    const rules = {
      ...(field.mergeKey && { patchMergeKey: field.mergeKey }),
      ...(field.strategy.length > 0 && { patchStrategy: field.strategy as readonly PatchStrategy[] }),
    };
    const [outer, ...inner] = field.wrap;
    const items = () => this.#baseSchema(field, inner);
    if (outer === 'list') return { kind: 'list', items: items(), ...this.#listRules(field), ...rules };
    if (outer === 'map')
      return { kind: 'map', items: items(), mapType: field.atomicMap ? 'atomic' : 'granular', ...rules };
    const base = this.#baseSchema(field, []);
    return { ...base, ...(field.atomicMap && { mapType: 'atomic' as const }), ...rules };
  }

  #listRules(field: FieldTable): Pick<FieldSchema, 'listType' | 'listKeys' | 'keyDefaults'> {
    if (field.listType !== 'map') return { listType: field.listType };
    const item = field.ref ? this.type(field.ref) : undefined;
    const keyDefaults: Record<string, unknown> = {};
    for (const key of field.listKeys) {
      const value = item?.fields.get(key)?.default;
      if (value !== undefined) keyDefaults[key] = value;
    }
    return { listType: 'map', listKeys: field.listKeys, ...(Object.keys(keyDefaults).length > 0 && { keyDefaults }) };
  }

  #baseSchema(field: FieldTable, wrap: FieldTable['wrap']): FieldSchema {
    const [outer, ...inner] = wrap;
    if (outer) return { kind: outer, items: this.#baseSchema(field, inner) };
    if (field.base === 'ref' && field.ref) return this.schemaOf(field.ref);
    if (ANY_JSON.has(field.base)) return UNTYPED;
    return field.base === 'Strings' ? { kind: 'list', items: TEXT, listType: 'atomic' } : scalarOf(field.base);
  }
}

const ANY_SCALAR: FieldSchema = { kind: 'scalar' };
const TEXT: FieldSchema = { kind: 'scalar', scalarType: 'string' };
const NUMBER: FieldSchema = { kind: 'scalar', scalarType: 'number' };

/** Scalars of one JSON type only. The others (Quantity, IntOrString) are a number or a text. */
const TYPED_SCALARS: Readonly<Partial<Record<FieldTable['base'], FieldSchema>>> = {
  string: TEXT,
  bytes: TEXT,
  Time: TEXT,
  MicroTime: TEXT,
  Duration: TEXT,
  bool: { kind: 'scalar', scalarType: 'boolean' },
  i32: NUMBER,
  i64: NUMBER,
  f64: NUMBER,
};

const scalarOf = (base: FieldTable['base']): FieldSchema => TYPED_SCALARS[base] ?? ANY_SCALAR;

/** Fields whose JSON may be of any shape; the published schema of Kubernetes gives them no type either. */
const ANY_JSON: ReadonlySet<FieldTable['base']> = new Set([
  'Raw',
  'JSON',
  'FieldsV1',
  'SchemaOrBool',
  'SchemaOrArray',
  'SchemaOrStrings',
]);

/** The kinds that every cluster serves. */
export const builtins: TypeRegistry = new TypeRegistry(parseTables());
