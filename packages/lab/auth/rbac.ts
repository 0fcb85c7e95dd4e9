import type { AnyObject } from '#api/kube';
import type { Store } from '#lab/store';
import type { UserInfo } from './user.ts';

/** What someone wants to do: with a resource, or with a path that is none. */
export type Attributes = { readonly user: UserInfo; readonly verb: string } & (
  | {
      readonly group: string;
      readonly resource: string;
      readonly subresource?: string | undefined;
      readonly namespace?: string | undefined;
      readonly name?: string | undefined;
      readonly path?: undefined;
    }
  | { readonly path: string }
);

/** One rule of a Role or ClusterRole (rbac.authorization.k8s.io/v1 PolicyRule). */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

export interface Decision {
  readonly allowed: boolean;
  /** Why it is allowed, naming the binding; empty when it is not. */
  readonly reason: string;
}

interface Binding {
  readonly kind: 'RoleBinding' | 'ClusterRoleBinding';
  readonly name: string;
  /** Absent: applies everywhere. */
  readonly namespace: string | undefined;
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjectText: string;
}

const GROUP = 'rbac.authorization.k8s.io';
/** Members may do anything, whatever the bindings say. */
const SUPERUSERS = 'system:masters';

/** Role-based access over the stored roles and bindings. Bindings are indexed by subject, anew after each change. */
export class Authorizer {
  readonly #store: Store;
  readonly #stops: readonly (() => void)[];
  #index: Map<string, Binding[]> | undefined;

  constructor(store: Store) {
    this.#store = store;
    this.#stops = ['rolebindings', 'clusterrolebindings'].map((resource) =>
      store.watch(`${GROUP}/${resource}`, store.revision, () => {
        this.#index = undefined;
      }),
    );
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  authorize(attributes: Attributes): Decision {
    const { user } = attributes;
    if (user.groups.includes(SUPERUSERS)) return { allowed: true, reason: '' };
    const namespace = attributes.path === undefined ? attributes.namespace : undefined;
    for (const binding of this.#bindingsOf(user, namespace)) {
      const rules = this.#rulesOf(binding);
      if (rules.some((rule) => ruleAllows(rule, attributes, binding.namespace !== undefined)))
        return { allowed: true, reason: reasonOf(binding) };
    }
    return { allowed: false, reason: '' };
  }

  /** All rules that apply to the user in a namespace, for SelfSubjectRulesReview. */
  rules(user: UserInfo, namespace: string): PolicyRule[] {
    const rules = this.#bindingsOf(user, namespace).flatMap((binding) => this.#rulesOf(binding));
    if (!user.groups.includes(SUPERUSERS)) return rules;
    return [...rules, { verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, { verbs: ['*'], nonResourceURLs: ['*'] }];
  }

  #bindingsOf(user: UserInfo, namespace: string | undefined): Binding[] {
    this.#index ??= this.#buildIndex();
    const subjects = [`User/${user.name}`, ...user.groups.map((group) => `Group/${group}`)];
    return subjects
      .flatMap((subject) => this.#index?.get(subject) ?? [])
      .filter((binding) => binding.namespace === undefined || binding.namespace === namespace);
  }

  #rulesOf({ roleRef, namespace }: Binding): readonly PolicyRule[] {
    const role =
      roleRef.kind === 'ClusterRole'
        ? this.#store.get(`${GROUP}/clusterroles`, { name: roleRef.name })
        : this.#store.get(`${GROUP}/roles`, { namespace, name: roleRef.name });
    return (role?.object['rules'] as PolicyRule[] | undefined) ?? [];
  }

  #buildIndex(): Map<string, Binding[]> {
    const index = new Map<string, Binding[]>();
    for (const kind of ['ClusterRoleBinding', 'RoleBinding'] as const)
      for (const { object } of this.#store.list(`${GROUP}/${kind.toLowerCase()}s`))
        for (const [subject, binding] of bindingsOf(kind, object)) {
          const found = index.get(subject);
          if (found) found.push(binding);
          else index.set(subject, [binding]);
        }
    return index;
  }
}

/** `User "u" cannot list resource "pods" in API group "" in the namespace "default"`. */
export function refusal(attributes: Attributes): string {
  const who = `User ${JSON.stringify(attributes.user.name)} cannot ${attributes.verb}`;
  if (attributes.path !== undefined) return `${who} path ${JSON.stringify(attributes.path)}`;
  const { group, resource, subresource, namespace } = attributes;
  const what = subresource ? `${resource}/${subresource}` : resource;
  const where = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope';
  return `${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}`;
}

interface Subject {
  kind: string;
  name: string;
  namespace?: string;
}

function bindingsOf(kind: Binding['kind'], object: AnyObject): [string, Binding][] {
  const { roleRef, subjects = [] } = object as AnyObject & { roleRef: Binding['roleRef']; subjects?: Subject[] };
  const { name = '', namespace } = object.metadata;
  return subjects.map((subject) => {
    const account = subject.kind === 'ServiceAccount';
    const owner = subject.namespace ?? namespace ?? '';
    const key = account ? `User/system:serviceaccount:${owner}:${subject.name}` : `${subject.kind}/${subject.name}`;
    const subjectText = `${subject.kind} "${subject.name}${account ? `/${owner}` : ''}"`;
    return [key, { kind, name, namespace: kind === 'RoleBinding' ? namespace : undefined, roleRef, subjectText }];
  });
}

const reasonOf = ({ kind, name, namespace, roleRef, subjectText }: Binding): string =>
  `RBAC: allowed by ${kind} "${namespace ? `${name}/${namespace}` : name}" of ${roleRef.kind} "${roleRef.name}" to ${subjectText}`;

function ruleAllows(rule: PolicyRule, attributes: Attributes, namespacedBinding: boolean): boolean {
  if (!holds(rule.verbs, attributes.verb)) return false;
  if (attributes.path !== undefined) {
    const { path } = attributes;
    return !namespacedBinding && (rule.nonResourceURLs ?? []).some((pattern) => pathFits(pattern, path));
  }
  const { group, resource, subresource, name } = attributes;
  if (!holds(rule.apiGroups, group)) return false;
  if (!(rule.resources ?? []).some((pattern) => resourceFits(pattern, resource, subresource))) return false;
  return !rule.resourceNames?.length || rule.resourceNames.includes(name ?? '');
}

const holds = (list: readonly string[] | undefined, wanted: string): boolean =>
  list !== undefined && (list.includes('*') || list.includes(wanted));

function resourceFits(pattern: string, resource: string, subresource: string | undefined): boolean {
  if (pattern === '*') return true;
  if (!subresource) return pattern === resource;
  return pattern === `${resource}/${subresource}` || pattern === `*/${subresource}`;
}

const pathFits = (pattern: string, path: string): boolean =>
  pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
