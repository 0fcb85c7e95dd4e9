/** Whether the CEL rules of a schema can be compiled, and compare only what has a past. */
import type { JSONSchemaProps, ValidationRule } from '#api/kube';
import { type Cel, CelCompileError } from '../cel/index.ts';
import { type FieldCause, fault } from './cause.ts';
import { compileSchema, type SchemaNode } from './node.ts';
import { ruleTypeError } from './rule-types.ts';
import { additionalOf, itemsOf } from './structural-faults.ts';

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

/** What is wrong with rules before they are compiled. */
export function ruleShapeFaults(rules: readonly ValidationRule[], path: string): FieldCause[] {
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

/** Rules below a sound schema that cannot be compiled, or that compare what has no past. */
export function ruleFaults(schema: JSONSchemaProps, path: string, cel: Cel): FieldCause[] {
  return nodeFaults(schema, path, { cel, root: true });
}

interface Context {
  readonly cel: Cel;
  readonly root: boolean;
  /** The first list or map above whose items have no past to compare with. */
  readonly uncorrelated?: string;
}

function nodeFaults(schema: JSONSchemaProps, path: string, context: Context): FieldCause[] {
  const rules = schema['x-kubernetes-validations'] ?? [];
  const node = rules.length > 0 ? compileSchema(schema, context.cel) : undefined;
  const items = itemsOf(schema);
  const additional = additionalOf(schema);
  const below = { ...context, root: false };
  const lost = (breaks: boolean): Context =>
    breaks && !context.uncorrelated ? { ...below, uncorrelated: path } : below;
  const atomicMap = schema['x-kubernetes-map-type'] === 'atomic';
  return [
    ...rules.flatMap((rule, i) =>
      node ? oneRuleFaults(rule, `${path}.x-kubernetes-validations[${i}]`, node, context) : [],
    ),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      nodeFaults(property, `${path}.properties[${name}]`, lost(atomicMap)),
    ),
    ...(items ? nodeFaults(items, `${path}.items`, lost(schema['x-kubernetes-list-type'] !== 'map')) : []),
    ...(additional ? nodeFaults(additional, `${path}.additionalProperties`, lost(atomicMap)) : []),
  ];
}

function oneRuleFaults(
  rule: ValidationRule,
  at: string,
  node: SchemaNode,
  { cel, root, uncorrelated }: Context,
): FieldCause[] {
  const self = root ? { ...node, embedded: true } : node;
  const compiled = compileFault(rule.rule, 'bool', self, cel, rule);
  const faults = compiled.error ? [fault.invalid(`${at}.rule`, rule, compiled.error)] : [];
  const message = rule.messageExpression
    ? compileFault(rule.messageExpression, 'string', self, cel, rule).error
    : undefined;
  if (message) faults.push(fault.invalid(`${at}.messageExpression`, rule, message));
  const usesOldSelf = compiled.names.has('oldSelf');
  if (usesOldSelf && uncorrelated)
    faults.push(
      fault.invalid(
        `${at}.rule`,
        rule.rule,
        `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`,
      ),
    );
  if (!compiled.error && !usesOldSelf && rule.optionalOldSelf !== undefined)
    faults.push(
      fault.invalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'),
    );
  return faults;
}

/** Compiles one expression over `self` and says why it cannot be used. */
function compileFault(
  source: string,
  wanted: 'bool' | 'string',
  self: SchemaNode,
  cel: Cel,
  rule: ValidationRule,
): { names: ReadonlyMap<string, unknown>; error?: string } {
  try {
    const program = cel.compile(source, ['self', 'oldSelf']);
    const error = ruleTypeError(program, wanted, self, rule.optionalOldSelf ?? false);
    return { names: program.names, ...(error ? { error } : {}) };
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    return { names: new Map(), error: `compilation failed: ${error.message}` };
  }
}
