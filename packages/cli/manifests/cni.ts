import type { AnyObject } from '#api/kube';
import { resourcesField } from '#control/injector';
import { listed, merged, not, orElse, when } from '#model/template';
import { VERSION } from '../version.ts';
import { allow, clusterRole, clusterRoleBinding, jsonText, object, serviceAccount } from './objects.ts';

/** The CNI plug-in: a DaemonSet that puts it on every node, and beside it the controller that repairs what came too early. */

export type CniValues = ReturnType<typeof defaultCniValues>;

export interface CniManifest {
  namespace: string;
  values: CniValues;
}

const REGISTRY = 'cr.l5d.io/linkerd';
const amount = () => ({ limit: '', request: '' });

/** Names and defaults of Linkerd's chart linkerd2-cni. */
export function defaultCniValues(registry: string = REGISTRY) {
  return {
    cliVersion: `linkerd/cli ${VERSION}`,
    image: { name: `${registry}/cni-plugin`, version: VERSION, pullPolicy: 'IfNotPresent' },
    imagePullSecrets: [] as { name: string }[],
    inboundProxyPort: 4143,
    outboundProxyPort: 4140,
    proxyAdminPort: 4191,
    proxyControlPort: 4190,
    ignoreInboundPorts: '',
    ignoreOutboundPorts: '',
    portsToRedirect: '',
    proxyUID: 2102,
    proxyGID: -1,
    disableIPv6: true,
    iptablesMode: 'nft',
    useWaitFlag: false,
    destCNINetDir: '/etc/cni/net.d',
    destCNIBinDir: '/opt/cni/bin',
    logLevel: 'info',
    priorityClassName: '',
    privileged: false,
    revisionHistoryLimit: 10,
    commonLabels: {} as Record<string, string>,
    podLabels: {} as Record<string, string>,
    tolerations: [{ operator: 'Exists' }] as Record<string, unknown>[],
    resources: { cpu: amount(), memory: amount(), 'ephemeral-storage': amount() },
    repairController: {
      enabled: false,
      image: { name: `${registry}/cni-plugin`, version: VERSION, pullPolicy: 'IfNotPresent' },
      logLevel: 'info',
      logFormat: 'plain',
      resources: { cpu: amount(), memory: amount(), 'ephemeral-storage': amount() },
    },
  };
}

export const CNI_OPEN_MAPS: ReadonlySet<string> = new Set(['commonLabels', 'podLabels']);

/** Of {@link VALUE_DOCS}' kind. */
export const CNI_VALUE_DOCS: Readonly<Record<string, string>> = {
  cliVersion: 'Who rendered the manifest, for the annotation linkerd.io/created-by; empty: Helm.',
  image: 'Image of the installer and the plug-in that it brings.',
  imagePullSecrets: "Secrets that hold a registry's credentials: a list of {name}.",
  inboundProxyPort:
    "Port of the proxy that connections to the pod are sent to. This and the other ports and ids: as in the control plane's values.",
  outboundProxyPort: 'Port of the proxy that connections of the pod are sent to.',
  proxyAdminPort: 'Admin port of the proxy, which is not redirected.',
  proxyControlPort: 'Control port of the proxy, which is not redirected.',
  ignoreInboundPorts: 'Ports that clients reach without the proxy: 25,4000-4100.',
  ignoreOutboundPorts: 'Ports that applications reach without the proxy.',
  portsToRedirect: 'The only ports to redirect; empty: all.',
  proxyUID: 'User of the proxy, whose connections are not redirected.',
  proxyGID: 'Group of the proxy; negative: only the user counts.',
  disableIPv6: 'Redirect IPv4 only.',
  iptablesMode: 'nft, legacy or plain; empty: the first that works.',
  useWaitFlag: 'Accepted for compatibility: the plug-in always waits for the lock of iptables.',
  destCNINetDir: 'Folder of the nodes that holds the network configuration.',
  destCNIBinDir: 'Folder of the nodes that holds plug-ins.',
  logLevel: 'Log level of installer and plug-in.',
  priorityClassName: 'Priority class; system-node-critical has the plug-in there before other pods.',
  privileged: 'Run the installer with all privileges, where its folders are protected (SELinux).',
  revisionHistoryLimit: 'Former revisions of the DaemonSet that are kept.',
  commonLabels: 'Labels of every object.',
  podLabels: 'Further labels of the pods.',
  tolerations: 'Tolerations of the pods: by default they run on every node.',
  resources: 'Resources of the installer.',
  'repairController.enabled':
    'Delete pods that started before the plug-in was there, so that they start again with it.',
  'repairController.image': 'Image of the repair controller.',
  'repairController.logLevel': 'Its log level.',
  'repairController.logFormat': 'plain or json.',
  'repairController.resources': 'Its resources.',
};

const NAME = 'linkerd-cni';
const CNI_RESOURCE = 'linkerd.io/cni-resource';
const CONFIG_MAP = 'linkerd-cni-config';
const ADMIN_PORT = 9990;
/** Where the installer sees the node's folders. */
const HOST = '/host';

/** Every object in the order of creation; `withNamespace`: as the command line prints them, Helm makes its own. */
export const renderCni = (manifest: CniManifest, withNamespace: boolean): AnyObject[] => [
  ...(withNamespace ? [namespaceOf(manifest)] : []),
  ...cniObjects(manifest),
];

export function cniObjects(manifest: CniManifest): AnyObject[] {
  const { namespace, values } = manifest;
  const { enabled } = values.repairController;
  const account = { kind: 'ServiceAccount' as const, name: NAME, namespace };
  const repairer = 'linkerd-cni-repair-controller';
  return [
    serviceAccount(metadataOf(manifest, NAME, namespace)),
    clusterRole(metadataOf(manifest, NAME), [
      allow('', ['pods', 'nodes', 'namespaces', 'services'], ['list', 'get', 'watch']),
    ]),
    clusterRoleBinding(metadataOf(manifest, NAME), NAME, [account]),
    ...when(enabled, [
      clusterRole(metadataOf(manifest, repairer), [
        allow('', ['pods'], ['list', 'get', 'watch', 'delete']),
        allow('', ['events'], ['create', 'patch']),
        allow('events.k8s.io', ['events'], ['create', 'patch']),
      ]),
      clusterRoleBinding(metadataOf(manifest, repairer), repairer, [account]),
    ]),
    object('v1', 'ConfigMap', metadataOf(manifest, CONFIG_MAP, namespace), {
      data: {
        dest_cni_net_dir: values.destCNINetDir,
        dest_cni_bin_dir: values.destCNIBinDir,
        cni_network_config: networkConfig(values),
      },
    }),
    daemonSet(manifest),
  ];
}

function metadataOf({ values }: CniManifest, name: string, namespace?: string): AnyObject['metadata'] {
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    labels: merged(values.commonLabels, { [CNI_RESOURCE]: 'true' }),
    annotations: { 'linkerd.io/created-by': createdBy(values) },
  };
}

const createdBy = (values: CniValues): string => orElse(values.cliVersion, `linkerd/helm ${values.image.version}`);

function namespaceOf(manifest: CniManifest): AnyObject {
  const metadata = metadataOf(manifest, manifest.namespace);
  return object('v1', 'Namespace', {
    ...metadata,
    labels: merged(
      { ...metadata.labels },
      {
        'config.linkerd.io/admission-webhooks': 'disabled',
        'pod-security.kubernetes.io/enforce': 'privileged',
      },
    ),
    annotations: { ...metadata.annotations, 'linkerd.io/inject': 'disabled' },
  });
}

/** What the installer puts into the node's configuration; it fills in the path of the kubeconfig. */
function networkConfig(values: CniValues): string {
  const config = {
    name: NAME,
    type: NAME,
    log_level: values.logLevel,
    kubernetes: { kubeconfig: '__KUBECONFIG_FILEPATH__' },
    linkerd: {
      'incoming-proxy-port': values.inboundProxyPort,
      'outgoing-proxy-port': values.outboundProxyPort,
      'proxy-uid': values.proxyUID,
      'proxy-gid': values.proxyGID,
      'ports-to-redirect': listed(values.portsToRedirect),
      'inbound-ports-to-ignore': [
        `${values.proxyControlPort}`,
        `${values.proxyAdminPort}`,
        ...listed(values.ignoreInboundPorts),
      ],
      'outbound-ports-to-ignore': listed(values.ignoreOutboundPorts),
      simulate: false,
      'use-wait-flag': values.useWaitFlag,
      'iptables-mode': values.iptablesMode,
      ipv6: not(values.disableIPv6),
    },
  };
  return jsonText(config);
}

function daemonSet(manifest: CniManifest): AnyObject {
  const { namespace, values } = manifest;
  const labels = { 'k8s-app': NAME };
  return object('apps/v1', 'DaemonSet', withLabels(metadataOf(manifest, NAME, namespace), labels), {
    spec: {
      selector: { matchLabels: labels },
      revisionHistoryLimit: values.revisionHistoryLimit,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      template: {
        metadata: {
          labels: merged(values.commonLabels, values.podLabels, { ...labels, [CNI_RESOURCE]: 'true' }),
          annotations: {
            'linkerd.io/created-by': createdBy(values),
            'linkerd.io/cni-version': values.image.version,
            'linkerd.io/inject': 'disabled',
          },
        },
        spec: {
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          hostNetwork: true,
          serviceAccountName: NAME,
          ...when(values.tolerations, { tolerations: values.tolerations }),
          ...when(values.priorityClassName, { priorityClassName: values.priorityClassName }),
          ...when(values.imagePullSecrets, { imagePullSecrets: values.imagePullSecrets }),
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          containers: [installer(values), ...when(values.repairController.enabled, [repairController(values)])],
          volumes: [
            { name: 'cni-bin-dir', hostPath: { path: values.destCNIBinDir, type: 'DirectoryOrCreate' } },
            { name: 'cni-net-dir', hostPath: { path: values.destCNINetDir, type: 'DirectoryOrCreate' } },
            { name: 'linkerd-tmp-dir', emptyDir: {} },
          ],
        },
      },
    },
  });
}

const withLabels = (metadata: AnyObject['metadata'], labels: Record<string, string>): AnyObject['metadata'] => ({
  ...metadata,
  labels: merged({ ...metadata.labels }, labels),
});

const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const setting = (name: string, key: string) => ({ name, valueFrom: { configMapKeyRef: { name: CONFIG_MAP, key } } });

/** It writes files of the node's that belong to root. */
function installer(values: CniValues): Record<string, unknown> {
  return {
    name: 'install-cni',
    image: `${values.image.name}:${values.image.version}`,
    imagePullPolicy: values.image.pullPolicy,
    args: ['cni', 'install', `--log-level=${values.logLevel}`],
    env: [
      setting('DEST_CNI_NET_DIR', 'dest_cni_net_dir'),
      setting('DEST_CNI_BIN_DIR', 'dest_cni_bin_dir'),
      setting('CNI_NETWORK_CONFIG', 'cni_network_config'),
      { name: 'CONTAINER_MOUNT_PREFIX', value: HOST },
    ],
    readinessProbe: { exec: { command: ['cat', '/tmp/linkerd-cni-ready'] }, initialDelaySeconds: 1, periodSeconds: 2 },
    ...resourcesField(values.resources),
    securityContext: {
      readOnlyRootFilesystem: true,
      runAsNonRoot: false,
      runAsUser: 0,
      privileged: values.privileged,
    },
    volumeMounts: [
      { name: 'cni-bin-dir', mountPath: `${HOST}${values.destCNIBinDir}` },
      { name: 'cni-net-dir', mountPath: `${HOST}${values.destCNINetDir}` },
      { name: 'linkerd-tmp-dir', mountPath: '/tmp' },
    ],
  };
}

function repairController({ repairController: values }: CniValues): Record<string, unknown> {
  const probe = (path: string) => ({ httpGet: { path, port: 'repair-admin' } });
  return {
    name: 'repair-controller',
    image: `${values.image.name}:${values.image.version}`,
    imagePullPolicy: values.image.pullPolicy,
    args: [
      'cni-repair-controller',
      `--admin-addr=0.0.0.0:${ADMIN_PORT}`,
      `--log-level=${values.logLevel}`,
      `--log-format=${values.logFormat}`,
    ],
    env: [
      field('LINKERD_CNI_REPAIR_CONTROLLER_NODE_NAME', 'spec.nodeName'),
      field('LINKERD_CNI_REPAIR_CONTROLLER_POD_NAME', 'metadata.name'),
    ],
    ports: [{ name: 'repair-admin', containerPort: ADMIN_PORT }],
    livenessProbe: probe('/live'),
    readinessProbe: { ...probe('/ready'), failureThreshold: 7, initialDelaySeconds: 10 },
    ...resourcesField(values.resources),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: 65_534,
      runAsGroup: 65_534,
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
}
