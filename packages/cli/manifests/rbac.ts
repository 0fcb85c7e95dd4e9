import type { AnyObject } from '#api/kube';
import {
  allow,
  clusterRole,
  clusterRoleBinding,
  type Manifest,
  metadataOf,
  READ,
  type Rule,
  role,
  roleBinding,
  serviceAccount,
} from './objects.ts';

/** What each controller may do, and its service account. Names are Linkerd's. */

const ROUTE_KINDS = ['httproutes', 'grpcroutes', 'tlsroutes', 'tcproutes'];
const POLICY_KINDS = [
  'authorizationpolicies',
  'egressnetworks',
  'httplocalratelimitpolicies',
  'httproutes',
  'meshtlsauthentications',
  'networkauthentications',
  'serverauthorizations',
  'servers',
];

const DESTINATION_RULES: readonly Rule[] = [
  allow('apps', ['replicasets'], READ),
  allow('batch', ['jobs'], READ),
  allow('', ['pods', 'endpoints', 'services', 'nodes'], READ),
  allow('linkerd.io', ['serviceprofiles'], READ),
  allow('workload.linkerd.io', ['externalworkloads'], READ),
  // For the lease of the policy service too, whose account it shares.
  allow('coordination.k8s.io', ['leases'], ['create', 'get', 'update', 'patch']),
  allow('discovery.k8s.io', ['endpointslices'], [...READ, 'create', 'update', 'patch', 'delete']),
];

const POLICY_RULES: readonly Rule[] = [
  allow('', ['pods'], READ),
  allow('apps', ['deployments'], ['get']),
  allow('policy.linkerd.io', POLICY_KINDS, READ),
  allow(
    'policy.linkerd.io',
    ['httproutes/status', 'httplocalratelimitpolicies/status', 'egressnetworks/status'],
    ['patch'],
  ),
  allow('gateway.networking.k8s.io', ROUTE_KINDS, READ),
  allow(
    'gateway.networking.k8s.io',
    ROUTE_KINDS.map((kind) => `${kind}/status`),
    ['patch'],
  ),
  allow('workload.linkerd.io', ['externalworkloads'], READ),
  allow('coordination.k8s.io', ['leases'], ['create', 'get', 'patch']),
];

const IDENTITY_RULES: readonly Rule[] = [
  allow('authentication.k8s.io', ['tokenreviews'], ['create']),
  allow('', ['events'], ['create', 'patch']),
];

const INJECTOR_RULES: readonly Rule[] = [
  allow('', ['events'], ['create', 'patch']),
  allow('', ['namespaces', 'replicationcontrollers'], READ),
  allow('', ['pods'], ['list', 'watch']),
  allow('apps', ['deployments', 'replicasets', 'daemonsets', 'statefulsets'], READ),
  allow('batch', ['cronjobs', 'jobs'], READ),
];

/** Service account, cluster role and binding of one controller. */
function controllerRbac(manifest: Manifest, component: string, rules: readonly Rule[]): AnyObject[] {
  const { namespace } = manifest;
  const account = `linkerd-${component}`;
  const name = `linkerd-${namespace}-${component}`;
  return [
    clusterRole(metadataOf(manifest, { name, component }), rules),
    clusterRoleBinding(metadataOf(manifest, { name, component }), name, [
      { kind: 'ServiceAccount', name: account, namespace },
    ]),
    serviceAccount(metadataOf(manifest, { name: account, namespace, component })),
  ];
}

/** The policy controller runs in destination's pod, under its account. */
function policyRbac(manifest: Manifest): AnyObject[] {
  const { namespace } = manifest;
  const component = 'destination';
  const destination = [{ kind: 'ServiceAccount' as const, name: 'linkerd-destination', namespace }];
  return [
    clusterRole(metadataOf(manifest, { name: 'linkerd-policy', component }), POLICY_RULES),
    clusterRoleBinding(
      metadataOf(manifest, { name: 'linkerd-destination-policy', component }),
      'linkerd-policy',
      destination,
    ),
    role(metadataOf(manifest, { name: 'remote-discovery', namespace, component }), [allow('', ['secrets'], READ)]),
    roleBinding(
      metadataOf(manifest, { name: 'linkerd-destination-remote-discovery', namespace, component }),
      'remote-discovery',
      destination,
    ),
  ];
}

/** Extensions read the configuration. */
function configReaders(manifest: Manifest): AnyObject[] {
  const name = 'ext-namespace-metadata-linkerd-config';
  const { namespace } = manifest;
  return [role(metadataOf(manifest, { name, namespace }), [allow('', ['configmaps'], ['get'], ['linkerd-config'])])];
}

export const controlPlaneRbac = (manifest: Manifest): AnyObject[] => [
  ...controllerRbac(manifest, 'identity', IDENTITY_RULES),
  ...controllerRbac(manifest, 'destination', DESTINATION_RULES),
  ...policyRbac(manifest),
  ...controllerRbac(manifest, 'proxy-injector', INJECTOR_RULES),
  ...configReaders(manifest),
];
