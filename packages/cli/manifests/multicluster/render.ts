import type { AnyObject } from '#api/kube';
import { type CrdSource, customResourceDefinition, LINK_CRD, MCS_CRDS, MCS_LABELS } from '../crds/index.ts';
import { object } from '../objects.ts';
import { remoteAccess } from './access.ts';
import { controllerAccess, controllerRole, controllerWorkload, localMirror } from './controllers.ts';
import { gatewayWorkload } from './gateway.ts';
import { EXTENSION, meta } from './objects.ts';
import { adminPolicies, gatewayPolicies } from './policies.ts';
import { type MulticlusterValues, remoteAccounts } from './values.ts';

/** Everything that `multicluster install` prints, in this order. */
export function renderMulticluster(values: MulticlusterValues): AnyObject[] {
  const { gateway, controllers } = values;
  return [
    extensionNamespace(values),
    ...(gateway.enabled ? [...gatewayWorkload(values), ...gatewayPolicies(values)] : []),
    ...(values.remoteMirrorServiceAccount
      ? remoteAccounts(values).flatMap((account) => remoteAccess(values, account))
      : []),
    definition(values, LINK_CRD),
    ...(values.installMcsApi ? MCS_CRDS.map((source) => definition(values, source, MCS_LABELS)) : []),
    ...adminPolicies(values),
    ...localMirror(values),
    controllerRole(values),
    ...controllers.flatMap((entry) => controllerWorkload(values, entry)),
    ...controllers.flatMap((entry) => controllerAccess(values, entry.link.ref.name)),
  ];
}

const definition = (values: MulticlusterValues, source: CrdSource, labels: Record<string, string> = {}): AnyObject =>
  customResourceDefinition(source, {
    labels: { ...EXTENSION, ...labels },
    annotations: { 'linkerd.io/created-by': values.createdBy },
  });

/** With the CNI plugin no pod of ours needs a privilege. */
export const extensionNamespace = (values: MulticlusterValues): AnyObject =>
  object(
    'v1',
    'Namespace',
    meta(values, values.namespace, {
      labels: { 'pod-security.kubernetes.io/enforce': values.cniEnabled ? 'restricted' : 'privileged' },
    }),
  );
