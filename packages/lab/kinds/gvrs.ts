import type { Gvr } from '#api/kube';

const gvr = (group: string, resource: string, version = 'v1'): Gvr => ({ group, version, resource });

/** The built-in resources that controllers and scheduler name. */
export const GVRS = {
  pods: gvr('', 'pods'),
  services: gvr('', 'services'),
  endpoints: gvr('', 'endpoints'),
  configMaps: gvr('', 'configmaps'),
  secrets: gvr('', 'secrets'),
  serviceAccounts: gvr('', 'serviceaccounts'),
  events: gvr('', 'events'),
  namespaces: gvr('', 'namespaces'),
  nodes: gvr('', 'nodes'),
  replicationControllers: gvr('', 'replicationcontrollers'),
  persistentVolumes: gvr('', 'persistentvolumes'),
  persistentVolumeClaims: gvr('', 'persistentvolumeclaims'),
  deployments: gvr('apps', 'deployments'),
  replicaSets: gvr('apps', 'replicasets'),
  statefulSets: gvr('apps', 'statefulsets'),
  daemonSets: gvr('apps', 'daemonsets'),
  controllerRevisions: gvr('apps', 'controllerrevisions'),
  jobs: gvr('batch', 'jobs'),
  cronJobs: gvr('batch', 'cronjobs'),
  endpointSlices: gvr('discovery.k8s.io', 'endpointslices'),
  leases: gvr('coordination.k8s.io', 'leases'),
  podDisruptionBudgets: gvr('policy', 'poddisruptionbudgets'),
  clusterRoles: gvr('rbac.authorization.k8s.io', 'clusterroles'),
} as const satisfies Record<string, Gvr>;

/** One string per resource, e.g. `apps/v1/deployments`. */
export const gvrKey = (of: Gvr): string => `${of.group}/${of.version}/${of.resource}`;

/** The `apiVersion` of objects of a resource: `v1`, `apps/v1`. */
export const apiVersionOf = (of: Gvr): string => (of.group ? `${of.group}/${of.version}` : of.version);
