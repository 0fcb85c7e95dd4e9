import type { AnyObject, ObjectMeta } from '#api/kube';
import { CREDENTIALS, type Link } from '#extensions/multicluster';
import { object } from '../objects.ts';
import type { MulticlusterValues } from './values.ts';

/** What `link-gen` knows of a target cluster. */
export interface LinkSource {
  cluster: string;
  linkerdNamespace: string;
  clusterDomain: string;
  trustDomain: string;
  kubeconfig: string;
  spec: NonNullable<Link['spec']>;
}

/** Both Secrets and the Link. */
export function renderLink(
  settings: Pick<MulticlusterValues, 'namespace' | 'createdBy'>,
  source: LinkSource,
): AnyObject[] {
  const { cluster, linkerdNamespace, kubeconfig } = source;
  const name = CREDENTIALS.secretName(cluster);
  const credentials = (metadata: ObjectMeta): AnyObject =>
    object('v1', 'Secret', metadata, {
      type: CREDENTIALS.type,
      data: { [CREDENTIALS.key]: Buffer.from(kubeconfig).toString('base64') },
    });
  return [
    credentials({ name, namespace: settings.namespace, annotations: { 'linkerd.io/created-by': settings.createdBy } }),
    credentials({
      name,
      namespace: linkerdNamespace,
      labels: { [CREDENTIALS.clusterNameLabel]: cluster },
      annotations: {
        'linkerd.io/created-by': settings.createdBy,
        [CREDENTIALS.trustDomainAnnotation]: source.trustDomain,
        [CREDENTIALS.clusterDomainAnnotation]: source.clusterDomain,
      },
    }),
    object(
      'multicluster.linkerd.io/v1alpha3',
      'Link',
      {
        name: cluster,
        namespace: settings.namespace,
        annotations: { 'linkerd.io/created-by': settings.createdBy },
      },
      {
        spec: {
          targetClusterName: cluster,
          targetClusterDomain: source.clusterDomain,
          targetClusterLinkerdNamespace: linkerdNamespace,
          clusterCredentialsSecret: name,
          ...source.spec,
        },
      },
    ),
  ];
}
