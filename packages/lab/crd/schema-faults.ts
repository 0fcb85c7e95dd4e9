/** Whether a CRD's schema is structural and otherwise sound, with Kubernetes' texts. */
import type { JSONSchemaProps, ValidationRule } from '#api/kube';
import { type Cel, CelCompileError } from '../cel/index.ts';
import { equalJson } from '../patch/json.ts';
import { type FieldCause, fault } from './cause.ts';
import { applyDefaults } from './defaults.ts';
import { compileSchema } from './node.ts';
import { prune } from './prune.ts';
import { validateValue } from './validate.ts';
import { validateLists } from './validate-lists.ts';

type Level = 'root' | 'item' | 'field';

interface Context {
  readonly cel: Cel;
  /** Why defaults are not allowed here. */
  readonly noDefaults?: string;
  /** The first list or map above whose items have no past to compare with. */
  readonly uncorrelated?: string;
}

/** All faults of a version's schema. */
export function schemaFaults(schema: JSONSchemaProps, path: string, cel: Cel): FieldCause[] {
  const structural = structuralFaults(schema, path, 'root');
  if (schema.nullable) structural.push(fault.forbidden(`${path}.nullable`, 'nullable cannot be true at the root'));
  const defaults = structural.length === 0 ? defaultFaults(schema, path, cel) : [];
  const rest = generalFaults(schema, path, 'root', { cel });
  const rules = structural.length + defaults.length + rest.length === 0 ? ruleFaults(schema, path, { cel }) : [];
  return [...structural.sort(byText), ...defaults, ...rest, ...rules];
}

const byText = (a: FieldCause, b: FieldCause) => {
  const [x, y] = [`${a.field}: ${a.message}`, `${b.field}: ${b.message}`];
  return x < y ? -1 : x > y ? 1 : 0;
};

const LEVEL_TEXT: Record<Level, string> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

const itemsOf = ({ items }: JSONSchemaProps) => (items && !Array.isArray(items) ? items : undefined);
const additionalOf = ({ additionalProperties }: JSONSchemaProps) =>
  typeof additionalProperties === 'object' ? additionalProperties : undefined;

/** A structural schema names a type everywhere, and says nothing structural under allOf, anyOf, oneOf and not. */
function structuralFaults(schema: JSONSchemaProps, path: string, level: Level): FieldCause[] {
  const items = itemsOf(schema);
  const additional = additionalOf(schema);
  return [
    ...(schema.type === 'array' && !items ? [fault.required(`${path}.items`, 'must be specified')] : []),
    ...(items ? structuralFaults(items, `${path}.items`, 'item') : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      structuralFaults(property, `${path}.properties[${name}]`, 'field'),
    ),
    ...(schema.additionalProperties !== undefined && level === 'root'
      ? [fault.forbidden(`${path}.additionalProperties`, 'must not be used at the root')]
      : []),
    ...(additional ? structuralFaults(additional, `${path}.additionalProperties`, 'field') : []),
    ...extensionFaults(schema, path),
    ...typeFaults(schema, path, level),
    ...metadataFaults(schema, path, level),
    ...nestedFaults(schema, path, level),
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

function nestedFaults(schema: JSONSchemaProps, path: string, level: Level): FieldCause[] {
  const faults = junctorFaults(schema, path, schema);
  if (schema.pattern !== undefined) faults.push(...patternFaults(schema.pattern, `${path}.pattern`));
  return [...faults, ...(level === 'root' ? [] : [])];
}

/** The parts under allOf, anyOf, oneOf and not; `outer` is the structural schema beside them. */
function junctorFaults(schema: JSONSchemaProps, path: string, outer: JSONSchemaProps | undefined): FieldCause[] {
  const intOrString = outer?.['x-kubernetes-int-or-string'] ?? false;
  const each = (key: 'allOf' | 'anyOf' | 'oneOf') =>
    (schema[key] ?? []).flatMap((part, i) =>
      valueFaults(part, `${path}.${key}[${i}]`, outer, intOrString && key === 'allOf' && i === 0),
    );
  const skipAnyOf = intOrString && equalJson(schema.anyOf, INT_OR_STRING);
  return [
    ...(skipAnyOf ? [] : each('anyOf')),
    ...each('allOf'),
    ...each('oneOf'),
    ...(schema.not ? valueFaults(schema.not, `${path}.not`, outer, false) : []),
  ];
}

function valueFaults(
  part: JSONSchemaProps,
  path: string,
  outer: JSONSchemaProps | undefined,
  mayBeIntOrString: boolean,
): FieldCause[] {
  const faults: FieldCause[] = FORBIDDEN_NESTED.filter(([key]) => isSet(part[key])).map(([key, text]) =>
    fault.forbidden(`${path}.${key}`, text),
  );
  if (part.additionalProperties !== undefined)
    faults.push(fault.forbidden(`${path}.additionalProperties`, 'must be undefined to be structural'));
  const skipAnyOf = mayBeIntOrString && equalJson(part.anyOf, INT_OR_STRING);
  faults.push(
    ...junctorFaults(
      skipAnyOf ? withoutAnyOf(part) : part,
      path,
      outer && { ...outer, 'x-kubernetes-int-or-string': false },
    ),
  );
  for (const [name, property] of Object.entries(part.properties ?? {})) {
    const declared = outer?.properties?.[name] ?? (outer && additionalOf(outer));
    const at = `${path}.properties[${name}]`;
    if (outer && !declared && !outer['x-kubernetes-preserve-unknown-fields'])
      faults.push(
        fault.required(outerPath(at), `because it is defined in ${at.slice(at.indexOf('openAPIV3Schema') + 16)}`),
      );
    faults.push(...valueFaults(property, at, declared, false));
  }
  const items = itemsOf(part);
  if (items) faults.push(...valueFaults(items, `${path}.items`, outer && itemsOf(outer), false));
  return faults;
}

/** Where the structural schema should have declared what a junctor restricts: the path less its junctors. */
function outerPath(path: string): string {
  return path.replace(/\.(?:(?:allOf|anyOf|oneOf)\[\d+\]|not)/g, '');
}

function withoutAnyOf({ anyOf: _, ...rest }: JSONSchemaProps): JSONSchemaProps {
  return rest;
}

const isSet = (value: unknown) =>
  value !== undefined && value !== false && value !== '' && !(Array.isArray(value) && value.length === 0);

function patternFaults(pattern: string, path: string, cel?: Cel): FieldCause[] {
  try {
    (cel?.patterns ?? { compile: (text: string) => new RegExp(text, 'u') }).compile(pattern);
    return [];
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return [fault.invalid(path, pattern, `must be a valid regular expression, but isn't: ${text}`)];
  }
}

/** Defaults must be what pruning keeps and validation accepts. */
function defaultFaults(schema: JSONSchemaProps, path: string, cel: Cel): FieldCause[] {
  const own = isSet(schema.default) || schema.default === false ? ownDefaultFaults(schema, `${path}.default`, cel) : [];
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
    const { unknown } = prune(value, { ...node, properties: new Map([...node.properties]) });
    if (unknown.length > 0) return [fault.invalid(path, value, 'must not have unknown fields')];
  }
  const filled = applyDefaults(value, node);
  return [...validateValue(filled, node, undefined, cel.patterns), ...validateLists(filled, node)].map((cause) => ({
    ...cause,
    field: cause.field === '<nil>' ? path : `${path}.${cause.field}`,
  }));
}

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
  else if (schema.type && !TYPES.has(schema.type))
    faults.push(fault.notSupported(`${path}.type`, schema.type, [...TYPES]));
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

function listFaults(schema: JSONSchemaProps, path: string): FieldCause[] {
  const type = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const items = itemsOf(schema);
  const at = `${path}.x-kubernetes-list-type`;
  const faults: FieldCause[] = [];
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType !== undefined && !['atomic', 'granular'].includes(mapType))
    faults.push(fault.notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
  if (type !== undefined && schema.type !== 'array')
    faults.push(
      schema.type
        ? fault.invalid(`${path}.type`, schema.type, 'must be array if x-kubernetes-list-type is specified')
        : fault.required(`${path}.type`, 'must be array if x-kubernetes-list-type is specified'),
    );
  if (type !== undefined && !['atomic', 'set', 'map'].includes(type))
    faults.push(fault.notSupported(at, type, ['atomic', 'set', 'map']));
  if (keys.length > 0 && type !== 'map') {
    const text = 'must be map if x-kubernetes-list-map-keys is non-empty';
    faults.push(type === undefined ? fault.required(at, text) : fault.invalid(at, type, text));
  }
  if (type === 'set' || type === 'map')
    if (items?.nullable)
      faults.push(
        fault.forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${type}`),
      );
  if (type === 'map') faults.push(...mapListFaults(items, keys, path));
  return faults;
}

function mapListFaults(items: JSONSchemaProps | undefined, keys: readonly string[], path: string): FieldCause[] {
  const keysAt = `${path}.x-kubernetes-list-map-keys`;
  const faults: FieldCause[] = [];
  if (keys.length === 0) faults.push(fault.required(keysAt, 'must not be empty if x-kubernetes-list-type is map'));
  if (!items)
    return [...faults, fault.required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map')];
  if (items.type !== 'object')
    return [
      ...faults,
      fault.invalid(
        `${path}.items.type`,
        items.type ?? '',
        "must be object if parent array's x-kubernetes-list-type is map",
      ),
    ];
  for (const [i, key] of keys.entries()) {
    const property = items.properties?.[key];
    const at = `${path}.items.properties[${key}]`;
    if (!property) faults.push(fault.invalid(keysAt, keys, 'entries must all be names of item properties'));
    if (keys.indexOf(key) < i) faults.push(fault.invalid(keysAt, keys, 'must not contain duplicate entries'));
    if (!property) continue;
    if (property.type === 'array' || property.type === 'object')
      faults.push(
        fault.invalid(
          `${at}.type`,
          items.type,
          "must be a scalar type if parent array's x-kubernetes-list-type is map",
        ),
      );
    if (!items.required?.includes(key) && property.default === undefined)
      faults.push(
        fault.required(
          `${at}.default`,
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      );
    if (property.nullable)
      faults.push(
        fault.forbidden(`${at}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'),
      );
  }
  return faults;
}

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

function ruleShapeFaults(rules: readonly ValidationRule[], path: string): FieldCause[] {
  return rules.flatMap((rule, i) => {
    const at = `${path}.x-kubernetes-validations[${i}]`;
    const faults: FieldCause[] = [];
    const text = rule.rule?.trim() ?? '';
    const message = rule.message?.trim() ?? '';
    if (text === '') faults.push(fault.required(`${at}.rule`, 'rule is not specified'));
    else if (rule.message && message === '')
      faults.push(fault.invalid(`${at}.message`, rule.message, 'must be non-empty if specified'));
    else if (/[\n\r]/.test(message))
      faults.push(fault.invalid(`${at}.message`, rule.message, 'must not contain line breaks'));
    else if (/[\n\r]/.test(text) && message === '')
      faults.push(fault.required(`${at}.message`, 'message must be specified if rule contains line breaks'));
    if (rule.reason !== undefined && !REASONS.includes(rule.reason))
      faults.push(fault.notSupported(`${at}.reason`, rule.reason, REASONS));
    return faults;
  });
}

/** Rules that cannot be compiled, or that compare what has no past. */
function ruleFaults(schema: JSONSchemaProps, path: string, context: Context): FieldCause[] {
  const { cel, uncorrelated } = context;
  const own = (schema['x-kubernetes-validations'] ?? []).flatMap((rule, i) =>
    compileFaults(rule, `${path}.x-kubernetes-validations[${i}]`, cel, uncorrelated),
  );
  const items = itemsOf(schema);
  const additional = additionalOf(schema);
  const lost = (breaks: boolean): Context => (breaks && !uncorrelated ? { ...context, uncorrelated: path } : context);
  const atomicMap = schema['x-kubernetes-map-type'] === 'atomic';
  return [
    ...own,
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      ruleFaults(property, `${path}.properties[${name}]`, lost(atomicMap)),
    ),
    ...(items ? ruleFaults(items, `${path}.items`, lost(schema['x-kubernetes-list-type'] !== 'map')) : []),
    ...(additional ? ruleFaults(additional, `${path}.additionalProperties`, lost(atomicMap)) : []),
  ];
}

function compileFaults(rule: ValidationRule, at: string, cel: Cel, uncorrelated: string | undefined): FieldCause[] {
  const compile = (source: string, field: string) => {
    try {
      return { program: cel.compile(source, ['self', 'oldSelf']), faults: [] };
    } catch (error) {
      if (!(error instanceof CelCompileError)) throw error;
      const text = `compilation failed: ERROR: <input>:1:1: ${error.message}`;
      return { program: undefined, faults: [fault.invalid(`${at}.${field}`, rule, text)] };
    }
  };
  const { program, faults } = compile(rule.rule, 'rule');
  const message = rule.messageExpression ? compile(rule.messageExpression, 'messageExpression').faults : [];
  const usesOldSelf = program?.names.has('oldSelf') ?? false;
  const lost =
    usesOldSelf && uncorrelated
      ? [
          fault.invalid(
            `${at}.rule`,
            rule.rule,
            `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`,
          ),
        ]
      : [];
  const pointless =
    program && !usesOldSelf && rule.optionalOldSelf !== undefined
      ? [fault.invalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule')]
      : [];
  return [...faults, ...message, ...lost, ...pointless];
}
