import type { AnyObject } from '#api/kube';
import { resourcesField } from '#control/injector';
import { CREDENTIALS } from '#extensions/multicluster';
import { any, joined, merged, orElse, when } from '#model/template';
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
import { antiAffinity, CLUSTER_NAME, disruptionBudget, meta, restricted } from './objects.ts';
import { type ControllerEntry, type ControllerValues, controllerValues, type MulticlusterValues } from './values.ts';

const SERVICE_WRITES = [...READ, 'create', 'delete', 'update'];
const LOCAL_RESOURCES = 'linkerd-multicluster-controller-access-local-resources';
const HOSTNAME = { name: 'HOSTNAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } };

const writes = (namespaceVerbs: readonly string[]): Rule[] => [
  allow('', ['endpoints', 'services'], SERVICE_WRITES),
  allow('', ['namespaces'], namespaceVerbs),
  allow('discovery.k8s.io', ['endpointslices'], SERVICE_WRITES),
];

/** Exports are the users', imports ours. */
const MCS_RULES: readonly Rule[] = [
  allow('multicluster.x-k8s.io', ['serviceexports'], READ),
  allow('multicluster.x-k8s.io', ['serviceimports'], SERVICE_WRITES),
  allow('multicluster.x-k8s.io', ['serviceexports/status', 'serviceimports/status'], ['update', 'patch']),
];

/** What every controller of a Link may do to the cluster that it runs in. */
export const controllerRole = (values: MulticlusterValues): AnyObject =>
  clusterRole(meta(values, LOCAL_RESOURCES, { component: 'controller' }), [
    ...writes([...READ, ...when(values.enableNamespaceCreation, ['create'])]),
    allow('', ['nodes'], READ),
  ]);

/** What the controller for the local cluster's own members of federated services is called. */
export const LOCAL_MIRROR = 'linkerd-local-service-mirror';

/** The controller for the local cluster's own members of federated services. */
export function localMirror(values: MulticlusterValues): AnyObject[] {
  const { namespace, localServiceMirror: own } = values;
  const name = LOCAL_MIRROR;
  const roleName = `${name}-access-local-resources`;
  const component = 'local-service-mirror';
  const subjects = [{ kind: 'ServiceAccount' as const, name, namespace }];
  const matchLabels = { component };
  return [
    clusterRole(meta(values, roleName, { component }), [...writes(READ), ...MCS_RULES]),
    clusterRoleBinding(meta(values, roleName, { component }), roleName, subjects),
    role(meta(values, name, { namespace, component }), [
      allow('coordination.k8s.io', ['leases'], ['create', 'get', 'update', 'patch']),
      allow('multicluster.linkerd.io', ['links'], READ),
      allow('', ['events'], ['create', 'patch']),
    ]),
    roleBinding(meta(values, name, { namespace, component }), name, subjects),
    serviceAccount(meta(values, name, { namespace, component })),
    deployment(values, {
      name,
      component,
      labels: {},
      container: 'service-mirror',
      adminPort: 'locsm-admin',
      args: [
        ...commonArgs(own, namespace),
        '-local-mirror',
        `-cluster-name=${own.clusterName}`,
        `-federated-service-selector=${own.federatedServiceSelector}`,
        `-excluded-labels=${joined(own.excludedLabels, ',')}`,
        `-excluded-annotations=${joined(own.excludedAnnotations, ',')}`,
      ],
      settings: { ...values.controllerDefaults, enablePodAntiAffinity: values.enablePodAntiAffinity, ...own },
    }),
    ...when(values.enablePodAntiAffinity, [
      disruptionBudget(meta(values, name, { namespace, component }), matchLabels),
    ]),
  ];
}

/** Names of what belongs to the controller of a Link. */
export const controllerNames = (link: string) => ({
  deployment: `controller-${link}`,
  serviceAccount: `controller-${link}`,
  clusterRole: LOCAL_RESOURCES,
  clusterRoleBinding: `${LOCAL_RESOURCES}-${link}`,
  role: `controller-read-remote-creds-${link}`,
  roleBinding: `controller-read-remote-creds-${link}`,
  /** Role and binding, both in the namespace of the control plane. */
  renewalRole: `controller-renew-remote-creds-${link}`,
  lease: `service-mirror-write-${link}`,
  probe: `probe-${link}`,
});

/** The same for the controllers that `link` printed once. */
export const legacyNames = (link: string) => ({
  deployment: `linkerd-service-mirror-${link}`,
  serviceAccount: `linkerd-service-mirror-${link}`,
  clusterRole: `linkerd-service-mirror-access-local-resources-${link}`,
  clusterRoleBinding: `linkerd-service-mirror-access-local-resources-${link}`,
  role: `linkerd-service-mirror-read-remote-creds-${link}`,
  roleBinding: `linkerd-service-mirror-read-remote-creds-${link}`,
  probe: `probe-gateway-${link}`,
});

/** The mirror controller of one Link: what runs, and what it may do. */
export const linkController = (values: MulticlusterValues, entry: ControllerEntry): AnyObject[] => [
  ...controllerWorkload(values, entry),
  ...controllerAccess(values, entry.link.ref.name),
];

/** Deployment, budget, and the Service through which the gateway is probed. */
export function controllerWorkload(values: MulticlusterValues, entry: ControllerEntry): AnyObject[] {
  const link = entry.link.ref.name;
  const { namespace } = values;
  const settings = controllerValues(values, entry);
  const names = controllerNames(link);
  const labels = { [CLUSTER_NAME]: link };
  const component = 'controller';
  const { enabled, probe } = settings.gateway;
  const workload = deployment(values, {
    name: names.deployment,
    component,
    labels,
    container: 'controller',
    adminPort: 'ctrl-admin',
    args: [
      ...commonArgs(settings, namespace),
      `-event-requeue-limit=${settings.retryLimit}`,
      ...when(settings.enableHeadlessServices, ['-enable-headless-services']),
      ...when(values.enableNamespaceCreation, ['-enable-namespace-creation']),
      ...when(enabled, [`-probe-service=${names.probe}`]),
      `-linkerd-namespace=${values.linkerdNamespace}`,
      link,
    ],
    settings,
  });
  const budget = disruptionBudget(meta(values, names.deployment, { namespace, component, labels }), {
    component,
    ...labels,
  });
  const probeService = object(
    'v1',
    'Service',
    meta(values, names.probe, { namespace, labels: { 'mirror.linkerd.io/mirrored-gateway': 'true', ...labels } }),
    { spec: { ports: [{ name: 'mc-probe', port: probe.port, protocol: 'TCP' }] } },
  );
  return [workload, ...when(settings.enablePodAntiAffinity, [budget]), ...when(enabled, [probeService])];
}

/** Account, roles and bindings of the controller of one Link. */
export function controllerAccess(values: MulticlusterValues, link: string): AnyObject[] {
  const { namespace } = values;
  const names = controllerNames(link);
  const more = { component: 'controller', labels: { [CLUSTER_NAME]: link } };
  const subjects = [{ kind: 'ServiceAccount' as const, name: names.serviceAccount, namespace }];
  return [
    serviceAccount(meta(values, names.serviceAccount, { namespace, ...more })),
    clusterRoleBinding(meta(values, names.clusterRoleBinding, more), names.clusterRole, subjects),
    role(meta(values, names.role, { namespace, ...more }), [
      allow('', ['secrets'], [...READ, 'update'], [CREDENTIALS.secretName(link)]),
      allow('multicluster.linkerd.io', ['links'], READ),
      allow('multicluster.linkerd.io', ['links/status'], ['update', 'patch']),
      allow('coordination.k8s.io', ['leases'], ['create', 'get', 'update', 'patch']),
      allow('', ['events'], ['create', 'patch']),
    ]),
    roleBinding(meta(values, names.roleBinding, { namespace, ...more }), names.role, subjects),
    // The destination service has credentials of its own, with a token that ends as the other does.
    role(meta(values, names.renewalRole, { namespace: values.linkerdNamespace, ...more }), [
      allow('', ['secrets'], ['get', 'update'], [CREDENTIALS.secretName(link)]),
      // To be compared with those of the linked cluster.
      allow('', ['configmaps'], ['get'], ['linkerd-identity-trust-roots']),
    ]),
    roleBinding(
      meta(values, names.renewalRole, { namespace: values.linkerdNamespace, ...more }),
      names.renewalRole,
      subjects,
    ),
  ];
}

const commonArgs = (
  { logLevel, logFormat, enablePprof }: Pick<ControllerValues, 'logLevel' | 'logFormat' | 'enablePprof'>,
  namespace: string,
): string[] => [
  'service-mirror',
  `-log-level=${logLevel}`,
  `-log-format=${logFormat}`,
  `-enable-pprof=${enablePprof}`,
  `-namespace=${namespace}`,
];

interface ControllerSource {
  name: string;
  component: string;
  labels: Record<string, string>;
  container: string;
  adminPort: string;
  args: string[];
  settings: ControllerValues;
}

function deployment(values: MulticlusterValues, source: ControllerSource): AnyObject {
  const { name, component, labels, container, adminPort, args, settings } = source;
  const selector = { component, ...labels };
  const { image } = settings;
  const affinity = {
    ...when(settings.enablePodAntiAffinity, antiAffinity(selector)),
    ...when(settings.nodeAffinity, { nodeAffinity: settings.nodeAffinity }),
  };
  return object('apps/v1', 'Deployment', meta(values, name, { namespace: values.namespace, component, labels }), {
    spec: {
      replicas: settings.replicas,
      revisionHistoryLimit: values.revisionHistoryLimit,
      selector: { matchLabels: selector },
      ...when(settings.enablePodAntiAffinity, { strategy: { rollingUpdate: { maxUnavailable: 1 } } }),
      template: {
        metadata: {
          annotations: merged(
            {
              'linkerd.io/inject': 'enabled',
              'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true',
              // Controllers watch API servers, their own and remote ones; a proxy in between adds nothing to their TLS.
              'config.linkerd.io/skip-outbound-ports': '443,6443',
            },
            settings.podAnnotations,
          ),
          labels: merged({ 'linkerd.io/extension': 'multicluster', ...selector }, values.podLabels),
        },
        spec: {
          automountServiceAccountToken: true,
          serviceAccountName: name,
          ...when(settings.nodeSelector, { nodeSelector: settings.nodeSelector }),
          ...when(settings.tolerations, { tolerations: settings.tolerations }),
          ...when(any(settings.enablePodAntiAffinity, settings.nodeAffinity), { affinity }),
          ...when(values.imagePullSecrets, { imagePullSecrets: values.imagePullSecrets }),
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name: container,
              image: `${image.name}:${image.version}`,
              imagePullPolicy: orElse(image.pullPolicy, values.imagePullPolicy),
              args,
              env: [HOSTNAME],
              ports: [{ name: adminPort, containerPort: 9999 }],
              livenessProbe: { httpGet: { path: '/ping', port: adminPort }, initialDelaySeconds: 10 },
              readinessProbe: { httpGet: { path: '/ready', port: adminPort }, periodSeconds: 2, failureThreshold: 7 },
              ...resourcesField(settings.resources),
              securityContext: restricted(settings),
            },
          ],
        },
      },
    },
  });
}
