import type { LabelSelector } from '#api/kube';
import type { Pod, PodAffinityTerm } from '../kinds/index.ts';
import { isEmptySelector, matchesLabelSelector } from '../selectors/index.ts';
import { domainOf, type NodeInfo, type Snapshot } from './snapshot.ts';

/** A selector narrowed to the pod's own values of some label keys (`matchLabelKeys`), or to others (`mismatchLabelKeys`). */
export function narrowed(
  selector: LabelSelector | undefined,
  pod: Pod,
  same: readonly string[] = [],
  other: readonly string[] = [],
): LabelSelector {
  const expression = (key: string, operator: 'In' | 'NotIn') => {
    const value = pod.metadata.labels?.[key];
    return value === undefined ? [] : [{ key, operator, values: [value] }];
  };
  const more = [...same.flatMap((key) => expression(key, 'In')), ...other.flatMap((key) => expression(key, 'NotIn'))];
  return { ...selector, matchExpressions: [...(selector?.matchExpressions ?? []), ...more] };
}

/** Whether `other` is meant by a term of `pod`: right namespace, right labels. */
export function isMeant(snapshot: Snapshot, term: PodAffinityTerm, pod: Pod, other: Pod): boolean {
  const namespace = other.metadata.namespace ?? '';
  const { namespaces = [], namespaceSelector } = term;
  const inNamespace =
    namespaces.length === 0 && !namespaceSelector
      ? namespace === pod.metadata.namespace
      : namespaces.includes(namespace) ||
        (namespaceSelector !== undefined &&
          (isEmptySelector(namespaceSelector) ||
            matchesLabelSelector(namespaceSelector, snapshot.namespaceLabels(namespace))));
  if (!inNamespace || !term.labelSelector) return false;
  const selector = narrowed(term.labelSelector, pod, term.matchLabelKeys, term.mismatchLabelKeys);
  return matchesLabelSelector(selector, other.metadata.labels);
}

/** Domains of a topology key in which a pod lives that the term means. */
export function domainsOf(snapshot: Snapshot, term: PodAffinityTerm, pod: Pod): Set<string> {
  const domains = new Set<string>();
  for (const info of snapshot.nodes) {
    const domain = domainOf(info, term.topologyKey);
    if (domain !== undefined && info.pods.some((other) => isMeant(snapshot, term, pod, other))) domains.add(domain);
  }
  return domains;
}

const requiredTerms = (pod: Pod, kind: 'podAffinity' | 'podAntiAffinity'): readonly PodAffinityTerm[] =>
  pod.spec.affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];

/** A reusable check of nodes against the pod's and its neighbours' required affinities: the reason against a node, if any. */
export function affinityFilter(snapshot: Snapshot, pod: Pod): (info: NodeInfo) => string | undefined {
  const wanted = requiredTerms(pod, 'podAffinity').map((term) => {
    const domains = domainsOf(snapshot, term, pod);
    const first = domains.size === 0 && isMeant(snapshot, term, pod, pod);
    return { term, domains, first };
  });
  const avoided = requiredTerms(pod, 'podAntiAffinity').map((term) => ({
    term,
    domains: domainsOf(snapshot, term, pod),
  }));
  const avoiding = domainsAvoiding(snapshot, pod);
  return (info) => {
    const inDomain = (key: string, domains: ReadonlySet<string>): boolean =>
      domains.has(domainOf(info, key) ?? '\u0000');
    const near = wanted.every(({ term, domains, first }) =>
      first ? domainOf(info, term.topologyKey) !== undefined : inDomain(term.topologyKey, domains),
    );
    if (!near) return "node(s) didn't match pod affinity rules";
    if (avoided.some(({ term, domains }) => inDomain(term.topologyKey, domains)))
      return "node(s) didn't match pod anti-affinity rules";
    if (avoiding.some(({ key, domain }) => domainOf(info, key) === domain))
      return "node(s) didn't satisfy existing pods anti-affinity rules";
    return undefined;
  };
}

/** Domains whose pods require not to be near the given pod. */
function domainsAvoiding(snapshot: Snapshot, pod: Pod): { key: string; domain: string }[] {
  return snapshot.nodes.flatMap((info) =>
    info.pods.flatMap((other) =>
      requiredTerms(other, 'podAntiAffinity').flatMap((term) => {
        const domain = domainOf(info, term.topologyKey);
        return domain !== undefined && isMeant(snapshot, term, other, pod) ? [{ key: term.topologyKey, domain }] : [];
      }),
    ),
  );
}

/** How much a node is liked for its neighbours: weights of preferred affinity terms met, minus those of anti-affinity. */
export function affinityScorer(snapshot: Snapshot, pod: Pod): (info: NodeInfo) => number {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const terms = [
    ...(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) => ({ ...each, sign: 1 })),
    ...(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) => ({ ...each, sign: -1 })),
  ].map(({ weight, podAffinityTerm: term, sign }) => ({
    key: term.topologyKey,
    value: weight * sign,
    count: countsByDomain(snapshot, term, pod),
  }));
  return (info) =>
    terms.reduce((sum, { key, value, count }) => sum + value * (count.get(domainOf(info, key) ?? '\u0000') ?? 0), 0);
}

function countsByDomain(snapshot: Snapshot, term: PodAffinityTerm, pod: Pod): Map<string, number> {
  const counts = new Map<string, number>();
  for (const info of snapshot.nodes) {
    const domain = domainOf(info, term.topologyKey);
    if (domain === undefined) continue;
    const meant = info.pods.filter((other) => isMeant(snapshot, term, pod, other)).length;
    counts.set(domain, (counts.get(domain) ?? 0) + meant);
  }
  return counts;
}
