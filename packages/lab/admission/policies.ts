import type {
  AnyObject,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '#api/kube';
import { evaluatePolicies, type PolicyInput } from '#lab/admission-policy';
import type { AdmissionReviewInput } from '#lab/apiserver';
import type { Cel } from '#lab/cel';
import { ApiError } from '#lab/contract';
import { matchesLabelSelector } from '#lab/selectors';
import type { Store } from '#lab/store';
import { type ObjectFilter, type Rule, ruleMatches, selectorsMatch } from './rules.ts';
import { viewOf } from './view.ts';

/** What evaluating policies takes. */
export interface PoliciesDeps {
  readonly store: Store;
  readonly cel: Cel;
  /** Storage name of a kind, e.g. for `paramKind`; undefined where it is not served. */
  readonly storageOf: (apiVersion: string, kind: string) => string | undefined;
}

const GROUP = 'admissionregistration.k8s.io';
const POLICIES = `${GROUP}/validatingadmissionpolicies`;
const BINDINGS = `${GROUP}/validatingadmissionpolicybindings`;

/** Judges a write by every ValidatingAdmissionPolicy that is bound to it. @throws ApiError where one denies it */
export function enforcePolicies(deps: PoliciesDeps, input: AdmissionReviewInput): void {
  const { store, cel } = deps;
  const { storage } = input.resource;
  // Policies do not judge policies, so that a broken one can be removed.
  if (storage === POLICIES || storage === BINDINGS) return;
  const bindings = listOf<ValidatingAdmissionPolicyBinding>(store, BINDINGS);
  if (bindings.length === 0) return;
  const policies = listOf<ValidatingAdmissionPolicy>(store, POLICIES);
  const { denial, warnings } = evaluatePolicies(policies, bindings, policyInput(deps, input), cel);
  for (const warning of warnings) input.request.warn(warning);
  if (!denial) return;
  const { name, resource } = input;
  const { group, resource: plural } = resource.gvr;
  const subject = `${group ? `${plural}.${group}` : plural}${name ? ` "${name}"` : ''}`;
  throw new ApiError({
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message: `${subject} is forbidden: ${denial.message}`,
    reason: denial.reason,
    details: { ...(name && { name }), ...(group && { group }), kind: plural, causes: [{ message: denial.message }] },
    code: denial.code,
  });
}

function listOf<T>(store: Store, storage: string): T[] {
  return store.list(storage).map(({ object }) => object as unknown as T);
}

function policyInput(deps: PoliciesDeps, input: AdmissionReviewInput): PolicyInput {
  const { store } = deps;
  return {
    ...viewOf(store, input),
    ruleMatches: (rule) => ruleMatches(rule as Rule, input),
    selectorsMatch: (filter) => selectorsMatch(store, filter as ObjectFilter, input),
    findParams: (kind, ref) => findParams(deps, kind, ref, input.namespace),
  };
}

function findParams(
  { store, storageOf }: PoliciesDeps,
  { apiVersion = '', kind = '' }: ParamKind,
  ref: ParamRef,
  requestNamespace: string | undefined,
): AnyObject[] {
  const namespace = ref.namespace || requestNamespace;
  return store
    .list(storageOf(apiVersion, kind) ?? '')
    .map(({ object }) => object)
    .filter(({ metadata }) => !metadata.namespace || metadata.namespace === namespace)
    .filter(({ metadata }) =>
      ref.name ? metadata.name === ref.name : matchesLabelSelector(ref.selector, metadata.labels),
    );
}
