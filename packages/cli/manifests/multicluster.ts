import type { AnyObject, ObjectMeta } from '#api/kube';
import { CREDENTIALS, type Link } from '#extensions/multicluster';
import { VERSION } from '../version.ts';
import { customResourceDefinition, LINK_CRD } from './crds/index.ts';
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
} from './objects.ts';

/** What the manifests of the multicluster extension are made from. */
export interface MulticlusterSettings {
  namespace: string;
  createdBy: string;
  controllerImage: string;
  imagePullPolicy: string;
  logLevel: string;
  logFormat: string;
  replicas: number;
  enableNamespaceCreation: boolean;
  controllerUID: number;
  /** Service account that other clusters enter with. */
  remoteAccessAccount: string;
}

export const REMOTE_ACCESS_ACCOUNT = 'linkerd-service-mirror-remote-access-default';
const EXTENSION = { 'linkerd.io/extension': 'multicluster' };
const CLUSTER_NAME = 'mirror.linkerd.io/cluster-name';
const LOCAL_RESOURCES = 'linkerd-multicluster-controller-access-local-resources';

export function defaultMulticluster(registry = 'cr.l5d.io/linkerd'): MulticlusterSettings {
  return {
    namespace: 'linkerd-multicluster',
    createdBy: `linkerd/cli ${VERSION}`,
    controllerImage: `${registry}/controller:${VERSION}`,
    imagePullPolicy: 'IfNotPresent',
    logLevel: 'info',
    logFormat: 'plain',
    replicas: 1,
    enableNamespaceCreation: false,
    controllerUID: 2103,
    remoteAccessAccount: REMOTE_ACCESS_ACCOUNT,
  };
}

type Settings = MulticlusterSettings;

const meta = (
  settings: Settings,
  name: string,
  more: Partial<ObjectMeta> & { component?: string } = {},
): ObjectMeta => {
  const { component, labels, annotations, ...rest } = more;
  return {
    name,
    ...rest,
    labels: { ...EXTENSION, ...(component !== undefined && { component }), ...labels },
    annotations: { 'linkerd.io/created-by': settings.createdBy, ...annotations },
  };
};

/** Everything that `multicluster install --gateway=false` prints, plus a controller for each Link named. */
export function renderMulticluster(settings: Settings, links: readonly string[]): AnyObject[] {
  return [
    extensionNamespace(settings),
    ...remoteAccess(settings, settings.remoteAccessAccount),
    customResourceDefinition(LINK_CRD, {
      labels: EXTENSION,
      annotations: { 'linkerd.io/created-by': settings.createdBy },
    }),
    ...localMirror(settings),
    clusterRole(meta(settings, LOCAL_RESOURCES, { component: 'controller' }), controllerRules(settings)),
    ...links.flatMap((link) => linkController(settings, link)),
  ];
}

export const extensionNamespace = (settings: Settings): AnyObject =>
  object(
    'v1',
    'Namespace',
    meta(settings, settings.namespace, { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } }),
  );

const REMOTE_RULES: readonly Rule[] = [
  allow('apps', ['replicasets'], READ),
  allow('batch', ['jobs'], READ),
  allow('', ['pods', 'endpoints', 'services'], READ),
  allow('discovery.k8s.io', ['endpointslices'], READ),
  allow('policy.linkerd.io', ['servers'], READ),
  allow('', ['configmaps'], ['get'], ['linkerd-config']),
  allow('', ['events'], ['create', 'patch']),
];

/** An account with which another cluster may look at this one, and its lasting token. */
export function remoteAccess(settings: Settings, name: string): AnyObject[] {
  const { namespace } = settings;
  return [
    clusterRole(meta(settings, name), REMOTE_RULES),
    serviceAccount(meta(settings, name, { namespace })),
    object(
      'v1',
      'Secret',
      meta(settings, `${name}-token`, { namespace, annotations: { 'kubernetes.io/service-account.name': name } }),
      { type: 'kubernetes.io/service-account-token' },
    ),
    clusterRoleBinding(meta(settings, name), name, [{ kind: 'ServiceAccount', name, namespace }]),
  ];
}

const SERVICE_WRITES = [...READ, 'create', 'delete', 'update'];
const namespaceVerbs = (settings: Settings): string[] =>
  settings.enableNamespaceCreation ? [...READ, 'create'] : [...READ];

const controllerRules = (settings: Settings): Rule[] => [
  allow('', ['endpoints', 'services'], SERVICE_WRITES),
  allow('', ['namespaces'], namespaceVerbs(settings)),
];

function localMirror(settings: Settings): AnyObject[] {
  const { namespace } = settings;
  const name = 'linkerd-local-service-mirror';
  const roleName = `${name}-access-local-resources`;
  const component = 'local-service-mirror';
  const args = [
    'service-mirror',
    `-log-level=${settings.logLevel}`,
    `-log-format=${settings.logFormat}`,
    `-namespace=${namespace}`,
    '-local-mirror',
    '-federated-service-selector=mirror.linkerd.io/federated=member',
    '-excluded-labels=',
    '-excluded-annotations=',
  ];
  return [
    clusterRole(meta(settings, roleName, { component }), [
      allow('', ['endpoints', 'services'], SERVICE_WRITES),
      allow('', ['namespaces'], READ),
    ]),
    clusterRoleBinding(meta(settings, roleName, { component }), roleName, [
      { kind: 'ServiceAccount', name, namespace },
    ]),
    role(meta(settings, name, { namespace, component }), [
      allow('coordination.k8s.io', ['leases'], ['create', 'get', 'update', 'patch']),
      allow('multicluster.linkerd.io', ['links'], READ),
      allow('', ['events'], ['create', 'patch']),
    ]),
    roleBinding(meta(settings, name, { namespace, component }), name, [{ kind: 'ServiceAccount', name, namespace }]),
    serviceAccount(meta(settings, name, { namespace, component })),
    deployment(settings, { name, component, labels: {}, container: 'service-mirror', adminPort: 'locsm-admin', args }),
  ];
}

export const controllerName = (link: string): string => `controller-${link}`;
export const controllerNames = (link: string) => ({
  deployment: controllerName(link),
  serviceAccount: controllerName(link),
  clusterRole: LOCAL_RESOURCES,
  clusterRoleBinding: `${LOCAL_RESOURCES}-${link}`,
  role: `controller-read-remote-creds-${link}`,
  roleBinding: `controller-read-remote-creds-${link}`,
  lease: `service-mirror-write-${link}`,
});

/** The mirror controller of one Link, with what it may do. */
export function linkController(settings: Settings, link: string): AnyObject[] {
  const { namespace } = settings;
  const names = controllerNames(link);
  const component = 'controller';
  const labels = { [CLUSTER_NAME]: link };
  const subjects = [{ kind: 'ServiceAccount' as const, name: names.serviceAccount, namespace }];
  const args = [
    'service-mirror',
    `-log-level=${settings.logLevel}`,
    `-log-format=${settings.logFormat}`,
    `-namespace=${namespace}`,
    `-enable-namespace-creation=${settings.enableNamespaceCreation}`,
    link,
  ];
  return [
    serviceAccount(meta(settings, names.serviceAccount, { namespace, component, labels })),
    clusterRoleBinding(meta(settings, names.clusterRoleBinding, { component, labels }), names.clusterRole, subjects),
    role(meta(settings, names.role, { namespace, component, labels }), [
      allow('', ['secrets'], READ, [CREDENTIALS.secretName(link)]),
      allow('multicluster.linkerd.io', ['links'], READ),
      allow('multicluster.linkerd.io', ['links/status'], ['update', 'patch']),
      allow('coordination.k8s.io', ['leases'], ['create', 'get', 'update', 'patch']),
      allow('', ['events'], ['create', 'patch']),
    ]),
    roleBinding(meta(settings, names.roleBinding, { namespace, component, labels }), names.role, subjects),
    deployment(settings, {
      name: names.deployment,
      component,
      labels,
      container: 'controller',
      adminPort: 'ctrl-admin',
      args,
    }),
  ];
}

interface ControllerSource {
  name: string;
  component: string;
  labels: Record<string, string>;
  container: string;
  adminPort: string;
  args: string[];
}

function deployment(settings: Settings, source: ControllerSource): AnyObject {
  const { name, component, labels, container, adminPort, args } = source;
  const selector = { component, ...labels };
  const securityContext = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    runAsUser: settings.controllerUID,
    seccompProfile: { type: 'RuntimeDefault' },
  };
  return object('apps/v1', 'Deployment', meta(settings, name, { namespace: settings.namespace, component, labels }), {
    spec: {
      replicas: settings.replicas,
      selector: { matchLabels: selector },
      template: {
        metadata: {
          annotations: {
            'linkerd.io/inject': 'enabled',
            'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true',
            // Controllers watch API servers, their own and remote ones; a proxy in between adds nothing to their TLS.
            'config.linkerd.io/skip-outbound-ports': '443,6443',
          },
          labels: { ...EXTENSION, ...selector },
        },
        spec: {
          automountServiceAccountToken: true,
          serviceAccountName: name,
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name: container,
              image: settings.controllerImage,
              imagePullPolicy: settings.imagePullPolicy,
              args,
              env: [{ name: 'HOSTNAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
              ports: [{ name: adminPort, containerPort: 9999 }],
              livenessProbe: { httpGet: { path: '/ping', port: adminPort }, initialDelaySeconds: 10 },
              readinessProbe: { httpGet: { path: '/ready', port: adminPort }, periodSeconds: 2, failureThreshold: 7 },
              securityContext,
            },
          ],
        },
      },
    },
  });
}

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
export function renderLink(settings: Settings, source: LinkSource): AnyObject[] {
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
