import { type CrdSource, type CrdVersion, fields, keyed, list, oneOfNames, type Schema, str } from './schema.ts';
import { labelSelector } from './shapes.ts';

/** The Link of the multicluster extension: which cluster to mirror from, how to reach it, what to take. */

const objectRef = (required: boolean): Schema => {
  const wanted = required ? '*' : '';
  return fields({ group: str(), kind: str(), [`name${wanted}`]: str(), [`namespace${wanted}`]: str() });
};
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
    }),
  });

const v1alpha2 = (): Record<string, Schema> => ({
  ...base(),
  probeSpec: newProbe(),
  federatedServiceSelector: labelSelector,
});
const VERSIONS: readonly CrdVersion[] = [
  { name: 'v1alpha1', schema: fields({ spec: fields({ ...base(), probeSpec: fields(probe()) }) }) },
  { name: 'v1alpha2', status: true, schema: withStatus(fields(v1alpha2())) },
  {
    name: 'v1alpha3',
    storage: true,
    status: true,
    schema: withStatus(fields({ ...v1alpha2(), excludedAnnotations: list(str()), excludedLabels: list(str()) })),
  },
];

export const LINK_CRD: CrdSource = {
  group: 'multicluster.linkerd.io',
  kind: 'Link',
  plural: 'links',
  versions: VERSIONS,
};
