/** Which expressions of policies and match conditions cannot be used, in the words of Kubernetes' validation. */
import type { MatchCondition, ValidatingAdmissionPolicySpec } from '#api/kube';
import { BOOL, type Cel, CelCompileError, type CelType, checkTypes, DYN, mayBe, TEXT } from '../cel/index.ts';
import { POLICY_NAMES, WEBHOOK_NAMES } from './names.ts';

/** One unusable field, e.g. `spec.validations[0].expression`. */
export interface ExpressionFault {
  readonly field: string;
  readonly value: string;
  readonly kind: 'required' | 'invalid' | 'duplicate';
  readonly detail: string;
}

const record = (fields: Readonly<Record<string, CelType>>): CelType => ({
  kind: 'object',
  field: (name) => fields[name],
});
const GVK = record({ group: TEXT, version: TEXT, kind: TEXT });
const GVR = record({ group: TEXT, version: TEXT, resource: TEXT });

/** The `request` of expressions: an AdmissionRequest without its objects. */
export const REQUEST: CelType = record({
  kind: GVK,
  resource: GVR,
  subResource: TEXT,
  requestKind: GVK,
  requestResource: GVR,
  requestSubResource: TEXT,
  name: TEXT,
  namespace: TEXT,
  operation: TEXT,
  userInfo: record({
    username: TEXT,
    uid: TEXT,
    groups: { kind: 'list', items: TEXT },
    extra: { kind: 'map', values: { kind: 'list', items: TEXT } },
  }),
  dryRun: BOOL,
  options: DYN,
});

/** A place in a policy that holds an expression, and what it must give. */
interface Place {
  readonly field: string;
  readonly expression: string | undefined;
  readonly result: readonly string[];
  /** Appended to "must evaluate to ". */
  readonly wanted: string;
}

const BOOLS = { result: ['bool'], wanted: 'bool' };
const TEXTS = { result: ['string'], wanted: 'string' };
const TEXTS_OR_NULL = { result: ['string', 'null_type'], wanted: 'one of string or null' };
const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/;

/** What expressions of a policy may use, by their types; `variables` are those declared before. */
const scopeOf = (variables: ReadonlyMap<string, CelType>, objects: ReadonlyMap<string, CelType>) =>
  new Map<string, CelType>([
    ['request', REQUEST],
    ['variables', { kind: 'object', field: (name) => variables.get(name) }],
    ...objects,
  ]);

/** Unusable expressions of a whole policy. */
export function policyFaults(spec: ValidatingAdmissionPolicySpec, cel: Cel): ExpressionFault[] {
  return walkPolicy(spec, cel, new Map());
}

/**
 * Compiles a policy's expressions in order, with the given types of `object`, `oldObject` and `params`; names without a type are
 * dynamic.
 */
export function walkPolicy(
  spec: ValidatingAdmissionPolicySpec,
  cel: Cel,
  objects: ReadonlyMap<string, CelType>,
): ExpressionFault[] {
  const faults: ExpressionFault[] = [];
  const variables = new Map<string, CelType>();
  const names = POLICY_NAMES.filter((name) => name !== 'params' || spec.paramKind !== undefined);
  const judge = (place: Place): CelType => {
    const { type, fault } = compiled(place, cel, names, scopeOf(variables, objects));
    if (fault) faults.push(fault);
    return type;
  };
  (spec.variables ?? []).forEach(({ name, expression }, at) => {
    const field = `spec.variables[${at}]`;
    if (!name) faults.push(required(`${field}.name`, 'name is not specified'));
    else if (!IDENTIFIER.test(name)) faults.push(invalid(`${field}.name`, name, 'name is not a valid CEL identifier'));
    else if (variables.has(name)) faults.push({ ...invalid(`${field}.name`, name, ''), kind: 'duplicate' });
    const type = judge({ field: `${field}.expression`, expression, result: [], wanted: '' });
    if (name) variables.set(name, type);
  });
  faults.push(...namedConditions(spec.matchConditions, 'spec.matchConditions', judge));
  (spec.validations ?? []).forEach(({ expression, messageExpression }, at) => {
    const field = `spec.validations[${at}]`;
    judge({ field: `${field}.expression`, expression, ...BOOLS });
    if (messageExpression) judge({ field: `${field}.messageExpression`, expression: messageExpression, ...TEXTS });
  });
  (spec.auditAnnotations ?? []).forEach(({ valueExpression }, at) => {
    judge({ field: `spec.auditAnnotations[${at}].valueExpression`, expression: valueExpression, ...TEXTS_OR_NULL });
  });
  return faults;
}

/** Unusable match conditions of a webhook; `field` e.g. `webhooks[0].matchConditions`. */
export function conditionFaults(
  conditions: readonly MatchCondition[] | undefined,
  field: string,
  cel: Cel,
): ExpressionFault[] {
  const faults: ExpressionFault[] = [];
  const scope = new Map([['request', REQUEST]]);
  const judge = (place: Place): void => {
    const { fault } = compiled(place, cel, WEBHOOK_NAMES, scope);
    if (fault) faults.push(fault);
  };
  const named = namedConditions(conditions, field, judge);
  return [...named, ...faults];
}

function namedConditions(
  conditions: readonly MatchCondition[] | undefined,
  field: string,
  judge: (place: Place) => unknown,
): ExpressionFault[] {
  const faults: ExpressionFault[] = [];
  const seen = new Set<string>();
  (conditions ?? []).forEach(({ name, expression }, at) => {
    if (name && seen.has(name))
      faults.push({ field: `${field}[${at}].name`, value: name, kind: 'duplicate', detail: '' });
    seen.add(name);
    judge({ field: `${field}[${at}].expression`, expression, ...BOOLS });
  });
  return faults;
}

function compiled(
  { field, expression, result, wanted }: Place,
  cel: Cel,
  names: readonly string[],
  scope: ReadonlyMap<string, CelType>,
): { type: CelType; fault?: ExpressionFault } {
  const text = expression?.trim() ?? '';
  if (text === '') return { type: DYN, fault: required(field, `${field.split('.').at(-1)} is not specified`) };
  try {
    const { result: type, errors } = checkTypes(cel.compile(text, names), scope);
    if (errors.length > 0)
      return { type: DYN, fault: invalid(field, text, `compilation failed: ${errors.join('\n')}`) };
    if (result.length === 0 || mayBe(type, ...result)) return { type };
    return { type, fault: invalid(field, text, `must evaluate to ${wanted}`) };
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    return { type: DYN, fault: invalid(field, text, `compilation failed: ${error.message}`) };
  }
}

const required = (field: string, detail: string): ExpressionFault => ({ field, value: '', kind: 'required', detail });
const invalid = (field: string, value: string, detail: string): ExpressionFault => ({
  field,
  value,
  kind: 'invalid',
  detail,
});
