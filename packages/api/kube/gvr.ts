import type { Gvr } from './meta.ts';

const gvr = (group: string, resource: string, version = 'v1'): Gvr => ({ group, version, resource });

// Resources of the built-in groups, as clients name them: `client.list(PODS, …)`.
export const CONFIG_MAPS = gvr('', 'configmaps');
export const ENDPOINTS = gvr('', 'endpoints');
export const EVENTS = gvr('', 'events');
export const NAMESPACES = gvr('', 'namespaces');
export const NODES = gvr('', 'nodes');
export const PERSISTENT_VOLUMES = gvr('', 'persistentvolumes');
export const PERSISTENT_VOLUME_CLAIMS = gvr('', 'persistentvolumeclaims');
export const PODS = gvr('', 'pods');
export const POD_TEMPLATES = gvr('', 'podtemplates');
export const REPLICATION_CONTROLLERS = gvr('', 'replicationcontrollers');
export const RESOURCE_QUOTAS = gvr('', 'resourcequotas');
export const LIMIT_RANGES = gvr('', 'limitranges');
export const SECRETS = gvr('', 'secrets');
export const SERVICE_ACCOUNTS = gvr('', 'serviceaccounts');
export const SERVICES = gvr('', 'services');

export const CONTROLLER_REVISIONS = gvr('apps', 'controllerrevisions');
export const DAEMON_SETS = gvr('apps', 'daemonsets');
export const DEPLOYMENTS = gvr('apps', 'deployments');
export const REPLICA_SETS = gvr('apps', 'replicasets');
export const STATEFUL_SETS = gvr('apps', 'statefulsets');
export const CRON_JOBS = gvr('batch', 'cronjobs');
export const JOBS = gvr('batch', 'jobs');
export const HORIZONTAL_POD_AUTOSCALERS = gvr('autoscaling', 'horizontalpodautoscalers', 'v2');
export const POD_DISRUPTION_BUDGETS = gvr('policy', 'poddisruptionbudgets');

export const INGRESS_CLASSES = gvr('networking.k8s.io', 'ingressclasses');
export const INGRESSES = gvr('networking.k8s.io', 'ingresses');
export const NETWORK_POLICIES = gvr('networking.k8s.io', 'networkpolicies');
export const ENDPOINT_SLICES = gvr('discovery.k8s.io', 'endpointslices');
export const LEASES = gvr('coordination.k8s.io', 'leases');
/** The events.k8s.io view of the same objects as {@link EVENTS}. */
export const NEW_EVENTS = gvr('events.k8s.io', 'events');

export const CLUSTER_ROLE_BINDINGS = gvr('rbac.authorization.k8s.io', 'clusterrolebindings');
export const CLUSTER_ROLES = gvr('rbac.authorization.k8s.io', 'clusterroles');
export const ROLE_BINDINGS = gvr('rbac.authorization.k8s.io', 'rolebindings');
export const ROLES = gvr('rbac.authorization.k8s.io', 'roles');
export const SELF_SUBJECT_REVIEWS = gvr('authentication.k8s.io', 'selfsubjectreviews');
export const TOKEN_REVIEWS = gvr('authentication.k8s.io', 'tokenreviews');
export const LOCAL_SUBJECT_ACCESS_REVIEWS = gvr('authorization.k8s.io', 'localsubjectaccessreviews');
export const SELF_SUBJECT_ACCESS_REVIEWS = gvr('authorization.k8s.io', 'selfsubjectaccessreviews');
export const SELF_SUBJECT_RULES_REVIEWS = gvr('authorization.k8s.io', 'selfsubjectrulesreviews');
export const SUBJECT_ACCESS_REVIEWS = gvr('authorization.k8s.io', 'subjectaccessreviews');

export const CUSTOM_RESOURCE_DEFINITIONS = gvr('apiextensions.k8s.io', 'customresourcedefinitions');
export const API_SERVICES = gvr('apiregistration.k8s.io', 'apiservices');
export const MUTATING_WEBHOOK_CONFIGURATIONS = gvr('admissionregistration.k8s.io', 'mutatingwebhookconfigurations');
export const VALIDATING_WEBHOOK_CONFIGURATIONS = gvr('admissionregistration.k8s.io', 'validatingwebhookconfigurations');
export const VALIDATING_ADMISSION_POLICIES = gvr('admissionregistration.k8s.io', 'validatingadmissionpolicies');
export const VALIDATING_ADMISSION_POLICY_BINDINGS = gvr(
  'admissionregistration.k8s.io',
  'validatingadmissionpolicybindings',
);

export const CSI_DRIVERS = gvr('storage.k8s.io', 'csidrivers');
export const CSI_NODES = gvr('storage.k8s.io', 'csinodes');
export const STORAGE_CLASSES = gvr('storage.k8s.io', 'storageclasses');
export const PRIORITY_CLASSES = gvr('scheduling.k8s.io', 'priorityclasses');
export const RUNTIME_CLASSES = gvr('node.k8s.io', 'runtimeclasses');
export const CERTIFICATE_SIGNING_REQUESTS = gvr('certificates.k8s.io', 'certificatesigningrequests');
export const NODE_METRICS = gvr('metrics.k8s.io', 'nodes', 'v1beta1');
export const POD_METRICS = gvr('metrics.k8s.io', 'pods', 'v1beta1');
