import type { AnyObject } from '#api/kube';
import { call, merged, orElse } from '#model/template';
import type { Values } from './values.ts';

/** Makers of the plain objects that manifests repeat. */

export interface Manifest {
  namespace: string;
  values: Values;
}

export const CONTROL_PLANE_NS = 'linkerd.io/control-plane-ns';
export const COMPONENT = 'linkerd.io/control-plane-component';
export const CREATED_BY = 'linkerd.io/created-by';

export interface Named {
  name: string;
  /** Absent: cluster-scoped. */
  namespace?: string;
  component?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** Metadata that every object of the control plane carries. */
export function metadataOf(manifest: Manifest, named: Named): AnyObject['metadata'] {
  const { name, namespace, component, labels, annotations } = named;
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    labels: merged(manifest.values.commonLabels, {
      ...(component !== undefined && { [COMPONENT]: component }),
      [CONTROL_PLANE_NS]: manifest.namespace,
      ...labels,
    }),
    annotations: { [CREATED_BY]: createdBy(manifest.values), ...annotations },
  };
}

/** Who rendered the manifest. */
export const createdBy = (values: Values): string => orElse(values.cliVersion, `linkerd/helm ${values.linkerdVersion}`);

/** Text as data of a Secret. */
export const base64 = (text: string): string =>
  call('b64enc', (known: string) => Buffer.from(known).toString('base64'), text);

export function object(
  apiVersion: string,
  kind: string,
  metadata: AnyObject['metadata'],
  more: Record<string, unknown> = {},
): AnyObject {
  return { apiVersion, kind, metadata, ...more };
}

const RBAC = 'rbac.authorization.k8s.io';

export interface Rule {
  apiGroups?: readonly string[];
  resources: readonly string[];
  verbs: readonly string[];
  resourceNames?: readonly string[];
}
export const READ = ['list', 'get', 'watch'] as const;
/** One line of RBAC: `allow('apps', ['replicasets'], READ)`. */
export const allow = (
  group: string,
  resources: readonly string[],
  verbs: readonly string[],
  resourceNames?: readonly string[],
): Rule => ({ apiGroups: [group], resources, verbs, ...(resourceNames && { resourceNames }) });

export const serviceAccount = (metadata: AnyObject['metadata']): AnyObject => object('v1', 'ServiceAccount', metadata);
export const clusterRole = (metadata: AnyObject['metadata'], rules: readonly Rule[]): AnyObject =>
  object(`${RBAC}/v1`, 'ClusterRole', metadata, { rules });
export const role = (metadata: AnyObject['metadata'], rules: readonly Rule[]): AnyObject =>
  object(`${RBAC}/v1`, 'Role', metadata, { rules });

export interface Subject {
  kind: 'ServiceAccount' | 'Group';
  name: string;
  namespace?: string;
}
export const clusterRoleBinding = (metadata: AnyObject['metadata'], roleName: string, subjects: readonly Subject[]) =>
  object(`${RBAC}/v1`, 'ClusterRoleBinding', metadata, {
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: roleName },
    subjects: subjects.map(subjectOf),
  });
export const roleBinding = (metadata: AnyObject['metadata'], roleName: string, subjects: readonly Subject[]) =>
  object(`${RBAC}/v1`, 'RoleBinding', metadata, {
    roleRef: { apiGroup: RBAC, kind: 'Role', name: roleName },
    subjects: subjects.map(subjectOf),
  });
const subjectOf = (subject: Subject): Record<string, string> =>
  subject.kind === 'Group' ? { apiGroup: RBAC, ...subject } : { ...subject };

export interface ServicePort {
  name: string;
  port: number;
  /** Default: the same. */
  targetPort?: number | string;
}
export const service = (
  metadata: AnyObject['metadata'],
  selector: Record<string, string>,
  ports: readonly ServicePort[],
  headless = false,
): AnyObject =>
  object('v1', 'Service', metadata, {
    spec: {
      type: 'ClusterIP',
      ...(headless && { clusterIP: 'None' }),
      selector,
      ports: ports.map((port) => ({ name: port.name, port: port.port, targetPort: port.targetPort ?? port.port })),
    },
  });

/** JSON in the order of keys that Go writes, so that no rollout follows from who rendered. */
export const jsonText = (value: object): string =>
  call('toRawJson', (known: object) => JSON.stringify(sorted(known)), value);

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
