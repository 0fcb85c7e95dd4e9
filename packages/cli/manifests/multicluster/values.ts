import { LOCAL_CLUSTER } from '#model/federation';
import { Each, goOf, isUnknown, markText } from '#model/template';
import { VERSION } from '../../version.ts';
import { mergeValues } from '../values.ts';

/** Values of the multicluster extension, by the chart's names. */
export interface MulticlusterValues {
  namespace: string;
  /** Who rendered the manifest. */
  createdBy: string;
  linkerdNamespace: string;
  identityTrustDomain: string;
  /** Of the control plane: pods that need no privileges may be held to that. */
  cniEnabled: boolean;
  commonLabels: Record<string, string>;
  podLabels: Record<string, string>;
  imagePullPolicy: string;
  imagePullSecrets: { name: string }[];
  revisionHistoryLimit: number;
  enableNamespaceCreation: boolean;
  enablePodAntiAffinity: boolean;
  /** Define ServiceExport and ServiceImport; off where something else brings them. */
  installMcsApi: boolean;
  gateway: GatewayValues;
  /** Make the account with which other clusters enter this one. */
  remoteMirrorServiceAccount: boolean;
  /** Name of that account, or several: a list, or text with commas. */
  remoteMirrorServiceAccountName: string | string[];
  localServiceMirror: LocalMirrorValues;
  controllerDefaults: ControllerValues;
  controllers: ControllerEntry[];
}

export interface GatewayValues {
  enabled: boolean;
  name: string;
  replicas: number;
  /** At which other clusters reach it; the proxy listens elsewhere. */
  port: number;
  nodePort: number;
  probe: { path: string; port: number; nodePort: number; seconds: number };
  /** Label selector of the Services that are reached through it; empty: all. */
  serviceSelector: string;
  serviceType: string;
  serviceAnnotations: Record<string, string>;
  serviceExternalTrafficPolicy: string;
  healthCheckNodePort: number;
  loadBalancerClass: string;
  loadBalancerIP: string;
  loadBalancerSourceRanges: string[];
  pauseImage: string;
  terminationGracePeriodSeconds: number | string;
  deploymentAnnotations: Record<string, string>;
  nodeSelector: Record<string, string>;
  tolerations: unknown[];
  resources: Resources;
  UID: number;
  GID: number;
}

export type Resources = Record<'cpu' | 'memory' | 'ephemeral-storage', { limit: string; request: string }>;
interface Image {
  name: string;
  version: string;
  pullPolicy: string;
}

interface LocalMirrorValues {
  /** What this cluster is called in ServiceImports and names below `clusterset.local`. */
  clusterName: string;
  federatedServiceSelector: string;
  /** Keys: a list, or text with commas. */
  excludedAnnotations: string[] | string;
  excludedLabels: string[] | string;
  replicas: number;
  image: Image;
  logLevel: string;
  logFormat: string;
  enablePprof: boolean;
  podAnnotations: Record<string, string>;
  resources: Resources;
  UID: number;
  GID: number;
}

/** Of the mirror controller of one Link. */
export interface ControllerValues {
  replicas: number;
  gateway: { enabled: boolean; probe: { port: number } };
  image: Image;
  logLevel: string;
  logFormat: string;
  enableHeadlessServices: boolean;
  enablePprof: boolean;
  retryLimit: number;
  enablePodAntiAffinity: boolean;
  podAnnotations: Record<string, string>;
  nodeSelector: Record<string, string>;
  nodeAffinity: Record<string, unknown>;
  tolerations: unknown[];
  resources: Resources;
  UID: number;
  GID: number;
}

/** A Link to follow, and where its controller differs from the defaults. */
export type ControllerEntry = { link: { ref: { name: string } } } & { [field: string]: unknown };

export const REMOTE_ACCESS_ACCOUNT = 'linkerd-service-mirror-remote-access-default';

export function defaultMulticluster(registry = 'cr.l5d.io/linkerd'): MulticlusterValues {
  const amount = () => ({ limit: '', request: '' });
  const resources = () => ({ cpu: amount(), memory: amount(), 'ephemeral-storage': amount() });
  const image = (): Image => ({ name: `${registry}/controller`, version: VERSION, pullPolicy: '' });
  const user = { UID: 2103, GID: 2103 };
  const logging = { logLevel: 'info', logFormat: 'plain', enablePprof: false };
  return {
    namespace: 'linkerd-multicluster',
    createdBy: `linkerd/cli ${VERSION}`,
    linkerdNamespace: 'linkerd',
    identityTrustDomain: 'cluster.local',
    cniEnabled: false,
    commonLabels: {},
    podLabels: {},
    imagePullPolicy: 'IfNotPresent',
    imagePullSecrets: [],
    revisionHistoryLimit: 10,
    enableNamespaceCreation: false,
    enablePodAntiAffinity: false,
    installMcsApi: true,
    gateway: {
      enabled: true,
      name: 'linkerd-gateway',
      replicas: 1,
      port: 4143,
      nodePort: 0,
      probe: { path: '/ready', port: 4191, nodePort: 0, seconds: 3 },
      serviceSelector: '',
      serviceType: 'LoadBalancer',
      serviceAnnotations: {},
      serviceExternalTrafficPolicy: '',
      healthCheckNodePort: 0,
      loadBalancerClass: '',
      loadBalancerIP: '',
      loadBalancerSourceRanges: [],
      pauseImage: 'registry.k8s.io/pause:3.2',
      terminationGracePeriodSeconds: '',
      deploymentAnnotations: {},
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [],
      resources: resources(),
      ...user,
    },
    remoteMirrorServiceAccount: true,
    remoteMirrorServiceAccountName: REMOTE_ACCESS_ACCOUNT,
    localServiceMirror: {
      clusterName: LOCAL_CLUSTER,
      federatedServiceSelector: 'mirror.linkerd.io/federated=member',
      excludedAnnotations: [],
      excludedLabels: [],
      replicas: 1,
      image: image(),
      ...logging,
      podAnnotations: {},
      resources: resources(),
      ...user,
    },
    controllerDefaults: {
      replicas: 1,
      gateway: { enabled: true, probe: { port: 4191 } },
      image: image(),
      ...logging,
      enableHeadlessServices: false,
      retryLimit: 3,
      enablePodAntiAffinity: false,
      podAnnotations: {},
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      nodeAffinity: {},
      tolerations: [],
      resources: resources(),
      ...user,
    },
    controllers: [],
  };
}

/** Overlay of `--ha`. */
export const MULTICLUSTER_HA = {
  enablePodAntiAffinity: true,
  gateway: { replicas: 3 },
  localServiceMirror: { replicas: 3 },
  controllerDefaults: { replicas: 3, enablePodAntiAffinity: true },
} as const;

type Tree = { [key: string]: unknown };
const treeOf = (values: object): Tree => values as Tree;

/** Maps whose keys are the user's. */
export const MULTICLUSTER_OPEN_MAPS: ReadonlySet<string> = new Set([
  'commonLabels',
  'controllerDefaults.nodeAffinity',
  'controllerDefaults.nodeSelector',
  'controllerDefaults.podAnnotations',
  'gateway.deploymentAnnotations',
  'gateway.nodeSelector',
  'gateway.serviceAnnotations',
  'localServiceMirror.podAnnotations',
  'podLabels',
]);

/** Lays values over others in place; returns the paths that mean nothing here. */
export const overlayMulticluster = (values: MulticlusterValues, overlay: object): string[] =>
  mergeValues(treeOf(values), structuredClone(treeOf(overlay)), { openMaps: MULTICLUSTER_OPEN_MAPS });

/** What holds for the controller of a Link: its own values, and the defaults for the rest. */
export function controllerValues(values: MulticlusterValues, { link, ...own }: ControllerEntry): ControllerValues {
  // A template has merged them by then.
  if (isUnknown(link.ref.name)) return own as unknown as ControllerValues;
  const merged = structuredClone(values.controllerDefaults);
  mergeValues(treeOf(merged), structuredClone(own), {
    openMaps: new Set(['nodeAffinity', 'nodeSelector', 'podAnnotations']),
  });
  return merged;
}

/** The accounts with which other clusters enter. */
export function remoteAccounts({ remoteMirrorServiceAccountName: names }: MulticlusterValues): string[] {
  if (isUnknown(names)) {
    // Of a text, `join` makes itself.
    const go = `(compact (splitList "," (nospace (join "," ${goOf(names)}))))`;
    return [new Each(go, '$account', markText('$account'))] as unknown as string[];
  }
  const list = typeof names === 'string' ? names.split(',') : names;
  return list.map((name) => name.trim()).filter(Boolean);
}
