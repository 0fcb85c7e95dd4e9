import type { Condition, Gvr, KubeObject } from '#api/kube';
import type { ServicePort } from '../mirror/service.ts';

const GROUP = 'multicluster.x-k8s.io';
const VERSION = 'v1beta1';
/** Resources of the Multi-Cluster Services API (KEP-1645). */
export const SERVICE_EXPORTS: Gvr = { group: GROUP, version: VERSION, resource: 'serviceexports' };
export const SERVICE_IMPORTS: Gvr = { group: GROUP, version: VERSION, resource: 'serviceimports' };
export const MCS_API_VERSION = `${GROUP}/${VERSION}`;

/** Labels and names that KEP-1645 gives to what belongs to an import. */
export const MCS = {
  /** Label of EndpointSlices: name of the ServiceImport. */
  serviceName: 'multicluster.kubernetes.io/service-name',
  /** Label of EndpointSlices: the cluster whose pods are in it. */
  sourceCluster: 'multicluster.kubernetes.io/source-cluster',
  /** Label of EndpointSlices: who keeps them. */
  managedBy: 'endpointslice.kubernetes.io/managed-by',
  /** What stands there on ours. */
  manager: 'service-mirror.weft.dev',
} as const;

/** The Service of the same name is to be reached from other clusters. */
export interface ServiceExport extends KubeObject {
  spec?: { exportedLabels?: Record<string, string>; exportedAnnotations?: Record<string, string> };
  status?: { conditions?: Condition[] };
}

export type ImportType = 'ClusterSetIP' | 'Headless';

/** A service of all clusters that export it. */
export interface ServiceImport extends KubeObject {
  spec?: {
    type: ImportType;
    ports: Omit<ServicePort, 'targetPort'>[];
    ips?: string[];
    ipFamilies?: string[];
    sessionAffinity?: string;
    sessionAffinityConfig?: Record<string, unknown>;
    internalTrafficPolicy?: string;
    trafficDistribution?: string;
  };
  status?: {
    clusters?: { cluster: string }[];
    conditions?: Condition[];
    /** Definitions before v0.5.2 do not have it. */
    endpointSliceObjects?: 'Present' | 'Absent';
  };
}
