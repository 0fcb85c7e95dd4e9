/**
 * One view of a type's merge rules, the same for built-in kinds (from the tables in api/kube) and custom resources (from a
 * CRD's structural schema): what patching and server-side apply need to know about a value, and no more.
 */

/** How server-side apply treats a list: replaced whole, a set of scalars, or items told apart by {@link FieldSchema.listKeys}. */
export type ListType = 'atomic' | 'set' | 'map';

/** Strategic-merge strategies of a field; `retainKeys` may stand beside `merge`. */
export type PatchStrategy = 'merge' | 'replace' | 'retainKeys';

/**
 * The schema of one value. Nodes of built-in types are shared and recursive (JSONSchemaProps contains itself): never walk a
 * schema without a value beside it. Children are looked up by {@link childSchema}.
 */
export interface FieldSchema {
  readonly kind: 'scalar' | 'object' | 'map' | 'list';
  /** Of an object: its declared fields by JSON name. */
  readonly fields?: ReadonlyMap<string, FieldSchema>;
  /** Of a list: the items' schema; of a map: the values' schema. Absent: untyped. */
  readonly items?: FieldSchema;
  /** Of a list; absent means atomic. */
  readonly listType?: ListType;
  /** JSON names of the fields that tell the items of a `map` list apart, in declared order. */
  readonly listKeys?: readonly string[];
  /** Defaults of list keys that an item may leave out, e.g. `{protocol: 'TCP'}`. */
  readonly keyDefaults?: Readonly<Record<string, unknown>>;
  /** Of an object or map; absent means granular. */
  readonly mapType?: 'granular' | 'atomic';
  /** Strategic merge: the single key that tells the items of this list apart. */
  readonly patchMergeKey?: string;
  /** Strategic merge: strategies of this field; absent or empty means replace for lists, merge for objects. */
  readonly patchStrategy?: readonly PatchStrategy[];
  /** Of a scalar: its JSON type, for the texts of typed conversion; absent means any scalar (IntOrString, Quantity). */
  readonly scalarType?: 'string' | 'number' | 'boolean';
  /** Undeclared fields are allowed and kept (untyped data, or `x-kubernetes-preserve-unknown-fields`). */
  readonly preserveUnknown?: boolean;
}

/** An untyped value: granular maps all the way down, atomic lists. */
export const UNTYPED: FieldSchema = { kind: 'object', fields: new Map(), preserveUnknown: true };

/** The schema of `key` inside an object or map; undefined where the key is not declared and not preserved. */
export function childSchema(schema: FieldSchema, key: string): FieldSchema | undefined {
  if (schema.kind === 'map') return schema.items ?? UNTYPED;
  if (schema.kind !== 'object') return undefined;
  return schema.fields?.get(key) ?? (schema.preserveUnknown ? UNTYPED : undefined);
}
