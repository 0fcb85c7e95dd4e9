import { createHash } from 'node:crypto';
import type { AnyObject } from '#api/kube';
import { resourcesField } from '#control/injector';
import { any, atLeast, call, joined, merged, not, orElse, when } from '#model/template';
import {
  COMPONENT,
  CONTROL_PLANE_NS,
  createdBy,
  jsonText,
  type Manifest,
  metadataOf,
  object,
  service,
} from './objects.ts';
import { trustDomainOf, type Values } from './values.ts';

/** The three deployments of the control plane, without their proxies, and their services. */

interface Container {
  name: string;
  args: string[];
  ports: Record<string, number>;
  /** Admin port by name; `live` is the path of its liveness probe. */
  admin: { port: string; live: string };
  mounts: Record<string, string>;
  resources: Parameters<typeof resourcesField>[0];
  env?: Record<string, unknown>[];
}

interface Workload {
  component: string;
  containers: Container[];
  volumes: Record<string, unknown>[];
  /** The user's. */
  podAnnotations: Record<string, string>;
  annotations?: Record<string, string>;
}

/** Controllers are ready in tenths of a second; Kubernetes' ten seconds between looks would be most of the start. */
const READY_PERIOD_S = 2;
const TLS_FOLDER = '/var/run/linkerd/tls';
const HOSTNAME = { name: 'HOSTNAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } };

const logging = (values: Values): string[] => [
  `-log-level=${values.controllerLogLevel}`,
  `-log-format=${values.controllerLogFormat}`,
];

function identity({ namespace, values }: Manifest): Workload {
  const { issuer } = values.identity;
  return {
    component: 'identity',
    podAnnotations: values.identity.podAnnotations,
    containers: [
      {
        name: 'identity',
        args: [
          'identity',
          ...logging(values),
          `-controller-namespace=${namespace}`,
          `-identity-trust-domain=${trustDomainOf(values)}`,
          `-identity-issuance-lifetime=${issuer.issuanceLifetime}`,
          `-identity-clock-skew-allowance=${issuer.clockSkewAllowance}`,
          `-identity-scheme=${issuer.scheme}`,
          `-kube-apiclient-qps=${values.kubeAPI.clientQPS}`,
          `-kube-apiclient-burst=${values.kubeAPI.clientBurst}`,
        ],
        ports: { 'ident-grpc': 8080, 'ident-admin': 9990 },
        admin: { port: 'ident-admin', live: '/ping' },
        mounts: {
          'identity-issuer': '/var/run/linkerd/identity/issuer',
          'trust-roots': '/var/run/linkerd/identity/trust-roots/',
        },
        resources: values.identityResources,
      },
    ],
    volumes: [
      { name: 'identity-issuer', secret: { secretName: 'linkerd-identity-issuer' } },
      { name: 'trust-roots', configMap: { name: 'linkerd-identity-trust-roots' } },
    ],
  };
}

function destination(manifest: Manifest): Workload {
  return {
    component: 'destination',
    podAnnotations: manifest.values.destinationController.podAnnotations,
    containers: [destinationContainer(manifest), spValidatorContainer(manifest), policyContainer(manifest)],
    volumes: [
      { name: 'sp-tls', secret: { secretName: 'linkerd-sp-validator-k8s-tls' } },
      { name: 'policy-tls', secret: { secretName: 'linkerd-policy-validator-k8s-tls' } },
    ],
  };
}

function destinationContainer({ namespace, values }: Manifest): Container {
  return {
    name: 'destination',
    args: [
      'destination',
      '-addr=:8086',
      `-controller-namespace=${namespace}`,
      `-outbound-transport-mode=${values.proxy.outboundTransportMode}`,
      `-enable-h2-upgrade=${values.enableH2Upgrade}`,
      ...logging(values),
      `-enable-endpoint-slices=${values.enableEndpointSlices}`,
      `-cluster-domain=${values.clusterDomain}`,
      `-identity-trust-domain=${trustDomainOf(values)}`,
      `-default-opaque-ports=${values.proxy.opaquePorts}`,
      `-enable-ipv6=${not(values.disableIPv6)}`,
      `-meshed-http2-client-params=${jsonText(values.destinationController.meshedHttp2ClientProtocol)}`,
    ],
    ports: { 'dest-grpc': 8086, 'dest-admin': 9996 },
    admin: { port: 'dest-admin', live: '/ping' },
    mounts: {},
    resources: values.destinationResources,
    env: [HOSTNAME],
  };
}

const spValidatorContainer = ({ values }: Manifest): Container => ({
  name: 'sp-validator',
  args: ['sp-validator', ...logging(values)],
  ports: { 'sp-validator': 8443, 'spval-admin': 9997 },
  admin: { port: 'spval-admin', live: '/ping' },
  mounts: { 'sp-tls': TLS_FOLDER },
  resources: values.spValidatorResources,
});

const policyContainer = ({ namespace, values }: Manifest): Container => ({
  name: 'policy',
  args: [
    'policy',
    '--admin-addr=0.0.0.0:9990',
    `--control-plane-namespace=${namespace}`,
    '--grpc-addr=0.0.0.0:8090',
    '--server-addr=0.0.0.0:9443',
    `--server-tls-key=${TLS_FOLDER}/tls.key`,
    `--server-tls-certs=${TLS_FOLDER}/tls.crt`,
    `--cluster-networks=${values.clusterNetworks}`,
    `--identity-domain=${trustDomainOf(values)}`,
    `--cluster-domain=${values.clusterDomain}`,
    `--default-policy=${values.proxy.defaultInboundPolicy}`,
    `--log-level=${values.policyController.logLevel}`,
    `--log-format=${values.controllerLogFormat}`,
    `--default-opaque-ports=${values.proxy.opaquePorts}`,
    `--global-egress-network-namespace=${values.egress.globalEgressNetworkNamespace}`,
    `--probe-networks=${joined(values.policyController.probeNetworks, ',')}`,
  ],
  ports: { 'policy-grpc': 8090, 'policy-admin': 9990, 'policy-https': 9443 },
  admin: { port: 'policy-admin', live: '/live' },
  mounts: { 'policy-tls': TLS_FOLDER },
  resources: values.policyController.resources,
  env: [HOSTNAME],
});

function proxyInjector({ namespace, values }: Manifest): Workload {
  return {
    component: 'proxy-injector',
    podAnnotations: values.proxyInjector.podAnnotations,
    annotations: { 'config.linkerd.io/opaque-ports': '8443' },
    containers: [
      {
        name: 'proxy-injector',
        args: ['proxy-injector', ...logging(values), `-linkerd-namespace=${namespace}`],
        ports: { 'proxy-injector': 8443, 'injector-admin': 9995 },
        admin: { port: 'injector-admin', live: '/ping' },
        mounts: {
          config: '/var/run/linkerd/config',
          'trust-roots': '/var/run/linkerd/identity/trust-roots/',
          tls: TLS_FOLDER,
        },
        resources: values.proxyInjectorResources,
      },
    ],
    volumes: [
      { name: 'config', configMap: { name: 'linkerd-config' } },
      { name: 'trust-roots', configMap: { name: 'linkerd-identity-trust-roots' } },
      { name: 'tls', secret: { secretName: 'linkerd-proxy-injector-k8s-tls' } },
    ],
  };
}

/** Services, Deployment and budget of each controller, in the order of their start: identity first, since the others' proxies need certificates. */
export const controllerObjects = (
  manifest: Manifest,
): Record<'identity' | 'destination' | 'proxy-injector', AnyObject[]> => ({
  identity: objectsOf(manifest, identity(manifest)),
  destination: objectsOf(manifest, destination(manifest)),
  'proxy-injector': objectsOf(manifest, proxyInjector(manifest)),
});

const objectsOf = (manifest: Manifest, workload: Workload): AnyObject[] => [
  ...servicesOf(manifest, workload.component),
  deploymentOf(manifest, workload),
  ...budgetOf(manifest, workload.component),
];

function deploymentOf(manifest: Manifest, workload: Workload): AnyObject {
  const { namespace, values } = manifest;
  const { component } = workload;
  const name = `linkerd-${component}`;
  const labels = {
    'app.kubernetes.io/name': component === 'proxy-injector' ? 'proxy-injector' : component,
    'app.kubernetes.io/part-of': 'Linkerd',
    'app.kubernetes.io/version': values.linkerdVersion,
  };
  const selector = {
    [COMPONENT]: component,
    [CONTROL_PLANE_NS]: namespace,
    'linkerd.io/proxy-deployment': name,
  };
  return object('apps/v1', 'Deployment', metadataOf(manifest, { name, namespace, component, labels }), {
    spec: {
      replicas: values.controllerReplicas,
      revisionHistoryLimit: values.revisionHistoryLimit,
      selector: { matchLabels: selector },
      strategy: { type: 'RollingUpdate', rollingUpdate: { ...values.deploymentStrategy.rollingUpdate } },
      template: {
        metadata: {
          annotations: merged(
            {
              'linkerd.io/created-by': createdBy(values),
              'linkerd.io/proxy-version': orElse(values.proxy.image.version, values.linkerdVersion),
              'linkerd.io/trust-root-sha256': sha256(values.identityTrustAnchorsPEM),
              'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true',
              'config.linkerd.io/default-inbound-policy': 'all-unauthenticated',
            },
            values.podAnnotations,
            workload.podAnnotations,
            { ...workload.annotations },
          ),
          labels: merged({ 'linkerd.io/workload-ns': namespace }, values.commonLabels, values.podLabels, selector),
        },
        spec: podSpec(manifest, workload, name),
      },
    },
  });
}

function podSpec(manifest: Manifest, workload: Workload, account: string): Record<string, unknown> {
  const { values } = manifest;
  return {
    automountServiceAccountToken: true,
    serviceAccountName: account,
    nodeSelector: values.nodeSelector,
    ...when(values.priorityClassName, { priorityClassName: values.priorityClassName }),
    ...when(values.runtimeClassName, { runtimeClassName: values.runtimeClassName }),
    ...when(values.tolerations, { tolerations: values.tolerations }),
    ...when(values.imagePullSecrets, { imagePullSecrets: values.imagePullSecrets }),
    ...when(any(values.enablePodAntiAffinity, values.nodeAffinity), {
      affinity: {
        ...when(values.enablePodAntiAffinity, { podAntiAffinity: antiAffinity(workload.component) }),
        ...when(values.nodeAffinity, { nodeAffinity: values.nodeAffinity }),
      },
    }),
    securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    containers: workload.containers.map((container) => containerOf(values, container)),
    volumes: workload.volumes,
  };
}

function containerOf(values: Values, container: Container): Record<string, unknown> {
  const { name, args, ports, admin, mounts, env } = container;
  return {
    name,
    image: `${values.controllerImage}:${values.controllerImageVersion}`,
    imagePullPolicy: values.imagePullPolicy,
    args,
    ...(env && { env }),
    ports: Object.entries(ports).map(([portName, containerPort]) => ({ name: portName, containerPort })),
    livenessProbe: { httpGet: { path: admin.live, port: admin.port }, initialDelaySeconds: 10 },
    readinessProbe: {
      httpGet: { path: '/ready', port: admin.port },
      periodSeconds: READY_PERIOD_S,
      failureThreshold: 7,
    },
    ...resourcesField(container.resources),
    securityContext: {
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: values.controllerUID,
      ...when(atLeast(values.controllerGID, 0), { runAsGroup: values.controllerGID }),
      allowPrivilegeEscalation: false,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    volumeMounts: Object.entries(mounts).map(([volume, mountPath]) => ({ name: volume, mountPath, readOnly: true })),
  };
}

/** Never two on a node, rather not two in a zone. */
function antiAffinity(component: string): Record<string, unknown> {
  const labelSelector = { matchExpressions: [{ key: COMPONENT, operator: 'In', values: [component] }] };
  return {
    preferredDuringSchedulingIgnoredDuringExecution: [
      { weight: 100, podAffinityTerm: { labelSelector, topologyKey: 'topology.kubernetes.io/zone' } },
    ],
    requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector, topologyKey: 'kubernetes.io/hostname' }],
  };
}

/** Services by component: name, ports, headless. */
const SERVICES: Record<string, { name: string; port: number; target: number; portName: string; headless?: boolean }[]> =
  {
    identity: [
      { name: 'linkerd-identity', portName: 'grpc', port: 8080, target: 8080 },
      { name: 'linkerd-identity-headless', portName: 'grpc', port: 8080, target: 8080, headless: true },
    ],
    destination: [
      { name: 'linkerd-dst', portName: 'grpc', port: 8086, target: 8086 },
      { name: 'linkerd-dst-headless', portName: 'grpc', port: 8086, target: 8086, headless: true },
      { name: 'linkerd-sp-validator', portName: 'sp-validator', port: 443, target: 8443 },
      { name: 'linkerd-policy', portName: 'grpc', port: 8090, target: 8090, headless: true },
      { name: 'linkerd-policy-validator', portName: 'policy-https', port: 443, target: 9443 },
    ],
    'proxy-injector': [{ name: 'linkerd-proxy-injector', portName: 'proxy-injector', port: 443, target: 8443 }],
  };

const servicesOf = (manifest: Manifest, component: string): AnyObject[] =>
  (SERVICES[component] ?? []).map(({ name, portName, port, target, headless }) =>
    service(
      metadataOf(manifest, {
        name,
        namespace: manifest.namespace,
        component,
        ...(component === 'proxy-injector' && { annotations: { 'config.linkerd.io/opaque-ports': '443' } }),
      }),
      { [COMPONENT]: component },
      [{ name: portName, port, targetPort: target }],
      headless,
    ),
  );

function budgetOf(manifest: Manifest, component: string): AnyObject[] {
  const name = component === 'destination' ? 'linkerd-dst' : `linkerd-${component}`;
  const metadata = metadataOf(manifest, { name, namespace: manifest.namespace, component });
  const spec = { maxUnavailable: 1, selector: { matchLabels: { [COMPONENT]: component } } };
  return when(manifest.values.enablePodDisruptionBudget, [
    object('policy/v1', 'PodDisruptionBudget', metadata, { spec }),
  ]);
}

const sha256 = (text: string): string =>
  call('sha256sum', (known: string) => createHash('sha256').update(known).digest('hex'), text);
