/**
 * Every annotation that changes how a workload is injected, as rows. The injector and its metrics, the flags of `inject`,
 * `check`, the reference page and the JSON schema are made of this table.
 */
import { KINDS, type Kind, oneOf } from './kinds.ts';

/** One annotation. */
export interface AnnotationRow<T = unknown> extends Kind<T> {
  key: string;
  /** Whether pods take it over from their namespace when they have none of their own. */
  inherited: boolean;
  /** A flag of `inject` that sets it: `--proxy-uid <uid>`; a switch writes `true`. */
  flag?: string;
  doc: string;
}

const CONFIG = 'config.linkerd.io/';
const ALPHA = 'config.alpha.linkerd.io/';
const BETA = 'config.beta.linkerd.io/';

/** Declares a row; `own` rows are not inherited. */
const row = <T>(
  key: string,
  kind: Kind<T>,
  doc: string,
  { own = false, flag }: { own?: boolean; flag?: string } = {},
): AnnotationRow<T> => ({
  key: key.includes('/') ? key : CONFIG + key,
  inherited: !own,
  parse: kind.parse,
  expects: kind.expects,
  schema: kind.schema,
  ...(flag !== undefined && { flag: flag.startsWith('--') ? flag : `--${key} <${flag}>` }),
  doc,
});
const own = true;
const { text, bool, toggle, port, count, userId, groupId, duration, ports, quantity, fraction, networks } = KINDS;
const pullPolicy = oneOf('Always', 'IfNotPresent', 'Never');

export const ANNOTATIONS = {
  inject: row(
    'linkerd.io/inject',
    oneOf('enabled', 'disabled', 'ingress'),
    'Whether pods get a proxy; with `ingress`, one that routes by the header l5d-dst-override.',
  ),
  proxyImage: row('proxy-image', text, 'Image of the proxy and of the init container.', { flag: 'image' }),
  proxyVersion: row('proxy-version', text, 'Tag of that image.', { flag: 'version' }),
  imagePullPolicy: row('image-pull-policy', pullPolicy, 'Pull policy of that image.', { flag: 'policy' }),
  controlPort: row('control-port', port, 'Port of tap.', { flag: 'port' }),
  adminPort: row('admin-port', port, 'Port of probes and metrics of the proxy.', { flag: 'port' }),
  inboundPort: row('inbound-port', port, 'Port to which inbound connections are redirected.', { flag: 'port' }),
  outboundPort: row('outbound-port', port, 'Port to which outbound connections are redirected.', { flag: 'port' }),
  podInboundPorts: row('pod-inbound-ports', ports, 'Always replaced by the ports that the pod declares.'),
  skipInboundPorts: row('skip-inbound-ports', ports, 'Inbound ports that bypass the proxy.', { flag: 'ports' }),
  skipOutboundPorts: row('skip-outbound-ports', ports, 'Outbound ports that bypass the proxy.', { flag: 'ports' }),
  skipSubnets: row('skip-subnets', networks, 'Peers whose inbound connections bypass the proxy.', {
    flag: 'networks',
  }),
  opaquePorts: row('opaque-ports', ports, 'Ports whose connections are carried as bytes, without detection.', {
    flag: 'ports',
  }),
  proxyCpuRequest: row('proxy-cpu-request', quantity, 'CPU request of the proxy; also its least number of workers.', {
    flag: 'quantity',
  }),
  proxyCpuLimit: row('proxy-cpu-limit', quantity, 'CPU limit of the proxy; also its greatest number of workers.', {
    flag: 'quantity',
  }),
  proxyCpuRatioLimit: row('proxy-cpu-ratio-limit', fraction, "Share of the node's cores to use at most.", { own }),
  proxyMemoryRequest: row('proxy-memory-request', quantity, 'Memory request of the proxy.', { flag: 'quantity' }),
  proxyMemoryLimit: row('proxy-memory-limit', quantity, 'Memory limit of the proxy.', { flag: 'quantity' }),
  proxyEphemeralStorageRequest: row('proxy-ephemeral-storage-request', quantity, 'Disk request of the proxy.'),
  proxyEphemeralStorageLimit: row('proxy-ephemeral-storage-limit', quantity, 'Disk limit of the proxy.'),
  proxyUid: row('proxy-uid', userId, 'User id of the proxy.', { flag: 'uid' }),
  proxyGid: row('proxy-gid', groupId, 'Group id of the proxy.', { flag: 'gid' }),
  proxyLogLevel: row('proxy-log-level', text, 'Log filter of the proxy, such as warn,linkerd=info.', {
    flag: 'level',
  }),
  proxyLogFormat: row('proxy-log-format', oneOf('plain', 'json'), 'Log format of the proxy.'),
  proxyLogHttpHeaders: row(
    'proxy-log-http-headers',
    KINDS.headerLogs,
    'Whether debug logs may hold HTTP headers: `insecure` or `off`.',
  ),
  accessLog: row('access-log', KINDS.accessLog, 'Writes a line per request to standard error.', { flag: 'format' }),
  enableExternalProfiles: row('enable-external-profiles', bool, 'Looks up profiles of names outside the cluster.', {
    flag: '--enable-external-profiles',
  }),
  proxyRequireIdentityInboundPorts: row(
    'proxy-require-identity-inbound-ports',
    ports,
    'Ports that admit only clients with a mesh identity.',
    { flag: '--require-identity-on-inbound-ports <ports>' },
  ),
  proxyMetricsHostnameLabels: row(
    'proxy-metrics-hostname-labels',
    bool,
    'Labels outbound HTTP metrics with the host name of requests.',
  ),
  proxyOutboundConnectTimeout: row('proxy-outbound-connect-timeout', duration, 'Of connections to other pods.'),
  proxyInboundConnectTimeout: row('proxy-inbound-connect-timeout', duration, 'Of connections to the application.'),
  proxyOutboundDiscoveryCacheUnusedTimeout: row(
    'proxy-outbound-discovery-cache-unused-timeout',
    duration,
    'How long an unused destination stays known.',
  ),
  proxyInboundDiscoveryCacheUnusedTimeout: row(
    'proxy-inbound-discovery-cache-unused-timeout',
    duration,
    'How long the policy of an unused port stays known.',
  ),
  proxyDisableOutboundProtocolDetectTimeout: row(
    'proxy-disable-outbound-protocol-detect-timeout',
    bool,
    'Waits for the first bytes as long as it takes, outbound.',
  ),
  proxyDisableInboundProtocolDetectTimeout: row(
    'proxy-disable-inbound-protocol-detect-timeout',
    bool,
    'Waits for the first bytes as long as it takes, inbound.',
  ),
  proxyAwait: row('proxy-await', toggle, 'Whether the application starts only after its proxy is ready.'),
  defaultInboundPolicy: row(
    'default-inbound-policy',
    KINDS.defaultPolicy,
    'Who may connect to ports that no Server selects.',
    { flag: 'policy' },
  ),
  shutdownGracePeriod: row('shutdown-grace-period', duration, 'How long open connections may go on at shutdown.'),
  proxyAdminShutdown: row('proxy-admin-shutdown', toggle, 'Lets POST /shutdown on the admin port end the proxy.'),
  nativeSidecar: row('proxy-enable-native-sidecar', bool, 'Runs the proxy as an init container that restarts.', {
    flag: '--native-sidecar',
  }),
  nativeSidecarBeta: row(`${BETA}proxy-enable-native-sidecar`, bool, 'Former key of the same.', { own }),
  nativeSidecarAlpha: row(`${ALPHA}proxy-enable-native-sidecar`, bool, 'Former key of the same.'),
  waitBeforeExitSeconds: row(
    `${ALPHA}proxy-wait-before-exit-seconds`,
    count,
    'Delays the end of a proxy that is no native sidecar.',
    { flag: '--wait-before-exit-seconds <seconds>' },
  ),
  proxyAdditionalEnv: row('proxy-additional-env', KINDS.envVars, 'More environment variables for the proxy.'),
  enableGateway: row('enable-gateway', bool, 'Makes the pod a gateway for other clusters.', { own }),
  gatewayServices: row(
    'gateway.weft.dev/services',
    text,
    'Of a gateway: label selector of the Services that other clusters reach through it, such as mirror.linkerd.io/exported=true; without it, all. One that cannot be read selects none.',
    { own },
  ),
  trustedGateways: row(
    'gateway.weft.dev/trusted',
    KINDS.identities,
    'Gateways that are believed for whom they pass things on: their clients are authorized as themselves, in place of the gateway. Service accounts such as linkerd-gateway.linkerd-multicluster, or identities; an empty text is nobody.',
  ),
  enableDebugSidecar: row('enable-debug-sidecar', bool, 'Adds a container with network tools.', {
    flag: '--enable-debug-sidecar',
  }),
  debugImage: row('debug-image', text, 'Image of that container.', { own }),
  debugImageVersion: row('debug-image-version', text, 'Its tag.', { own }),
  debugImagePullPolicy: row('debug-image-pull-policy', pullPolicy, 'Its pull policy.', { own }),
  closeWaitTimeout: row(
    'close-wait-timeout',
    duration,
    'Sets nf_conntrack_tcp_timeout_close_wait in the pod; needs proxyInit.runAsRoot.',
    { own, flag: 'duration' },
  ),
} as const satisfies Record<string, AnnotationRow>;

export type AnnotationName = keyof typeof ANNOTATIONS;

/** Annotations `resource.opentelemetry.io/<attribute>` of a pod become attributes of its proxy's spans. */
export const TRACE_ATTRIBUTE_PREFIX = 'resource.opentelemetry.io/';
