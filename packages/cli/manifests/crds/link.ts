import { type CrdSource, type CrdVersion, fields, int32, keyed, list, oneOfNames, type Schema, str } from './schema.ts';
import { labelSelector } from './shapes.ts';

/** The Link of the multicluster extension: which cluster to mirror from, how to reach it, what to take. */

const objectRef = (required: boolean): Schema => {
  const wanted = required ? '*' : '';
  return fields({ group: str(), kind: str(), [`name${wanted}`]: str(), [`namespace${wanted}`]: str() });
};
const endpointCount = (): Schema => fields({ 'total*': int32(), 'ready*': int32() });
const serviceStatuses = (): Schema =>
  list(
    fields({
      'controllerName*': str(),
      'remoteRef*': objectRef(true),
      conditions: keyed(
        fields({
          'type*': str(),
          'status*': oneOfNames('True', 'False', 'Unknown'),
          reason: str(),
          message: str(),
          lastTransitionTime: str({ format: 'date-time' }),
          localRef: objectRef(true),
        }),
        ['type'],
      ),
      endpoints: endpointCount(),
      ports: fields({ 'total*': int32(), 'covered*': int32(), missing: list(str()) }),
      lastSyncTime: str({ format: 'date-time' }),
    }),
  );
const clusterConditions = (): Schema =>
  keyed(
    fields({
      'type*': str(),
      'status*': oneOfNames('True', 'False', 'Unknown'),
      reason: str(),
      message: str(),
      lastTransitionTime: str({ format: 'date-time' }),
    }),
    ['type'],
  );

const base = (): Record<string, Schema> => ({
  targetClusterName: str(),
  targetClusterDomain: str(),
  targetClusterLinkerdNamespace: str(),
  clusterCredentialsSecret: str(),
  gatewayAddress: str(),
  gatewayPort: str(),
  gatewayIdentity: str(),
  selector: labelSelector,
  remoteDiscoverySelector: labelSelector,
});
const probe = (): Record<string, Schema> => ({ path: str(), port: str(), period: str() });
const newProbe = (): Schema =>
  fields({ ...probe(), timeout: str({ default: '30s' }), failureThreshold: str({ default: '3' }) });
const withStatus = (spec: Schema): Schema =>
  fields({
    spec,
    status: fields({
      conditions: clusterConditions(),
      mirrorServices: serviceStatuses(),
      federatedServices: serviceStatuses(),
      endpoints: endpointCount(),
      podNetworks: list(str()),
    }),
  });

const condition = (type: string): string => `.status.conditions[?(@.type=="${type}")].status`;
/** What `kubectl get links` shows. */
const COLUMNS = [
  { name: 'Cluster', jsonPath: '.spec.targetClusterName' },
  { name: 'Reachable', jsonPath: condition('RemoteReachable') },
  { name: 'Gateway', jsonPath: condition('GatewayAlive') },
  { name: 'Credentials', jsonPath: condition('CredentialsValid') },
  { name: 'Ready', jsonPath: '.status.endpoints.ready', type: 'integer', description: 'Endpoints that are ready.' },
  { name: 'Endpoints', jsonPath: '.status.endpoints.total', type: 'integer' },
  { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' },
] as const;

const v1alpha2 = (): Record<string, Schema> => ({
  ...base(),
  probeSpec: newProbe(),
  federatedServiceSelector: labelSelector,
});
const VERSIONS: readonly CrdVersion[] = [
  { name: 'v1alpha1', schema: fields({ spec: fields({ ...base(), probeSpec: fields(probe()) }) }) },
  { name: 'v1alpha2', status: true, columns: COLUMNS, schema: withStatus(fields(v1alpha2())) },
  {
    name: 'v1alpha3',
    storage: true,
    status: true,
    columns: COLUMNS,
    schema: withStatus(fields({ ...v1alpha2(), excludedAnnotations: list(str()), excludedLabels: list(str()) })),
  },
];

export const LINK_CRD: CrdSource = {
  group: 'multicluster.linkerd.io',
  kind: 'Link',
  plural: 'links',
  versions: VERSIONS,
};
