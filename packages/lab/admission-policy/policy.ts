/** ValidatingAdmissionPolicies: what they say of one request. Texts after apiserver's admission/plugin/policy/validating. */
import type {
  AnyObject,
  MatchResources,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Validation,
} from '#api/kube';
import { type Cel, CelCompileError, CelEvaluationError } from '../cel/index.ts';
import type { AdmissionBindings } from './bindings.ts';
import { evaluateMatchConditions } from './conditions.ts';
import { POLICY_NAMES } from './names.ts';

/** A request and how to look around it. */
export interface PolicyInput {
  /**
   * What expressions see of the request where the filter means it: in the version that its rules name, should that be another
   * one than the request's. Undefined where the filter does not mean the request.
   */
  seenBy(filter: MatchResources): AdmissionBindings | undefined;
  /** The parameter objects that a binding refers to; empty where there are none. @throws ParamsError */
  findParams(kind: ParamKind, ref: ParamRef): readonly AnyObject[];
}

/** A paramRef that can never lead to objects, e.g. because nobody serves its kind. */
export class ParamsError extends Error {
  override readonly name = 'ParamsError';
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
  /** Annotations for the audit log: `<policy>/<key>`, and failed validations under a key of their own. */
  readonly audit: Readonly<Record<string, string>>;
}

/** Key of the failed validations of all bindings with action Audit, a JSON list. */
const FAILURES_KEY = 'validation.policy.admission.k8s.io/validation_failure';

/** Evaluates all policies by all their bindings. The first refusal counts; warnings and annotations are gathered from all. */
export function evaluatePolicies(
  policies: readonly ValidatingAdmissionPolicy[],
  bindings: readonly ValidatingAdmissionPolicyBinding[],
  input: PolicyInput,
  cel: Cel,
): PolicyOutcome {
  const audit: Record<string, string> = {};
  const findings = policies.flatMap((policy) => {
    const bound = bindings.filter(({ spec }) => spec?.policyName === policy.metadata.name);
    const view = bound.length > 0 ? input.seenBy(policy.spec?.matchConstraints ?? {}) : undefined;
    if (!view) return [];
    return bound.flatMap((binding) => evaluateBinding(policy, binding, { input, view, cel, audit }));
  });
  const denied = findings.find(({ actions }) => actions.includes('Deny'));
  const warnings = findings
    .filter(({ actions }) => actions.includes('Warn'))
    .map(
      ({ policy, binding, message }) =>
        `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${binding}': ${message}`,
    );
  const audited = findings.filter(({ actions }) => actions.includes('Audit'));
  if (audited.length > 0) audit[FAILURES_KEY] = JSON.stringify(audited.map(auditedFailure));
  return { ...(denied && { denial: denialOf(denied) }), warnings, audit };
}

/** One failed validation. */
interface Finding {
  readonly policy: string;
  readonly binding: string;
  readonly message: string;
  readonly reason: string;
  readonly actions: readonly string[];
  /** Which of the policy's validations failed. */
  readonly expressionIndex: number;
}

const auditedFailure = ({ policy, binding, message, actions, expressionIndex }: Finding) => ({
  message,
  policy,
  binding,
  expressionIndex,
  validationActions: actions,
});

const CODES: Readonly<Record<string, number>> = { Unauthorized: 401, Forbidden: 403, RequestEntityTooLarge: 413 };
const INVALID_CODE = 422;

function denialOf({ policy, binding, message, reason }: Finding): PolicyDenial {
  return {
    message: `ValidatingAdmissionPolicy '${policy}' with binding '${binding}' denied request: ${message}`,
    reason,
    code: CODES[reason] ?? INVALID_CODE,
  };
}

/** A request on its way through the bindings of one policy. */
interface Evaluation {
  readonly input: PolicyInput;
  readonly view: AdmissionBindings;
  readonly cel: Cel;
  readonly audit: Record<string, string>;
}

type FindingOf = (message: string, reason?: string, expressionIndex?: number) => Finding;

function evaluateBinding(
  policy: ValidatingAdmissionPolicy,
  binding: ValidatingAdmissionPolicyBinding,
  evaluation: Evaluation,
): Finding[] {
  const { input, view, cel } = evaluation;
  const { spec = {} } = policy;
  if (!input.seenBy(binding.spec?.matchResources ?? {})) return [];
  const finding: FindingOf = (message, reason = 'Invalid', expressionIndex = 0) => ({
    policy: policy.metadata.name ?? '',
    binding: binding.metadata.name ?? '',
    message,
    reason,
    actions: binding.spec?.validationActions ?? ['Deny'],
    expressionIndex,
  });
  const ignores = spec.failurePolicy === 'Ignore';
  const params = paramsOf(policy, binding, input);
  if (params instanceof ParamsError) return ignores ? [] : [finding(`failed to configure binding: ${params.message}`)];
  return params.flatMap((param) => {
    const scope = view.with(param, spec.variables ?? [], cel);
    const asked = evaluateMatchConditions(spec.matchConditions, scope, cel);
    if (asked.kind === 'skip') return [];
    if (asked.kind === 'failed') return ignores ? [] : [finding(asked.message)];
    annotate(policy, scope, evaluation);
    return (spec.validations ?? []).flatMap((validation, index) =>
      validate(validation, scope, cel, ignores, (message, reason) => finding(message, reason, index)),
    );
  });
}

/** Values of auditAnnotations; null says nothing, and an expression that fails is told in its place. */
function annotate({ metadata, spec }: ValidatingAdmissionPolicy, scope: AdmissionBindings, to: Evaluation): void {
  for (const { key, valueExpression } of spec?.auditAnnotations ?? []) {
    const name = `${metadata.name}/${key}`;
    const value = run(valueExpression, scope, to.cel);
    const text = value instanceof Error ? value.message : typeof value === 'string' ? value.trim() : '';
    // Values of several bindings and params stand side by side, each once.
    const known = to.audit[name]?.split(', ') ?? [];
    if (text !== '' && !known.includes(text)) to.audit[name] = [...known, text].join(', ');
  }
}

/** The result of an expression, or why there is none. */
function run(expression: string, scope: AdmissionBindings, cel: Cel): unknown {
  try {
    return cel.compile(expression, POLICY_NAMES).run(scope.values);
  } catch (error) {
    if (error instanceof CelCompileError || error instanceof CelEvaluationError) return error;
    throw error;
  }
}

const NO_PARAMS = 'no params found for policy binding with `Deny` parameterNotFoundAction';

/** The objects to evaluate with; undefined in the list: without params. */
function paramsOf(
  { spec }: ValidatingAdmissionPolicy,
  binding: ValidatingAdmissionPolicyBinding,
  input: PolicyInput,
): readonly (AnyObject | undefined)[] | ParamsError {
  const ref = binding.spec?.paramRef;
  if (!spec?.paramKind || !ref) return [undefined];
  try {
    const found = input.findParams(spec.paramKind, ref);
    return found.length === 0 && ref.parameterNotFoundAction === 'Deny' ? new ParamsError(NO_PARAMS) : found;
  } catch (error) {
    if (error instanceof ParamsError) return error;
    throw error;
  }
}

function validate(
  { expression, message, messageExpression, reason }: Validation,
  scope: AdmissionBindings,
  cel: Cel,
  ignores: boolean,
  finding: FindingOf,
): Finding[] {
  const result = run(expression, scope, cel);
  if (result === true) return [];
  if (result instanceof Error)
    return ignores ? [] : [finding(`expression '${expression}' resulted in error: ${result.message}`)];
  const text = messageOf(messageExpression, scope, cel) ?? message?.trim() ?? '';
  return [finding(text || `failed expression: ${expression.trim()}`, reason || 'Invalid')];
}

const MESSAGE_BYTES_MAX = 5 * 1024;

/** What messageExpression says; undefined where it fails or says nothing usable, so that the fixed message stands. */
function messageOf(expression: string | undefined, scope: AdmissionBindings, cel: Cel): string | undefined {
  if (!expression) return undefined;
  const result = run(expression, scope, cel);
  const text = typeof result === 'string' ? result.trim() : '';
  return text === '' || /[\n\r]/.test(text) || Buffer.byteLength(text) > MESSAGE_BYTES_MAX ? undefined : text;
}
