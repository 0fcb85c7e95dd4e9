import { orElse } from '#model/template';
import { UserError } from '../context.ts';
import { VERSION } from '../version.ts';

/**
 * What can be set at install time: the names and defaults of Linkerd's chart, as far as they mean something here. Stored in
 * ConfigMap `linkerd-config` (private keys blanked), where injector, command line and extensions read them.
 */
export type Values = ReturnType<typeof defaultValues>;

const REGISTRY = 'cr.l5d.io/linkerd';

/** The defaults. `registry` comes from $LINKERD_DOCKER_REGISTRY where set. */
export function defaultValues(registry: string = REGISTRY) {
  return {
    cliVersion: `linkerd/cli ${VERSION}`,
    linkerdVersion: VERSION,
    clusterDomain: 'cluster.local',
    clusterNetworks: '10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16,fd00::/8',
    imagePullPolicy: 'IfNotPresent',
    imagePullSecrets: [] as { name: string }[],
    cniEnabled: false,
    disableIPv6: true,
    disableHeartBeat: true,
    enableEndpointSlices: true,
    enableH2Upgrade: true,
    kubeAPI: { clientQPS: 100, clientBurst: 200 },
    controllerImage: `${registry}/controller`,
    controllerImageVersion: VERSION,
    controllerLogLevel: 'info',
    controllerLogFormat: 'plain',
    controllerReplicas: 1,
    controllerUID: 2103,
    controllerGID: -1,
    revisionHistoryLimit: 10,
    deploymentStrategy: {
      rollingUpdate: { maxUnavailable: '25%' as string | number, maxSurge: '25%' as string | number },
    },
    enablePodAntiAffinity: false,
    enablePodDisruptionBudget: false,
    highAvailability: false,
    webhookFailurePolicy: 'Ignore',
    priorityClassName: '',
    runtimeClassName: '',
    /** `auto`: install the Gateway API's definitions unless the cluster has them; `true`, `false`: insist. */
    installGatewayAPI: 'auto' as 'auto' | boolean,
    enableHttpRoutes: true,
    enableTlsRoutes: true,
    enableTcpRoutes: true,
    identityTrustAnchorsPEM: '',
    identityTrustDomain: '',
    identity: {
      externalCA: false,
      serviceAccountTokenProjection: true,
      podAnnotations: {} as Record<string, string>,
      issuer: {
        scheme: 'linkerd.io/tls',
        clockSkewAllowance: '20s',
        issuanceLifetime: '24h0m0s',
        tls: { crtPEM: '', keyPEM: '' },
      },
    },
    egress: { globalEgressNetworkNamespace: 'linkerd-egress' },
    policyController: { logLevel: 'info', probeNetworks: ['0.0.0.0/0', '::/0'], resources: resources() },
    destinationController: {
      meshedHttp2ClientProtocol: {
        keep_alive: { interval: { seconds: 10 }, timeout: { seconds: 3 }, while_idle: true },
      },
      podAnnotations: {} as Record<string, string>,
    },
    proxy: {
      accessLog: '',
      await: true,
      image: { name: `${registry}/proxy`, version: VERSION, pullPolicy: '' },
      ports: { admin: 4191, control: 4190, inbound: 4143, outbound: 4140 },
      uid: 2102,
      gid: -1,
      logLevel: 'warn,linkerd=info,hickory=error',
      logFormat: 'plain',
      logHTTPHeaders: '',
      defaultInboundPolicy: 'all-unauthenticated',
      trustedGateways: '',
      opaquePorts: '25,587,3306,4444,5432,6379,9300,11211',
      enableExternalProfiles: false,
      requireIdentityOnInboundPorts: '',
      requireTLSOnInboundPorts: '',
      nativeSidecar: true,
      waitBeforeExitSeconds: 0,
      outboundConnectTimeout: '1000ms',
      inboundConnectTimeout: '100ms',
      outboundDiscoveryCacheUnusedTimeout: '5s',
      inboundDiscoveryCacheUnusedTimeout: '90s',
      disableOutboundProtocolDetectTimeout: false,
      disableInboundProtocolDetectTimeout: false,
      shutdownGracePeriod: '',
      enableShutdownEndpoint: false,
      outboundTransportMode: 'transport-header',
      cores: 0,
      runtime: { workers: { minimum: 1, maximum: 0, maximumCPURatio: 0 } },
      resources: resources(),
      control: { streams: { initialTimeout: '3s', idleTimeout: '5m', lifetime: '1h' } },
      inbound: { server: { http2: { keepAliveInterval: '10s', keepAliveTimeout: '3s' } } },
      outbound: { server: { http2: { keepAliveInterval: '10s', keepAliveTimeout: '3s' } } },
      livenessProbe: { initialDelaySeconds: 10, timeoutSeconds: 1 },
      readinessProbe: { initialDelaySeconds: 2, timeoutSeconds: 1 },
      startupProbe: { initialDelaySeconds: 0, periodSeconds: 1, failureThreshold: 120 },
      metrics: { hostnameLabels: false },
      tracing: {
        enabled: false,
        traceServiceName: 'linkerd-proxy',
        labels: {} as Record<string, string>,
        collector: { endpoint: '', meshIdentity: { serviceAccountName: '', namespace: '' } },
      },
      additionalEnv: [] as { name: string; value: string }[],
      experimentalEnv: [] as { name: string; value: string }[],
    },
    proxyInit: {
      ignoreInboundPorts: '4567,4568',
      ignoreOutboundPorts: '4567,4568',
      kubeAPIServerPorts: '443,6443',
      skipSubnets: '',
      iptablesMode: 'nft',
      logLevel: '',
      logFormat: '',
      runAsRoot: false,
      runAsUser: 65_534,
      runAsGroup: 65_534,
      privileged: false,
      closeWaitTimeoutSecs: 0,
      xtMountPath: { mountPath: '/run', name: 'linkerd-proxy-init-xtables-lock' },
    },
    networkValidator: { logLevel: 'debug', logFormat: 'plain', connectAddr: '', listenAddr: '', timeout: '10s' },
    debugContainer: { image: { name: `${registry}/debug`, version: VERSION, pullPolicy: '' } },
    proxyInjector: {
      ...webhook(),
      timeoutSeconds: 10,
      podAnnotations: {} as Record<string, string>,
      namespaceSelector: {
        matchExpressions: [
          { key: 'config.linkerd.io/admission-webhooks', operator: 'NotIn', values: ['disabled'] },
          { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', 'cert-manager'] },
        ],
      },
      objectSelector: {
        matchExpressions: [
          { key: 'linkerd.io/control-plane-component', operator: 'DoesNotExist' },
          { key: 'linkerd.io/cni-resource', operator: 'DoesNotExist' },
        ],
      },
    },
    profileValidator: { ...webhook(), namespaceSelector: enabledNamespaces() },
    policyValidator: { ...webhook(), namespaceSelector: enabledNamespaces() },
    podMonitor: {
      enabled: false,
      scrapeInterval: '10s',
      scrapeTimeout: '10s',
      labels: {} as Record<string, string>,
      controller: { enabled: true },
      proxy: { enabled: true },
      serviceMirror: { enabled: true },
    },
    podAnnotations: {} as Record<string, string>,
    podLabels: {} as Record<string, string>,
    commonLabels: {} as Record<string, string>,
    nodeSelector: { 'kubernetes.io/os': 'linux' } as Record<string, string>,
    nodeAffinity: {} as Record<string, unknown>,
    tolerations: [] as Record<string, unknown>[],
    destinationResources: resources(),
    identityResources: resources(),
    proxyInjectorResources: resources(),
    spValidatorResources: resources(),
  };
}

const amount = () => ({ limit: '', request: '' });
const resources = () => ({ cpu: amount(), memory: amount(), 'ephemeral-storage': amount() });
const webhook = () => ({
  externalSecret: false,
  crtPEM: '',
  keyPEM: '',
  caBundle: '',
  injectCaFrom: '',
  injectCaFromSecret: '',
});
const enabledNamespaces = () => ({
  matchExpressions: [{ key: 'config.linkerd.io/admission-webhooks', operator: 'NotIn', values: ['disabled'] }],
});

/** Overlay of `--ha`: three replicas that avoid each other, budgets, requests and limits, webhooks that fail closed. */
export function highAvailability() {
  const controller = { cpu: { request: '100m' }, memory: { limit: '250Mi', request: '50Mi' } };
  return {
    highAvailability: true,
    controllerReplicas: 3,
    enablePodAntiAffinity: true,
    enablePodDisruptionBudget: true,
    webhookFailurePolicy: 'Fail',
    deploymentStrategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: '25%' } },
    destinationResources: structuredClone(controller),
    policyController: { resources: structuredClone(controller) },
    proxyInjectorResources: structuredClone(controller),
    spValidatorResources: structuredClone(controller),
    identityResources: { cpu: { request: '100m' }, memory: { limit: '250Mi', request: '10Mi' } },
    proxy: { resources: { cpu: { request: '100m' }, memory: { limit: '250Mi', request: '20Mi' } } },
  };
}

/** Lays {@link highAvailability} over the values. */
export function applyHighAvailability(values: Values): void {
  mergeValues(values, highAvailability());
}

/** The domain that identities end with. */
export const trustDomainOf = (values: Pick<Values, 'identityTrustDomain' | 'clusterDomain'>): string =>
  orElse(values.identityTrustDomain, values.clusterDomain);

type Tree = { [key: string]: unknown };

/**
 * Puts `overlay` over `values` in place, as Helm merges files; returns the paths that no default has. `openMaps`: whose keys are
 * the user's.
 */
export function mergeValues(
  values: Tree,
  overlay: Tree,
  { openMaps = OPEN_MAPS, prefix = '' }: { openMaps?: ReadonlySet<string>; prefix?: string } = {},
): string[] {
  const unknown: string[] = [];
  for (const [key, value] of Object.entries(overlay)) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    const current = values[key];
    if (!Object.hasOwn(values, key) && !isWithin(prefix, openMaps)) unknown.push(path);
    if (isTree(value) && isTree(current)) unknown.push(...mergeValues(current, value, { openMaps, prefix: path }));
    else values[key] = value;
  }
  return unknown;
}

/** Maps whose keys are the user's, or another program's. Charts take them as they are. */
export const OPEN_MAPS: ReadonlySet<string> = new Set([
  'commonLabels',
  'destinationController.meshedHttp2ClientProtocol',
  'destinationController.podAnnotations',
  'identity.podAnnotations',
  'nodeAffinity',
  'nodeSelector',
  'podAnnotations',
  'podLabels',
  'podMonitor.labels',
  'policyValidator.namespaceSelector',
  'profileValidator.namespaceSelector',
  'proxy.tracing.labels',
  'proxyInjector.namespaceSelector',
  'proxyInjector.objectSelector',
  'proxyInjector.podAnnotations',
]);

const isWithin = (path: string, maps: ReadonlySet<string>): boolean =>
  maps.has(path) || [...maps].some((map) => path.startsWith(`${map}.`));

/** `how` a `--set…` reads its right side: by guess, as text, or as the text of a file. */
export type SetKind = 'typed' | 'string';

/** Parses `a.b=1,c={x,y},d\.e=f,g[0].h=i` (Helm's syntax) into a tree, by default a new one. */
export function parseSet(text: string, kind: SetKind, tree: Tree = {}): Tree {
  for (const pair of splitUnescaped(text, ',')) {
    const at = pair.indexOf('=');
    if (at <= 0) throw new UserError(`--set: expected key=value, got "${pair}"`);
    putPath(tree, pair.slice(0, at), readValue(pair.slice(at + 1), kind));
  }
  return tree;
}

/** Lists in `--set` are written out by hand. */
const LIST_ITEMS_MAX = 1_000;

/** Sets a dotted path (dots escaped by `\.` belong to a key, `[0]` names an item of a list) in a tree. */
export function putPath(tree: Tree, path: string, value: unknown): void {
  const keys = splitUnescaped(path, '.').flatMap((part) => keysOf(part, path));
  let at: Tree | unknown[] = tree;
  keys.forEach((key, depth) => {
    const next = keys[depth + 1];
    const held = itemAt(at, key);
    if (next === undefined) putItem(at, key, value);
    else if (typeof next === 'number' ? !Array.isArray(held) : !isTree(held))
      putItem(at, key, typeof next === 'number' ? [] : {});
    at = itemAt(at, key) as Tree | unknown[];
  });
}

/** `a[0][1]` as `a`, 0, 1. */
function keysOf(part: string, path: string): (string | number)[] {
  const [, name = '', indices = ''] = /^(.*?)((?:\[\d+\])*)$/s.exec(part) ?? [];
  const numbers = [...indices.matchAll(/\d+/g)].map(([digits]) => Number(digits));
  if (numbers.some((index) => index >= LIST_ITEMS_MAX))
    throw new UserError(`--set: ${path}: lists have at most ${LIST_ITEMS_MAX} items`);
  return [name.replaceAll('\\.', '.'), ...numbers];
}

const itemAt = (holder: Tree | unknown[], key: string | number): unknown => (holder as Tree)[key];

function putItem(holder: Tree | unknown[], key: string | number, value: unknown): void {
  (holder as Tree)[key] = value;
}

function readValue(text: string, kind: SetKind): unknown {
  if (text.startsWith('{') && text.endsWith('}'))
    return splitUnescaped(text.slice(1, -1), ',')
      .filter((item) => item !== '')
      .map((item) => readValue(item, kind));
  const plain = text.replaceAll('\\,', ',');
  if (kind === 'string') return plain;
  if (plain === 'true' || plain === 'false') return plain === 'true';
  if (plain === 'null') return null;
  return /^(0|-?[1-9]\d{0,14})$/.test(plain) ? Number(plain) : plain;
}

/** Splits at `separator` outside of braces, unless a backslash stands before it (which stays). */
function splitUnescaped(text: string, separator: string): string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]!;
    if (char === '{') depth += 1;
    if (char === '}') depth -= 1;
    if (char === separator && depth === 0 && text[at - 1] !== '\\') parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts;
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What `values` says differently from `defaults`: the content of Secret `linkerd-config-overrides`. */
export function differences(values: Tree, defaults: Tree): Tree {
  const result: Tree = {};
  for (const [key, value] of Object.entries(values)) {
    const standard = defaults[key];
    if (isTree(value) && isTree(standard)) {
      const inner = differences(value, standard);
      if (Object.keys(inner).length > 0) result[key] = inner;
    } else if (JSON.stringify(value) !== JSON.stringify(standard)) result[key] = value;
  }
  return result;
}
