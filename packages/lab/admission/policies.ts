import type { AnyObject, LabelSelector } from '#api/kube';
import type { AdmissionReviewInput } from '#lab/apiserver';
import { type Cel, CelCompileError, CelEvaluationError } from '#lab/cel';
import { ApiError, STATUS_CODES, type StatusReason } from '#lab/contract';
import { matchesLabelSelector } from '#lab/selectors';
import type { Store } from '#lab/store';
import { type ObjectFilter, type Rule, ruleMatches, selectorsMatch } from './rules.ts';
import { reviewOf } from './webhook.ts';

/** What evaluating policies takes. */
export interface PoliciesDeps {
  readonly store: Store;
  readonly cel: Cel;
  /** Storage name of a kind, e.g. for `paramKind`; undefined where it is not served. */
  readonly storageOf: (apiVersion: string, kind: string) => string | undefined;
}

interface MatchResources extends ObjectFilter {
  readonly resourceRules?: readonly Rule[];
  readonly excludeResourceRules?: readonly Rule[];
}
interface NamedExpression {
  readonly name: string;
  readonly expression: string;
}
interface Validation {
  readonly expression: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
}
interface PolicySpec {
  readonly failurePolicy?: 'Fail' | 'Ignore';
  readonly paramKind?: { readonly apiVersion: string; readonly kind: string };
  readonly matchConstraints?: MatchResources;
  readonly matchConditions?: readonly NamedExpression[];
  readonly variables?: readonly NamedExpression[];
  readonly validations?: readonly Validation[];
}
interface BindingSpec {
  readonly policyName?: string;
  readonly matchResources?: MatchResources;
  readonly validationActions?: readonly string[];
  readonly paramRef?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly selector?: LabelSelector;
    readonly parameterNotFoundAction?: 'Allow' | 'Deny';
  };
}

type Bindings = Record<string, unknown>;

const GROUP = 'admissionregistration.k8s.io';
const NAMES = ['object', 'oldObject', 'request', 'params', 'namespaceObject', 'variables'] as const;
const EXEMPT = [`${GROUP}/validatingadmissionpolicies`, `${GROUP}/validatingadmissionpolicybindings`];

/** Judges a write by every ValidatingAdmissionPolicy that is bound to it. @throws ApiError for the first denial */
export function enforcePolicies(deps: PoliciesDeps, input: AdmissionReviewInput): void {
  const { store } = deps;
  if (EXEMPT.includes(input.resource.storage)) return;
  for (const { object: binding } of store.list(`${GROUP}/validatingadmissionpolicybindings`)) {
    const bound = (binding['spec'] ?? {}) as BindingSpec;
    const policy = store.get(`${GROUP}/validatingadmissionpolicies`, { name: bound.policyName ?? '' })?.object;
    if (!policy) continue;
    const spec = (policy['spec'] ?? {}) as PolicySpec;
    if (!matches(store, spec.matchConstraints, input, true)) continue;
    if (!matches(store, bound.matchResources, input, false)) continue;
    new Evaluation(deps, input, { policy, spec, binding, bound }).run();
  }
}

/** `required`: constraints without rules match nothing; those of a binding only narrow. */
function matches(
  store: Store,
  resources: MatchResources | undefined,
  input: AdmissionReviewInput,
  required: boolean,
): boolean {
  if (!resources) return !required;
  const { resourceRules = [], excludeResourceRules = [] } = resources;
  if (excludeResourceRules.some((rule) => ruleMatches(rule, input))) return false;
  const ruled = resourceRules.length === 0 ? !required : resourceRules.some((rule) => ruleMatches(rule, input));
  return ruled && selectorsMatch(store, resources, input);
}

interface Bound {
  readonly policy: AnyObject;
  readonly spec: PolicySpec;
  readonly binding: AnyObject;
  readonly bound: BindingSpec;
}

class Evaluation {
  readonly #deps: PoliciesDeps;
  readonly #input: AdmissionReviewInput;
  readonly #of: Bound;

  constructor(deps: PoliciesDeps, input: AdmissionReviewInput, of: Bound) {
    this.#deps = deps;
    this.#input = input;
    this.#of = of;
  }

  run(): void {
    for (const params of this.#params()) this.#judge(this.#bindings(params));
  }

  /** One evaluation a parameter object; one without any where the policy takes none. */
  #params(): (AnyObject | null)[] {
    const { spec, bound } = this.#of;
    const { paramKind } = spec;
    const { paramRef } = bound;
    if (!paramKind || !paramRef) return [null];
    const storage = this.#deps.storageOf(paramKind.apiVersion, paramKind.kind) ?? '';
    const namespace = paramRef.namespace ?? this.#input.namespace;
    const found = this.#deps.store
      .list(storage)
      .map(({ object }) => object)
      .filter(({ metadata }) => !metadata.namespace || metadata.namespace === namespace)
      .filter(({ metadata }) =>
        paramRef.name ? metadata.name === paramRef.name : matchesLabelSelector(paramRef.selector, metadata.labels),
      );
    if (found.length === 0 && paramRef.parameterNotFoundAction !== 'Allow')
      this.#fail('no params found for policy binding with `Deny` parameterNotFoundAction');
    return found;
  }

  #bindings(params: AnyObject | null): Bindings {
    const { request } = reviewOf(this.#input, '') as { request: Bindings };
    const { store } = this.#deps;
    const namespace = this.#input.namespace;
    const namespaceObject = namespace ? (store.get('/namespaces', { name: namespace })?.object ?? null) : null;
    const bindings: Bindings = {
      object: request['object'],
      oldObject: request['oldObject'],
      request,
      params,
      namespaceObject,
      variables: {},
    };
    for (const { name, expression } of this.#of.spec.variables ?? []) {
      try {
        const value = this.#evaluate(expression, bindings);
        bindings['variables'] = { ...(bindings['variables'] as Bindings), [name]: value };
      } catch (error) {
        // A variable counts only where it is used, and there its absence is the error.
        if (!isCelFault(error)) throw error;
      }
    }
    return bindings;
  }

  #judge(bindings: Bindings): void {
    const { spec } = this.#of;
    try {
      for (const { expression } of spec.matchConditions ?? [])
        if (this.#evaluate(expression, bindings) !== true) return;
    } catch (error) {
      if (!isCelFault(error)) throw error;
      this.#fail(`match condition: ${error.message}`);
      return;
    }
    for (const validation of spec.validations ?? []) this.#validate(validation, bindings);
  }

  #validate(validation: Validation, bindings: Bindings): void {
    try {
      if (this.#evaluate(validation.expression, bindings) === true) return;
    } catch (error) {
      if (!isCelFault(error)) throw error;
      this.#fail(`expression '${validation.expression}' resulted in error: ${error.message}`);
      return;
    }
    this.#deny(this.#message(validation, bindings), validation.reason);
  }

  #message({ expression, message, messageExpression }: Validation, bindings: Bindings): string {
    const fixed = message || `failed expression: ${expression.trim()}`;
    if (!messageExpression) return fixed;
    try {
      const made = this.#evaluate(messageExpression, bindings);
      return typeof made === 'string' && made.trim() !== '' ? made.trim() : fixed;
    } catch (error) {
      // The denial stands; only its wording falls back to the fixed one.
      if (!isCelFault(error)) throw error;
      return fixed;
    }
  }

  /** An evaluation that failed: whether that matters is the policy's say. */
  #fail(why: string): void {
    if (this.#of.spec.failurePolicy !== 'Ignore') this.#deny(why, undefined);
  }

  #deny(why: string, reason: string | undefined): void {
    const { policy, binding, bound } = this.#of;
    const actions = bound.validationActions ?? ['Deny'];
    const who = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}'`;
    if (actions.includes('Warn')) this.#input.request.warn(`Validation failed for ${who}: ${why}`);
    if (!actions.includes('Deny')) return;
    const { resource, name } = this.#input;
    const { group, resource: plural } = resource.gvr;
    const subject = `${group ? `${plural}.${group}` : plural}${name ? ` "${name}"` : ''}`;
    const code = (reason ?? 'Invalid') in STATUS_CODES ? ((reason ?? 'Invalid') as StatusReason) : 'Invalid';
    throw ApiError.of(code, `${subject} is forbidden: ${who} denied request: ${why}`, {
      ...(name && { name }),
      ...(group && { group }),
      kind: plural,
      causes: [{ message: `${who} denied request: ${why}` }],
    });
  }

  #evaluate(expression: string, bindings: Bindings): unknown {
    return this.#deps.cel.compile(expression, NAMES).runJson(bindings);
  }
}

const isCelFault = (error: unknown): error is Error =>
  error instanceof CelCompileError || error instanceof CelEvaluationError;
