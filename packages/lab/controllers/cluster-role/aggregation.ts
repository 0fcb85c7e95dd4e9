import { CLUSTER_ROLES, type KubeObject, type LabelSelector } from '#api/kube';
import { type Controller, NOTHING, type Plan } from '../../reconcile/index.ts';
import { matchesLabelSelector } from '../../selectors/index.ts';
import { canonicalJson } from '../hash.ts';

interface ClusterRole extends KubeObject {
  rules?: object[] | null;
  aggregationRule?: { clusterRoleSelectors?: LabelSelector[] };
}

export interface AggregationObserved {
  role: ClusterRole;
  /** All ClusterRoles. */
  roles: readonly ClusterRole[];
}

/** Fills the rules of aggregated ClusterRoles (admin, edit, view…) from the roles whose labels they select. */
export const aggregationController: Controller<AggregationObserved> = {
  name: 'clusterrole-aggregation-controller',
  triggers: [
    {
      gvr: CLUSTER_ROLES,
      keys: (_change, caches) =>
        caches
          .of<ClusterRole>(CLUSTER_ROLES)
          .list()
          .filter((role) => role.aggregationRule)
          .map((role) => role.metadata.name ?? ''),
    },
  ],
  observe(name, caches) {
    const roles = caches.of<ClusterRole>(CLUSTER_ROLES);
    const role = roles.get(name);
    return role?.aggregationRule ? { role, roles: roles.list() } : undefined;
  },
  reconcile: aggregate,
};

function aggregate({ role, roles }: AggregationObserved): Plan {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
  const selected = roles
    .filter(
      (each) => each !== role && selectors.some((selector) => matchesLabelSelector(selector, each.metadata.labels)),
    )
    .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
  const rules = new Map(selected.flatMap((each) => each.rules ?? []).map((rule) => [canonicalJson(rule), rule]));
  const wanted = [...rules.values()];
  if (canonicalJson(wanted) === canonicalJson(role.rules ?? [])) return NOTHING;
  return { writes: [{ verb: 'update', gvr: CLUSTER_ROLES, object: { ...role, rules: wanted } as KubeObject }] };
}
