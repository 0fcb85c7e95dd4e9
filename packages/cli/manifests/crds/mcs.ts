import {
  type CrdSource,
  type CrdVersion,
  fields,
  int32,
  keyed,
  list,
  oneOfNames,
  type Schema,
  str,
  stringMap,
} from './schema.ts';
import { conditions } from './shapes.ts';

/** The Multi-Cluster Services API (KEP-1645): what a cluster gives to others, and what it has of them. */

const GROUP = 'multicluster.x-k8s.io';
const AGE = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' } as const;

const exportSchema = (): Schema =>
  fields({
    spec: fields({ exportedAnnotations: stringMap, exportedLabels: stringMap }),
    status: fields({ conditions: conditions() }),
  });

const importPort = (): Schema => fields({ name: str(), protocol: str(), appProtocol: str(), 'port*': int32() });

const importSchema = (): Schema =>
  fields({
    spec: fields({
      'type*': oneOfNames('ClusterSetIP', 'Headless'),
      'ports*': list(importPort(), { 'x-kubernetes-list-type': 'atomic' }),
      ips: list(str(), { maxItems: 2 }),
      ipFamilies: list(str(), { maxItems: 2 }),
      sessionAffinity: str(),
      sessionAffinityConfig: fields({ clientIP: fields({ timeoutSeconds: int32() }) }),
      internalTrafficPolicy: str(),
      trafficDistribution: str(),
    }),
    status: fields({
      clusters: keyed(fields({ 'cluster*': str() }), ['cluster']),
      conditions: conditions(),
      endpointSliceObjects: oneOfNames('Present', 'Absent'),
    }),
  });

/** Both versions have the same fields; the newer one is stored. */
const versions = (schema: () => Schema, columns: NonNullable<CrdVersion['columns']>): CrdVersion[] => [
  { name: 'v1alpha1', status: true, columns, schema: schema() },
  { name: 'v1beta1', storage: true, status: true, columns, schema: schema() },
];

export const MCS_CRDS: readonly CrdSource[] = [
  {
    group: GROUP,
    kind: 'ServiceExport',
    plural: 'serviceexports',
    shortNames: ['svcex', 'svcexport'],
    versions: versions(exportSchema, [AGE]),
  },
  {
    group: GROUP,
    kind: 'ServiceImport',
    plural: 'serviceimports',
    shortNames: ['svcim', 'svcimport'],
    versions: versions(importSchema, [
      { name: 'Type', jsonPath: '.spec.type' },
      { name: 'IP', jsonPath: '.spec.ips' },
      AGE,
    ]),
  },
];

/** Which release of the API these are: others that install the definitions replace only older ones. */
export const MCS_LABELS = {
  'multicluster.x-k8s.io/release-version': 'v0.5.2',
  'multicluster.x-k8s.io/crd-schema-revision': '0',
} as const;

/** The exports are the users': Helm does not take them away with a release, nor when something else brings the definitions. */
export const MCS_ANNOTATIONS = { 'helm.sh/resource-policy': 'keep' } as const;
