import type { AnyObject } from '#api/kube';
import type { PolicyRule } from './rbac.ts';

const READ = ['get', 'list', 'watch'] as const;
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'] as const;

const words = (text: string): string[] => text.split(' ');
const rule = (apiGroup: string, resources: string, verbs: readonly string[]): PolicyRule => ({
  apiGroups: [apiGroup],
  resources: words(resources),
  verbs,
});
const paths = (nonResourceURLs: string): PolicyRule => ({
  nonResourceURLs: words(nonResourceURLs),
  verbs: ['get'],
});

/** What the three user-facing roles cover, from the least to the most; each includes those before it. */
const VIEW: readonly PolicyRule[] = [
  rule(
    '',
    'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers ' +
      'replicationcontrollers/scale serviceaccounts services services/status bindings events limitranges ' +
      'namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status namespaces',
    READ,
  ),
  rule('discovery.k8s.io', 'endpointslices', READ),
  rule(
    'apps',
    'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets ' +
      'replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
    READ,
  ),
  rule('autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status', READ),
  rule('batch', 'cronjobs cronjobs/status jobs jobs/status', READ),
  rule('policy', 'poddisruptionbudgets poddisruptionbudgets/status', READ),
  rule('networking.k8s.io', 'ingresses ingresses/status networkpolicies', READ),
];

const EDIT: readonly PolicyRule[] = [
  rule('', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy', READ),
  rule('', 'serviceaccounts', ['impersonate']),
  rule('', 'pods pods/attach pods/exec pods/portforward pods/proxy', WRITE),
  rule('', 'pods/eviction serviceaccounts/token', ['create']),
  rule(
    '',
    'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts ' +
      'services services/proxy',
    WRITE,
  ),
  rule(
    'apps',
    'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
    WRITE,
  ),
  rule('autoscaling', 'horizontalpodautoscalers', WRITE),
  rule('batch', 'cronjobs jobs', WRITE),
  rule('policy', 'poddisruptionbudgets', WRITE),
  rule('networking.k8s.io', 'ingresses networkpolicies', WRITE),
  rule('coordination.k8s.io', 'leases', [...READ, ...WRITE]),
];

const ADMIN: readonly PolicyRule[] = [
  rule('authorization.k8s.io', 'localsubjectaccessreviews', ['create']),
  rule('rbac.authorization.k8s.io', 'rolebindings roles', [...READ, ...WRITE]),
];

const LEVELS = { view: VIEW, edit: EDIT, admin: ADMIN } as const;
const AGGREGATES = { view: ['view'], edit: ['edit', 'view'], admin: ['admin', 'edit', 'view'] } as const;

/** Roles of single purposes; all cluster-wide. */
const SYSTEM_ROLES: Readonly<Record<string, readonly PolicyRule[]>> = {
  'cluster-admin': [
    { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    { nonResourceURLs: ['*'], verbs: ['*'] },
  ],
  'system:discovery': [
    paths('/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/'),
  ],
  'system:basic-user': [
    rule('authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews', ['create']),
    rule('authentication.k8s.io', 'selfsubjectreviews', ['create']),
  ],
  'system:public-info-viewer': [paths('/healthz /livez /readyz /version /version/')],
  'system:auth-delegator': [
    rule('authentication.k8s.io', 'tokenreviews', ['create']),
    rule('authorization.k8s.io', 'subjectaccessreviews', ['create']),
  ],
  'system:service-account-issuer-discovery': [
    paths('/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/'),
  ],
  'system:monitoring': [paths('/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*')],
};

/** Cluster role -> groups that have it from the start. */
const SYSTEM_BINDINGS: Readonly<Record<string, readonly string[]>> = {
  'cluster-admin': ['system:masters'],
  'system:discovery': ['system:authenticated'],
  'system:basic-user': ['system:authenticated'],
  'system:public-info-viewer': ['system:authenticated', 'system:unauthenticated'],
  'system:service-account-issuer-discovery': ['system:serviceaccounts'],
  'system:monitoring': ['system:monitoring'],
};

const LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' } as const;
const API_VERSION = 'rbac.authorization.k8s.io/v1';

/** All roles and bindings that a new cluster has, by resource name. */
export function bootstrapRbac(): { resource: string; object: AnyObject }[] {
  const levels = Object.keys(LEVELS) as (keyof typeof LEVELS)[];
  return [
    ...Object.entries(SYSTEM_ROLES).map(([name, rules]) => clusterRole(name, rules)),
    ...levels.map((level) =>
      clusterRole(`system:aggregate-to-${level}`, LEVELS[level], {
        [`rbac.authorization.k8s.io/aggregate-to-${level}`]: 'true',
      }),
    ),
    ...levels.map(aggregatedRole),
    ...Object.entries(SYSTEM_BINDINGS).map(([role, groups]) => clusterBinding(role, groups)),
    ...readerOf('kube-system', 'extension-apiserver-authentication-reader', 'extension-apiserver-authentication', []),
    ...readerOf('kube-public', 'cluster-info-reader', 'cluster-info', [
      'system:authenticated',
      'system:unauthenticated',
    ]),
  ];
}

type Entry = { resource: string; object: AnyObject };

function clusterRole(name: string, rules: readonly PolicyRule[], labels: Record<string, string> = {}): Entry {
  return {
    resource: 'clusterroles',
    object: {
      apiVersion: API_VERSION,
      kind: 'ClusterRole',
      metadata: { name, labels: { ...LABELS, ...labels } },
      rules: rules.map((one) => ({ ...one })),
    },
  };
}

/** A user-facing role: its rules are the sum of the labelled ones, kept so by the aggregation controller. */
function aggregatedRole(level: keyof typeof LEVELS): Entry {
  const entry = clusterRole(
    level,
    AGGREGATES[level].flatMap((part) => LEVELS[part]),
    level === 'admin'
      ? {}
      : { [`rbac.authorization.k8s.io/aggregate-to-${level === 'view' ? 'edit' : 'admin'}`]: 'true' },
  );
  entry.object['aggregationRule'] = {
    clusterRoleSelectors: [{ matchLabels: { [`rbac.authorization.k8s.io/aggregate-to-${level}`]: 'true' } }],
  };
  return entry;
}

const groupSubjects = (groups: readonly string[]): object[] =>
  groups.map((name) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name }));

function clusterBinding(role: string, groups: readonly string[]): Entry {
  return {
    resource: 'clusterrolebindings',
    object: {
      apiVersion: API_VERSION,
      kind: 'ClusterRoleBinding',
      metadata: { name: role, labels: { ...LABELS } },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: groupSubjects(groups),
    },
  };
}

/** A Role that reads one ConfigMap and, where groups are given, their RoleBinding. */
function readerOf(namespace: string, name: string, configMap: string, groups: readonly string[]): Entry[] {
  const metadata = { name, namespace, labels: { ...LABELS } };
  const rules = [{ apiGroups: [''], resources: ['configmaps'], resourceNames: [configMap], verbs: [...READ] }];
  const role = { resource: 'roles', object: { apiVersion: API_VERSION, kind: 'Role', metadata, rules } };
  if (groups.length === 0) return [role];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name };
  const object = { apiVersion: API_VERSION, kind: 'RoleBinding', metadata, roleRef, subjects: groupSubjects(groups) };
  return [role, { resource: 'rolebindings', object }];
}
