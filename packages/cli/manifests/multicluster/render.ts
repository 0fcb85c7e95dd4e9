import type { AnyObject } from '#api/kube';
import { customResourceDefinition, LINK_CRD } from '../crds/index.ts';
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
    customResourceDefinition(LINK_CRD, {
      labels: EXTENSION,
      annotations: { 'linkerd.io/created-by': values.createdBy },
    }),
    ...adminPolicies(values),
    ...localMirror(values),
    controllerRole(values),
    ...controllers.flatMap((entry) => controllerWorkload(values, entry)),
    ...controllers.flatMap((entry) => controllerAccess(values, entry.link.ref.name)),
  ];
}

/** With the CNI plugin no pod of ours needs a privilege. */
export const extensionNamespace = (values: MulticlusterValues): AnyObject =>
  object(
    'v1',
    'Namespace',
    meta(values, values.namespace, {
      labels: { 'pod-security.kubernetes.io/enforce': values.cniEnabled ? 'restricted' : 'privileged' },
    }),
  );
