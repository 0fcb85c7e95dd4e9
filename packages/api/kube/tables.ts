import { TABLES } from './tables.gen.ts';

/**
 * How a value is written, the last part of a field's type. Besides scalars: `Raw`, `JSON` and `FieldsV1` hold any JSON;
 * `Strings` is a message around a list of strings that JSON shows bare; the `Schema…` unions belong to JSON Schema; `ref` is
 * a struct of the tables.
 */
export type BaseType =
  | 'string'
  | 'bytes'
  | 'bool'
  | 'i32'
  | 'i64'
  | 'f64'
  | 'Time'
  | 'MicroTime'
  | 'Duration'
  | 'Quantity'
  | 'IntOrString'
  | 'Raw'
  | 'JSON'
  | 'FieldsV1'
  | 'Strings'
  | 'SchemaOrBool'
  | 'SchemaOrArray'
  | 'SchemaOrStrings'
  | 'ref';

/** One JSON field of a struct. Inline embeddings are already flattened into the struct that embeds them. */
export interface FieldTable {
  readonly name: string;
  /** Protobuf field numbers from the struct down through inline embeddings; empty where protobuf does not carry the field. */
  readonly proto: readonly number[];
  readonly pointer: boolean;
  /** Containers outside in, e.g. `['map', 'list']` for a map of lists. */
  readonly wrap: readonly ('list' | 'map')[];
  readonly base: BaseType;
  /** The struct that a `ref` points to, e.g. `core/v1.PodSpec`. */
  readonly ref?: string;
  /** The Go name of a named string type, e.g. `core/v1.DNSPolicy`: key into enums. */
  readonly stringType?: string;
  /** A zero value (of a non-pointer) is left out of JSON. */
  readonly omitEmpty: boolean;
  readonly optional: boolean;
  readonly mergeKey?: string;
  readonly strategy: readonly string[];
  readonly listType: 'atomic' | 'set' | 'map';
  readonly listKeys: readonly string[];
  readonly atomicMap: boolean;
  /** Default that server-side apply uses for keys, decoded. */
  readonly default?: unknown;
}

export interface TypeTable {
  /** `<group folder>/<version>.<Go name>`, e.g. `core/v1.PodSpec`. */
  readonly id: string;
  readonly atomic: boolean;
  readonly fields: ReadonlyMap<string, FieldTable>;
}

export interface KindTable {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly type: string;
}

export interface Tables {
  readonly kinds: readonly KindTable[];
  readonly types: ReadonlyMap<string, TypeTable>;
  /** Allowed values of closed string types, sorted. */
  readonly enums: ReadonlyMap<string, readonly string[]>;
}

/**
 * Reads the generated text. Lines are `kind <group/version> <Kind> <type>`, `enum <type> <a|b>`, `type <id> [atomic]`, and under a
 * type one line a field: ` <json name> <protobuf numbers, dotted, or -> <type> [? omitempty | o optional] [k=merge key]
 * [s=patch strategies] [l=list type,keys] [m=map type] [d=default as JSON]`, where a type is any of `*` pointer, `[]` list,
 * `{}` map before a base, and `~` the Go name of a string type.
 */
export function parseTables(text: string = TABLES): Tables {
  const kinds: KindTable[] = [];
  const types = new Map<string, TypeTable>();
  const enums = new Map<string, readonly string[]>();
  let fields = new Map<string, FieldTable>();
  for (const line of text.split('\n')) {
    if (line.startsWith(' ')) {
      const field = parseField(line.slice(1));
      fields.set(field.name, field);
      continue;
    }
    const [word, id = '', ...rest] = line.split(' ');
    if (word === 'type') {
      fields = new Map();
      types.set(id, { id, atomic: rest[0] === 'atomic', fields });
    } else if (word === 'enum') {
      enums.set(id, line.slice(`enum ${id} `.length).split('|'));
    } else if (word === 'kind') {
      const slash = id.lastIndexOf('/');
      const group = id.slice(0, slash);
      const [kind = '', type = ''] = rest;
      kinds.push({ group: group === '-' ? '' : group, version: id.slice(slash + 1), kind, type });
    }
  }
  return { kinds, types, enums };
}

const FIELD = /^(\S+) (\S+) (\*?)((?:\[\]|\{\}|\*)*)([^\s~]+)(?:~(\S+))?(?: ([?o])(?= |$))?(.*)$/;

function parseField(line: string): FieldTable {
  const match = FIELD.exec(line);
  if (!match) throw new Error(`kube tables: cannot read field line "${line}"`);
  const [, name = '', proto = '', pointer, wraps = '', base = '', stringType, presence, rest = ''] = match;
  const isRef = base.includes('/');
  return {
    name,
    proto: proto === '-' ? [] : proto.split('.').map(Number),
    pointer: pointer === '*',
    wrap: wraps === '' ? NO_WRAP : (wraps.match(/\[\]|\{\}/g) ?? []).map((each) => (each === '[]' ? 'list' : 'map')),
    base: isRef ? 'ref' : (base as BaseType),
    ...(isRef && { ref: base }),
    ...(stringType && { stringType }),
    omitEmpty: presence === '?',
    optional: presence !== undefined,
    ...parseRules(rest),
  };
}

const NO_WRAP: FieldTable['wrap'] = [];
type Rules = Pick<FieldTable, 'mergeKey' | 'strategy' | 'listType' | 'listKeys' | 'atomicMap' | 'default'>;
const NO_RULES: Rules = { strategy: [], listType: 'atomic', listKeys: [], atomicMap: false };

function parseRules(text: string): Rules {
  if (text === '') return NO_RULES;
  const options = new Map(
    text
      .slice(1)
      .split(' ')
      .map((option) => [option.slice(0, 2), option.slice(2)]),
  );
  const [listType = 'atomic', ...listKeys] = options.get('l=')?.split(',') ?? [];
  const mergeKey = options.get('k=');
  const defaultTo = options.get('d=');
  return {
    ...(mergeKey && { mergeKey }),
    strategy: options.get('s=')?.split(',') ?? [],
    listType: listType as FieldTable['listType'],
    listKeys,
    atomicMap: options.get('m=') === 'atomic',
    ...(defaultTo !== undefined && { default: JSON.parse(defaultTo) as unknown }),
  };
}
