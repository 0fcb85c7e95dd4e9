/** ValidatingAdmissionPolicies: what they say of one request. Texts after apiserver's admission/plugin/policy/validating. */
import type {
  AnyObject,
  MatchResources,
  NamedRuleWithOperations,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Validation,
} from '#api/kube';
import { type Cel, CelCompileError, CelEvaluationError } from '../cel/index.ts';
import { AdmissionBindings, type AdmissionView } from './bindings.ts';
import { evaluateMatchConditions } from './conditions.ts';

/** A request and how to look around it. */
export interface PolicyInput extends AdmissionView {
  /** True where the request is among those that a rule means (operations, groups, versions, resources, scope, names). */
  ruleMatches(rule: NamedRuleWithOperations): boolean;
  /** True where namespaceSelector and objectSelector let the request through. */
  selectorsMatch(filter: MatchResources): boolean;
  /** The parameter objects that a binding refers to; empty where there are none. */
  findParams(kind: ParamKind, ref: ParamRef): readonly AnyObject[];
}

/** A refusal: put `<resource> "<name>" is forbidden: ` before the message, as for any other plugin's. */
export interface PolicyDenial {
  readonly message: string;
  /** e.g. `Invalid`. */
  readonly reason: string;
  readonly code: number;
}

export interface PolicyOutcome {
  /** Absent: the request may pass. */
  readonly denial?: PolicyDenial;
  /** Texts for `Warning` headers. */
  readonly warnings: readonly string[];
}

/** Evaluates all policies by all their bindings. The first refusal counts; warnings are gathered from all. */
export function evaluatePolicies(
  policies: readonly ValidatingAdmissionPolicy[],
  bindings: readonly ValidatingAdmissionPolicyBinding[],
  input: PolicyInput,
  cel: Cel,
): PolicyOutcome {
  const view = new AdmissionBindings(input);
  const findings = policies.flatMap((policy) =>
    bindings
      .filter((binding) => binding.spec?.policyName === policy.metadata.name)
      .flatMap((binding) => evaluateBinding(policy, binding, input, view, cel)),
  );
  const denied = findings.find(({ actions }) => actions.includes('Deny'));
  const warnings = findings
    .filter(({ actions }) => actions.includes('Warn'))
    .map(
      ({ policy, binding, message }) =>
        `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${binding}': ${message}`,
    );
  return { ...(denied && { denial: denialOf(denied) }), warnings };
}

/** One failed validation. */
interface Finding {
  readonly policy: string;
  readonly binding: string;
  readonly message: string;
  readonly reason: string;
  readonly actions: readonly string[];
}

const CODES: Readonly<Record<string, number>> = { Unauthorized: 401, Forbidden: 403, RequestEntityTooLarge: 413 };
const INVALID_CODE = 422;

function denialOf({ policy, binding, message, reason }: Finding): PolicyDenial {
  return {
    message: `ValidatingAdmissionPolicy '${policy}' with binding '${binding}' denied request: ${message}`,
    reason,
    code: CODES[reason] ?? INVALID_CODE,
  };
}

function matches(resources: MatchResources | undefined, input: PolicyInput): boolean {
  if (!resources) return true;
  const { resourceRules = [], excludeResourceRules = [] } = resources;
  if (excludeResourceRules.some((rule) => input.ruleMatches(rule))) return false;
  if (resourceRules.length > 0 && !resourceRules.some((rule) => input.ruleMatches(rule))) return false;
  return input.selectorsMatch(resources);
}

function evaluateBinding(
  policy: ValidatingAdmissionPolicy,
  binding: ValidatingAdmissionPolicyBinding,
  input: PolicyInput,
  view: AdmissionBindings,
  cel: Cel,
): Finding[] {
  const { spec } = policy;
  if (!spec || !matches(spec.matchConstraints, input) || !matches(binding.spec?.matchResources, input)) return [];
  const finding = (message: string, reason = 'Invalid'): Finding => ({
    policy: policy.metadata.name ?? '',
    binding: binding.metadata.name ?? '',
    message,
    reason,
    actions: binding.spec?.validationActions ?? ['Deny'],
  });
  const ignores = spec.failurePolicy === 'Ignore';
  const params = paramsOf(policy, binding, input);
  if (!params) return [finding(`failed to configure binding: ${NO_PARAMS}`)].filter(() => !ignores);
  return params.flatMap((param) => {
    const scope = view.with(param, spec.variables ?? [], cel);
    const asked = evaluateMatchConditions(spec.matchConditions, scope, cel);
    if (asked.kind === 'skip') return [];
    if (asked.kind === 'failed') return ignores ? [] : [finding(asked.message)];
    return (spec.validations ?? []).flatMap((validation) => validate(validation, scope, cel, ignores, finding));
  });
}

const NO_PARAMS = 'no params found for policy binding with `Deny` parameterNotFoundAction';

/** The objects to evaluate with; undefined in the list: without params. Undefined altogether: they must be there and are not. */
function paramsOf(
  { spec }: ValidatingAdmissionPolicy,
  binding: ValidatingAdmissionPolicyBinding,
  input: PolicyInput,
): readonly (AnyObject | undefined)[] | undefined {
  const ref = binding.spec?.paramRef;
  if (!spec?.paramKind || !ref) return [undefined];
  const found = input.findParams(spec.paramKind, ref);
  if (found.length > 0) return found;
  return ref.parameterNotFoundAction === 'Deny' ? undefined : [];
}

const NAMES = ['object', 'oldObject', 'request', 'namespaceObject', 'params', 'variables'];

function validate(
  { expression, message, messageExpression, reason }: Validation,
  scope: AdmissionBindings,
  cel: Cel,
  ignores: boolean,
  finding: (message: string, reason?: string) => Finding,
): Finding[] {
  try {
    if (cel.compile(expression, NAMES).run(scope.values) === true) return [];
  } catch (error) {
    if (!(error instanceof CelCompileError || error instanceof CelEvaluationError)) throw error;
    return ignores ? [] : [finding(`expression '${expression}' resulted in error: ${error.message}`)];
  }
  const text = messageOf(messageExpression, scope, cel) ?? message?.trim() ?? '';
  return [finding(text || `failed expression: ${expression.trim()}`, reason || 'Invalid')];
}

/** What messageExpression says; undefined where it fails or says nothing, so that the fixed message stands. */
function messageOf(expression: string | undefined, scope: AdmissionBindings, cel: Cel): string | undefined {
  if (!expression) return undefined;
  try {
    const text = cel.compile(expression, NAMES).run(scope.values);
    return typeof text === 'string' && text.trim() !== '' && !/[\n\r]/.test(text.trim()) ? text.trim() : undefined;
  } catch {
    // Upstream logs this and falls back to the fixed message.
    return undefined;
  }
}
