/** One built-in REST resource as discovery shows it. */
export interface BuiltinRow {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Absent: all of create, delete, deletecollection, get, list, patch, update, watch. */
  readonly verbs?: readonly string[];
  readonly subresources: readonly string[];
  /** Group and resource under which objects are kept, where it is another one's: core and events.k8s.io Events are one. */
  readonly storedAs?: { readonly group: string; readonly version: string };
  /** Whether the server counts spec changes in `metadata.generation`. */
  readonly generation: boolean;
}

type Extra = {
  short?: string;
  all?: true;
  categories?: string;
  sub?: string;
  cluster?: true;
  verbs?: string;
  generation?: true;
  storedAs?: { group: string; version: string };
};

const words = (text = ''): readonly string[] => (text === '' ? [] : text.split(' '));

/** Columns: resource, kind, and what differs from a plain namespaced resource with all verbs. */
function rows(group: string, version: string, table: readonly (readonly [string, string, Extra?])[]): BuiltinRow[] {
  return table.map(([resource, kind, extra = {}]) => ({
    group,
    version,
    resource,
    kind,
    namespaced: !extra.cluster,
    shortNames: words(extra.short),
    categories: extra.all ? ['all'] : words(extra.categories),
    ...(extra.verbs && { verbs: words(extra.verbs) }),
    subresources: words(extra.sub),
    ...(extra.storedAs && { storedAs: extra.storedAs }),
    generation: extra.generation === true,
  }));
}

const CREATE_ONLY = { verbs: 'create', cluster: true } as const;

/** Every built-in resource, group by group in the order of kubernetes.md 1.1. */
export const BUILTIN_RESOURCES: readonly BuiltinRow[] = [
  ...rows('', 'v1', [
    ['bindings', 'Binding', { verbs: 'create' }],
    ['componentstatuses', 'ComponentStatus', { cluster: true, short: 'cs', verbs: 'get list' }],
    ['configmaps', 'ConfigMap', { short: 'cm' }],
    ['endpoints', 'Endpoints', { short: 'ep' }],
    ['events', 'Event', { short: 'ev' }],
    ['limitranges', 'LimitRange', { short: 'limits' }],
    [
      'namespaces',
      'Namespace',
      { cluster: true, short: 'ns', sub: 'finalize status', verbs: 'create delete get list patch update watch' },
    ],
    ['nodes', 'Node', { cluster: true, short: 'no', sub: 'proxy status' }],
    ['persistentvolumeclaims', 'PersistentVolumeClaim', { short: 'pvc', sub: 'status' }],
    ['persistentvolumes', 'PersistentVolume', { cluster: true, short: 'pv', sub: 'status' }],
    [
      'pods',
      'Pod',
      {
        short: 'po',
        all: true,
        generation: true,
        sub: 'attach binding ephemeralcontainers eviction exec log portforward proxy resize status',
      },
    ],
    ['podtemplates', 'PodTemplate', { generation: true }],
    [
      'replicationcontrollers',
      'ReplicationController',
      { short: 'rc', all: true, sub: 'scale status', generation: true },
    ],
    ['resourcequotas', 'ResourceQuota', { short: 'quota', sub: 'status' }],
    ['secrets', 'Secret'],
    ['serviceaccounts', 'ServiceAccount', { short: 'sa', sub: 'token' }],
    ['services', 'Service', { short: 'svc', all: true, sub: 'proxy status' }],
  ]),
  ...rows('apps', 'v1', [
    ['controllerrevisions', 'ControllerRevision'],
    ['daemonsets', 'DaemonSet', { short: 'ds', all: true, sub: 'status', generation: true }],
    ['deployments', 'Deployment', { short: 'deploy', all: true, sub: 'scale status', generation: true }],
    ['replicasets', 'ReplicaSet', { short: 'rs', all: true, sub: 'scale status', generation: true }],
    ['statefulsets', 'StatefulSet', { short: 'sts', all: true, sub: 'scale status', generation: true }],
  ]),
  ...rows('batch', 'v1', [
    ['cronjobs', 'CronJob', { short: 'cj', all: true, sub: 'status', generation: true }],
    ['jobs', 'Job', { all: true, sub: 'status', generation: true }],
  ]),
  ...rows('autoscaling', 'v2', [
    ['horizontalpodautoscalers', 'HorizontalPodAutoscaler', { short: 'hpa', all: true, sub: 'status' }],
  ]),
  ...rows('autoscaling', 'v1', [
    [
      'horizontalpodautoscalers',
      'HorizontalPodAutoscaler',
      { short: 'hpa', all: true, sub: 'status', storedAs: { group: 'autoscaling', version: 'v2' } },
    ],
  ]),
  ...rows('policy', 'v1', [
    ['poddisruptionbudgets', 'PodDisruptionBudget', { short: 'pdb', sub: 'status', generation: true }],
  ]),
  ...rows('networking.k8s.io', 'v1', [
    ['ingressclasses', 'IngressClass', { cluster: true, generation: true }],
    ['ingresses', 'Ingress', { short: 'ing', sub: 'status', generation: true }],
    ['networkpolicies', 'NetworkPolicy', { short: 'netpol', generation: true }],
  ]),
  ...rows('discovery.k8s.io', 'v1', [['endpointslices', 'EndpointSlice', { generation: true }]]),
  ...rows('coordination.k8s.io', 'v1', [['leases', 'Lease']]),
  ...rows('events.k8s.io', 'v1', [['events', 'Event', { short: 'ev', storedAs: { group: '', version: 'v1' } }]]),
  ...rows('rbac.authorization.k8s.io', 'v1', [
    ['clusterrolebindings', 'ClusterRoleBinding', { cluster: true }],
    ['clusterroles', 'ClusterRole', { cluster: true }],
    ['rolebindings', 'RoleBinding'],
    ['roles', 'Role'],
  ]),
  ...rows('authentication.k8s.io', 'v1', [
    ['selfsubjectreviews', 'SelfSubjectReview', CREATE_ONLY],
    ['tokenreviews', 'TokenReview', CREATE_ONLY],
  ]),
  ...rows('authorization.k8s.io', 'v1', [
    ['localsubjectaccessreviews', 'LocalSubjectAccessReview', { verbs: 'create' }],
    ['selfsubjectaccessreviews', 'SelfSubjectAccessReview', CREATE_ONLY],
    ['selfsubjectrulesreviews', 'SelfSubjectRulesReview', CREATE_ONLY],
    ['subjectaccessreviews', 'SubjectAccessReview', CREATE_ONLY],
  ]),
  ...rows('apiextensions.k8s.io', 'v1', [
    [
      'customresourcedefinitions',
      'CustomResourceDefinition',
      { cluster: true, short: 'crd crds', categories: 'api-extensions', sub: 'status', generation: true },
    ],
  ]),
  ...rows('admissionregistration.k8s.io', 'v1', [
    [
      'mutatingwebhookconfigurations',
      'MutatingWebhookConfiguration',
      { cluster: true, categories: 'api-extensions', generation: true },
    ],
    [
      'validatingadmissionpolicies',
      'ValidatingAdmissionPolicy',
      { cluster: true, categories: 'api-extensions', sub: 'status', generation: true },
    ],
    [
      'validatingadmissionpolicybindings',
      'ValidatingAdmissionPolicyBinding',
      { cluster: true, categories: 'api-extensions', generation: true },
    ],
    [
      'validatingwebhookconfigurations',
      'ValidatingWebhookConfiguration',
      { cluster: true, categories: 'api-extensions', generation: true },
    ],
  ]),
  ...rows('apiregistration.k8s.io', 'v1', [
    ['apiservices', 'APIService', { cluster: true, categories: 'api-extensions', sub: 'status' }],
  ]),
  ...rows('storage.k8s.io', 'v1', [
    ['csidrivers', 'CSIDriver', { cluster: true }],
    ['csinodes', 'CSINode', { cluster: true }],
    ['csistoragecapacities', 'CSIStorageCapacity'],
    ['storageclasses', 'StorageClass', { cluster: true, short: 'sc' }],
    ['volumeattachments', 'VolumeAttachment', { cluster: true, sub: 'status' }],
  ]),
  ...rows('scheduling.k8s.io', 'v1', [
    ['priorityclasses', 'PriorityClass', { cluster: true, short: 'pc', generation: true }],
  ]),
  ...rows('certificates.k8s.io', 'v1', [
    [
      'certificatesigningrequests',
      'CertificateSigningRequest',
      { cluster: true, short: 'csr', sub: 'approval status' },
    ],
  ]),
  ...rows('node.k8s.io', 'v1', [['runtimeclasses', 'RuntimeClass', { cluster: true }]]),
];
