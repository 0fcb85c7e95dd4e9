import type { AnyObject, Gvr, LabelSelector } from '#api/kube';
import type { AdmissionReviewInput } from '#lab/apiserver';
import { matchesLabelSelector } from '#lab/selectors';
import type { Store } from '#lab/store';

/** Which requests a rule means (admissionregistration.k8s.io/v1 RuleWithOperations). */
export interface Rule {
  readonly operations?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly apiVersions?: readonly string[];
  readonly resources?: readonly string[];
  readonly scope?: string;
  /** Of policies only. */
  readonly resourceNames?: readonly string[];
}

/** What webhooks and policies have in common: which objects they want to see. */
export interface ObjectFilter {
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
}

/** True when one rule means the request, seen as being about `gvr`. */
export function ruleMatches(rule: Rule, input: AdmissionReviewInput, gvr: Gvr = input.resource.gvr): boolean {
  const { operation, subresource, resource, name } = input;
  return (
    holds(rule.operations, operation) &&
    holds(rule.apiGroups, gvr.group) &&
    holds(rule.apiVersions, gvr.version) &&
    (rule.resources ?? []).some((pattern) => resourceMatches(pattern, gvr.resource, subresource)) &&
    scopeMatches(rule.scope, resource.namespaced) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(name))
  );
}

/** True when both selectors let the request through. */
export function selectorsMatch(store: Store, filter: ObjectFilter, input: AdmissionReviewInput): boolean {
  return namespaceMatches(store, filter.namespaceSelector, input) && objectMatches(filter.objectSelector, input);
}

const holds = (list: readonly string[] | undefined, wanted: string): boolean =>
  list !== undefined && (list.includes('*') || list.includes(wanted));

/** `pods`, `pods/exec`, `pods/*`, `*` (no subresources), `*\/*`, `*\/scale`. */
function resourceMatches(pattern: string, resource: string, subresource: string | undefined): boolean {
  const [wantedResource = '', wantedSubresource] = pattern.split('/');
  if (wantedResource !== '*' && wantedResource !== resource) return false;
  if (wantedSubresource === undefined) return !subresource;
  return wantedSubresource === '*' || wantedSubresource === subresource;
}

function scopeMatches(scope: string | undefined, namespaced: boolean): boolean {
  if (scope === 'Namespaced') return namespaced;
  return scope !== 'Cluster' || !namespaced;
}

/** By the labels of the object's namespace; a Namespace counts by its own. Other cluster-scoped objects always match. */
function namespaceMatches(store: Store, selector: LabelSelector | undefined, input: AdmissionReviewInput): boolean {
  if (!selector || isEmpty(selector)) return true;
  const { resource, namespace, object, old } = input;
  if (resource.storage === '/namespaces') return matchesLabelSelector(selector, (object ?? old)?.metadata.labels);
  if (!resource.namespaced) return true;
  return matchesLabelSelector(selector, store.get('/namespaces', { name: namespace ?? '' })?.object.metadata.labels);
}

/** Either the object or its former state. */
function objectMatches(selector: LabelSelector | undefined, { object, old }: AdmissionReviewInput): boolean {
  if (!selector || isEmpty(selector)) return true;
  const labelled = (one: AnyObject | undefined): boolean =>
    one !== undefined && matchesLabelSelector(selector, one.metadata.labels);
  return labelled(object) || labelled(old);
}

const isEmpty = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean =>
  Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
