import type { AnyObject } from '#api/kube';
import {
  allow,
  clusterRole,
  clusterRoleBinding,
  object,
  READ,
  type Rule,
  role,
  roleBinding,
  serviceAccount,
} from '../objects.ts';
import { meta } from './objects.ts';
import type { MulticlusterValues } from './values.ts';

const REMOTE_RULES: readonly Rule[] = [
  allow('apps', ['replicasets'], READ),
  allow('batch', ['jobs'], READ),
  allow('', ['pods', 'endpoints', 'services'], READ),
  allow('discovery.k8s.io', ['endpointslices'], READ),
  allow('multicluster.x-k8s.io', ['serviceexports'], READ),
  allow('policy.linkerd.io', ['servers'], READ),
  allow('', ['nodes'], READ),
  allow('', ['configmaps'], ['get'], ['linkerd-config']),
  allow('', ['events'], ['create', 'patch']),
];

/** An account with which another cluster may look at this one, its lasting token, and the right to have a bound one renewed. */
export function remoteAccess(values: MulticlusterValues, name: string): AnyObject[] {
  const { namespace } = values;
  const subjects = [{ kind: 'ServiceAccount' as const, name, namespace }];
  return [
    clusterRole(meta(values, name), REMOTE_RULES),
    serviceAccount(meta(values, name, { namespace })),
    object(
      'v1',
      'Secret',
      meta(values, `${name}-token`, { namespace, annotations: { 'kubernetes.io/service-account.name': name } }),
      { type: 'kubernetes.io/service-account-token' },
    ),
    clusterRoleBinding(meta(values, name), name, subjects),
    role(meta(values, name, { namespace }), [allow('', ['serviceaccounts/token'], ['create'], [name])]),
    roleBinding(meta(values, name, { namespace }), name, subjects),
  ];
}
