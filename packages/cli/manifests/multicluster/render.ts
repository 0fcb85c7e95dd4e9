import type { AnyObject, ObjectMeta } from '#api/kube';
import { forEach, when } from '#model/template';
import {
  type CrdSource,
  customResourceDefinition,
  LINK_CRD,
  MCS_ANNOTATIONS,
  MCS_CRDS,
  MCS_LABELS,
} from '../crds/index.ts';
import { object } from '../objects.ts';
import { remoteAccess } from './access.ts';
import { controllerAccess, controllerRole, controllerWorkload, localMirror } from './controllers.ts';
import { gatewayWorkload } from './gateway.ts';
import { EXTENSION, meta } from './objects.ts';
import { adminPolicies, gatewayPolicies } from './policies.ts';
import { type MulticlusterValues, remoteAccounts } from './values.ts';

/** Everything that `multicluster install` prints, in this order; Helm makes the namespace by itself. */
export const renderMulticluster = (values: MulticlusterValues): AnyObject[] => [
  extensionNamespace(values),
  ...Object.values(multiclusterParts(values)).flat(),
];

/** All but the namespace, by what it is for, in the order in which it is applied. */
export function multiclusterParts(values: MulticlusterValues): Readonly<Record<string, AnyObject[]>> {
  const { gateway, controllers } = values;
  return {
    gateway: when(gateway.enabled, [...gatewayWorkload(values), ...gatewayPolicies(values)]),
    'remote-access': when(
      values.remoteMirrorServiceAccount,
      forEach(remoteAccounts(values), (account) => remoteAccess(values, account)),
    ),
    definitions: [
      definition(values, LINK_CRD),
      ...when(
        values.installMcsApi,
        MCS_CRDS.map((source) => definition(values, source, { labels: MCS_LABELS, annotations: MCS_ANNOTATIONS })),
      ),
    ],
    policies: adminPolicies(values),
    'local-mirror': localMirror(values),
    controllers: [
      controllerRole(values),
      ...forEach(controllers, (entry) => controllerWorkload(values, entry)),
      ...forEach(controllers, (entry) => controllerAccess(values, entry.link.ref.name)),
    ],
  };
}

const definition = (
  values: MulticlusterValues,
  source: CrdSource,
  more: Pick<ObjectMeta, 'labels' | 'annotations'> = {},
): AnyObject =>
  customResourceDefinition(source, {
    labels: { ...EXTENSION, ...more.labels },
    annotations: { 'linkerd.io/created-by': values.createdBy, ...more.annotations },
  });

/** With the CNI plugin no pod of ours needs a privilege. */
const extensionNamespace = (values: MulticlusterValues): AnyObject =>
  object(
    'v1',
    'Namespace',
    meta(values, values.namespace, {
      labels: { 'pod-security.kubernetes.io/enforce': values.cniEnabled ? 'restricted' : 'privileged' },
    }),
  );
