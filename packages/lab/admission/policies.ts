import type {
  AnyObject,
  Gvr,
  MatchResources,
  NamedRuleWithOperations,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '#api/kube';
import { AdmissionBindings, evaluatePolicies, ParamsError, type PolicyInput } from '#lab/admission-policy';
import type { AdmissionReviewInput, Resource } from '#lab/apiserver';
import type { Cel } from '#lab/cel';
import { ApiError } from '#lab/contract';
import { matchesLabelSelector } from '#lab/selectors';
import type { Store } from '#lab/store';
import { type ObjectFilter, type Rule, ruleMatches, selectorsMatch } from './rules.ts';
import { inVersion, versionFor } from './versions.ts';
import { viewOf } from './view.ts';

/** What evaluating policies takes. */
export interface PoliciesDeps {
  readonly store: Store;
  readonly cel: Cel;
  /** The resource of a kind, e.g. for `paramKind`; undefined where it is not served. */
  readonly resourceOf: (apiVersion: string, kind: string) => Resource | undefined;
  /** All versions under which the same objects are served, the given one included. */
  readonly versionsOf: (resource: Resource) => readonly Resource[];
  readonly log: (line: string) => void;
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
  const { denial, warnings, audit } = evaluatePolicies(policies, bindings, new PolicyRequest(deps, input), cel);
  for (const warning of warnings) input.request.warn(warning);
  if (Object.keys(audit).length > 0) deps.log(auditLine(input, audit));
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

/** The server keeps no audit log of its own: annotations go where its other remarks go. */
function auditLine({ operation, resource, namespace, name, request }: AdmissionReviewInput, audit: object): string {
  const { group, resource: plural } = resource.gvr;
  const what = [group ? `${plural}.${group}` : plural, namespace, name].filter(Boolean).join('/');
  return `audit: ${operation} ${what} by ${JSON.stringify(request.user.name)}: ${JSON.stringify(audit)}`;
}

class PolicyRequest implements PolicyInput {
  readonly #deps: PoliciesDeps;
  readonly #input: AdmissionReviewInput;
  readonly #views = new Map<Resource, AdmissionBindings>();

  constructor(deps: PoliciesDeps, input: AdmissionReviewInput) {
    this.#deps = deps;
    this.#input = input;
  }

  seenBy(filter: MatchResources): AdmissionBindings | undefined {
    const { store, versionsOf } = this.#deps;
    const { resourceRules = [], excludeResourceRules = [], matchPolicy } = filter;
    const means = (rules: readonly NamedRuleWithOperations[]) => (gvr: Gvr) =>
      rules.some((rule) => ruleMatches(rule as Rule, this.#input, gvr));
    const versionBy = (rules: readonly NamedRuleWithOperations[]) =>
      versionFor(this.#input, matchPolicy, versionsOf, means(rules));
    if (versionBy(excludeResourceRules)) return undefined;
    const as = resourceRules.length > 0 ? versionBy(resourceRules) : this.#input.resource;
    if (!as || !selectorsMatch(store, filter as ObjectFilter, this.#input)) return undefined;
    return this.#viewIn(as);
  }

  /** Converted to CEL once for all policies that see this version. */
  #viewIn(as: Resource): AdmissionBindings {
    const known = this.#views.get(as);
    if (known) return known;
    const view = new AdmissionBindings(viewOf(this.#deps.store, inVersion(this.#input, as)));
    this.#views.set(as, view);
    return view;
  }

  findParams({ apiVersion = '', kind = '' }: ParamKind, ref: ParamRef): AnyObject[] {
    const resource = this.#deps.resourceOf(apiVersion, kind);
    if (!resource)
      throw new ParamsError(`failed to find resource referenced by paramKind: '${apiVersion}, Kind=${kind}'`);
    const namespace = paramsNamespace(resource, ref, this.#input.namespace);
    return this.#deps.store
      .list(resource.storage)
      .map(({ object }) => (resource.conversion ? resource.conversion.fromStored(object) : object))
      .filter(({ metadata }) => !resource.namespaced || metadata.namespace === namespace)
      .filter(({ metadata }) =>
        ref.name ? metadata.name === ref.name : matchesLabelSelector(ref.selector, metadata.labels),
      );
  }
}

/** Where namespaced parameters are looked for: where the binding says, else beside the object. */
function paramsNamespace(
  { namespaced }: Resource,
  { namespace, name, selector }: ParamRef,
  ofRequest: string | undefined,
): string | undefined {
  if (!namespaced && namespace)
    throw new ParamsError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  if (namespaced && !namespace && !ofRequest)
    throw new ParamsError('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources');
  if (!name && !selector) throw new ParamsError('one of name or selector must be provided');
  return namespace || ofRequest;
}
