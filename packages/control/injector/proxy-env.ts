/** The proxy's environment: every variable in the chart's order. A row without value is left out. */
import type { EnvVar } from '#api/kube';
import { all, call, either, equals, not, orElse, when } from '#model/template';
import { type InjectorValues, trustDomainOf } from './values.ts';

/** Where a proxy runs, as far as its environment depends on it. */
export interface ProxyPlace {
  controlPlaneNamespace: string;
  /** The control plane's Deployment that the pod belongs to, e.g. `linkerd-identity`; its own services are on localhost. */
  component?: string;
  /** Take the trust anchors from the ConfigMap: only in the control plane's namespace. */
  anchorsFromConfigMap?: boolean;
  /** Ports of the application, `80,8080`. */
  podInboundPorts: string;
}

type Source = string | { field: string } | { configMap: string; key: string };

const PREFIX = 'LINKERD2_PROXY_';
const DEFAULT_STREAMS = { initialTimeout: '3s', idleTimeout: '5m', lifetime: '1h' };
const DEFAULT_HTTP2 = { keepAliveInterval: '10s', keepAliveTimeout: '3s' };
const HEADERS_OFF = ',[{headers}]=off,[{request}]=off';

/** The variables of one proxy. */
export function proxyEnv(values: InjectorValues, place: ProxyPlace): EnvVar[] {
  return [
    ...self(),
    ...tracing(values, place),
    ...workers(values),
    ...ports(values),
    ...control(values, place),
    ...listeners(values, place),
    ...identity(values, place),
    ...(values.proxy.additionalEnv ?? []),
    ...(values.proxy.experimentalEnv ?? []),
  ];
}

/** One variable. A name that begins with `_` is for the others' `$(…)`. */
function row(name: string, value: Source): EnvVar {
  const full = name.startsWith('_') ? name : PREFIX + name;
  if (typeof value === 'string') return { name: full, value };
  if ('field' in value) return { name: full, valueFrom: { fieldRef: { fieldPath: value.field } } };
  return { name: full, valueFrom: { configMapKeyRef: { name: value.configMap, key: value.key } } };
}

const rowIf = (test: unknown, name: string, value: string): EnvVar[] => when(test, [row(name, value)]);
const rowIfSet = (name: string, value: string | undefined): EnvVar[] => rowIf(value, name, value ?? '');

const self = (): EnvVar[] => [
  row('_pod_name', { field: 'metadata.name' }),
  row('_pod_ns', { field: 'metadata.namespace' }),
  row('_pod_uid', { field: 'metadata.uid' }),
  row('_pod_ip', { field: 'status.podIP' }),
  row('_pod_nodeName', { field: 'spec.nodeName' }),
  row('_pod_containerName', 'linkerd-proxy'),
];

/** Where the kubelet writes the pod's labels and annotations for the proxy to read. */
export const POD_INFO_PATH = '/var/run/linkerd/podinfo';

/** Throws a sentence when spans are wanted and nothing says where they go. */
function tracing(values: InjectorValues, { controlPlaneNamespace: ns }: ProxyPlace): EnvVar[] {
  const { enabled = false, traceServiceName, labels = {}, collector } = values.proxy.tracing ?? {};
  const { serviceAccountName, namespace } = collector?.meshIdentity ?? {};
  if (enabled === true && !collector?.endpoint)
    throw new Error('proxy.tracing.collector.endpoint must be set to enable tracing');
  if (enabled === true && !(serviceAccountName && namespace))
    throw new Error(
      'proxy.tracing.collector.meshIdentity must have a serviceAccountName and a namespace to enable tracing',
    );
  const attributes = call('include "weft.attributes"', attributeLines, labels);
  const identity = `${serviceAccountName}.${namespace}.serviceaccount.identity.${ns}.${trustDomainOf(values)}`;
  return when(enabled, [
    row('TRACE_ATTRIBUTES_PATH', `${POD_INFO_PATH}/labels`),
    row('TRACE_ANNOTATIONS_PATH', `${POD_INFO_PATH}/annotations`),
    row('TRACE_PROTOCOL', 'opentelemetry'),
    row('TRACE_SERVICE_NAME', orElse(traceServiceName, 'linkerd-proxy')),
    row('TRACE_COLLECTOR_SVC_ADDR', `${collector?.endpoint}`),
    row('TRACE_COLLECTOR_SVC_NAME', identity),
    ...rowIfSet('TRACE_EXTRA_ATTRIBUTES', attributes),
  ]);
}

const attributeLines = (labels: Readonly<Record<string, string>>): string =>
  Object.keys(labels)
    .sort()
    .map((key) => `${key}=${`${labels[key]}`.replaceAll('\n', ' ')}\n`)
    .join('');

/** A fixed number of cores, or the bounds between which the proxy decides. */
function workers({ proxy }: InjectorValues): EnvVar[] {
  const { minimum = 1, maximum = 0, maximumCPURatio = 0 } = proxy.runtime?.workers ?? {};
  const cores = `${orElse(proxy.cores, minimum)}`;
  const bounded = (bound: number) => all(not(proxy.cores), bound);
  return [
    row('CORES', cores),
    row('CORES_MIN', cores),
    ...rowIf(bounded(maximum), 'CORES_MAX', `${maximum}`),
    ...rowIf(bounded(maximumCPURatio), 'CORES_MAX_RATIO', `${maximumCPURatio}`),
  ];
}

const ports = ({ proxy }: InjectorValues): EnvVar[] => [
  ...rowIfSet('INBOUND_PORTS_REQUIRE_IDENTITY', proxy.requireIdentityOnInboundPorts),
  ...rowIfSet('INBOUND_PORTS_REQUIRE_TLS', proxy.requireTLSOnInboundPorts),
  row('SHUTDOWN_ENDPOINT_ENABLED', `${proxy.enableShutdownEndpoint}`),
  row('LOG', `${proxy.logLevel}${when(not(equals(proxy.logHTTPHeaders ?? '', 'insecure')), HEADERS_OFF)}`),
  row('LOG_FORMAT', proxy.logFormat),
];

function control(values: InjectorValues, { controlPlaneNamespace, component }: ProxyPlace): EnvVar[] {
  const { proxy, clusterNetworks } = values;
  const streams = { ...DEFAULT_STREAMS, ...proxy.control?.streams };
  const address = (service: string, port: number, owner: string) =>
    component === owner
      ? `localhost.:${port}`
      : `${service}.${controlPlaneNamespace}.svc.${values.clusterDomain}.:${port}`;
  return [
    row('DESTINATION_SVC_ADDR', address('linkerd-dst-headless', 8086, 'linkerd-destination')),
    row('DESTINATION_PROFILE_NETWORKS', clusterNetworks),
    row('POLICY_SVC_ADDR', address('linkerd-policy', 8090, 'linkerd-destination')),
    row('POLICY_WORKLOAD', `{"ns":"$(_pod_ns)", "pod":"$(_pod_name)"${reachable(proxy)}}\n`),
    row('INBOUND_DEFAULT_POLICY', proxy.defaultInboundPolicy),
    row('POLICY_CLUSTER_NETWORKS', clusterNetworks),
    row('CONTROL_STREAM_INITIAL_TIMEOUT', streams.initialTimeout),
    row('CONTROL_STREAM_IDLE_TIMEOUT', streams.idleTimeout),
    row('CONTROL_STREAM_LIFETIME', streams.lifetime),
    ...rowIfSet('INBOUND_CONNECT_TIMEOUT', proxy.inboundConnectTimeout),
    ...rowIfSet('OUTBOUND_CONNECT_TIMEOUT', proxy.outboundConnectTimeout),
    ...rowIfSet('OUTBOUND_DISCOVERY_IDLE_TIMEOUT', proxy.outboundDiscoveryCacheUnusedTimeout),
    ...rowIfSet('INBOUND_DISCOVERY_IDLE_TIMEOUT', proxy.inboundDiscoveryCacheUnusedTimeout),
    ...rowIf(proxy.disableOutboundProtocolDetectTimeout, 'OUTBOUND_DETECT_TIMEOUT', '365d'),
    ...rowIf(proxy.disableInboundProtocolDetectTimeout, 'INBOUND_DETECT_TIMEOUT', '365d'),
  ];
}

/** A gateway says with each question for which Services it wants answers, so that any proxy can be one. */
const reachable = ({ gatewayServices }: InjectorValues['proxy']): string =>
  gatewayServices === undefined ? '' : `, "services":${JSON.stringify(gatewayServices)}`;

function listeners(values: InjectorValues, { podInboundPorts }: ProxyPlace): EnvVar[] {
  const { proxy, disableIPv6, clusterDomain } = values;
  const host = either(disableIPv6, '0.0.0.0', '[::]');
  const { admin, control: tap, inbound, outbound } = proxy.ports;
  const suffix = `svc.${clusterDomain}.`;
  const inboundHttp2 = { ...DEFAULT_HTTP2, ...proxy.inbound?.server?.http2 };
  const outboundHttp2 = { ...DEFAULT_HTTP2, ...proxy.outbound?.server?.http2 };
  return [
    row('CONTROL_LISTEN_ADDR', `${host}:${tap}`),
    row('ADMIN_LISTEN_ADDR', `${host}:${admin}`),
    row('OUTBOUND_LISTEN_ADDR', `127.0.0.1:${outbound}`),
    row('OUTBOUND_LISTEN_ADDRS', `127.0.0.1:${outbound}${when(not(disableIPv6), `,[::1]:${outbound}`)}`),
    row('INBOUND_LISTEN_ADDR', `${host}:${inbound}`),
    row('INBOUND_IPS', { field: 'status.podIPs' }),
    row('INBOUND_PORTS', podInboundPorts),
    ...rowIf(proxy.isGateway, 'INBOUND_GATEWAY_SUFFIXES', suffix),
    ...rowIfSet('INBOUND_TRUSTED_GATEWAYS', proxy.trustedGateways),
    ...rowIf(proxy.isIngress, 'INGRESS_MODE', 'true'),
    row('DESTINATION_PROFILE_SUFFIXES', either(proxy.enableExternalProfiles, '.', suffix)),
    row('INBOUND_ACCEPT_KEEPALIVE', '10000ms'),
    row('OUTBOUND_CONNECT_KEEPALIVE', '10000ms'),
    row('INBOUND_ACCEPT_USER_TIMEOUT', '30s'),
    row('OUTBOUND_CONNECT_USER_TIMEOUT', '30s'),
    row('OUTBOUND_METRICS_HOSTNAME_LABELS', `${proxy.metrics?.hostnameLabels ?? false}`),
    row('INBOUND_SERVER_HTTP2_KEEP_ALIVE_INTERVAL', inboundHttp2.keepAliveInterval),
    row('INBOUND_SERVER_HTTP2_KEEP_ALIVE_TIMEOUT', inboundHttp2.keepAliveTimeout),
    row('OUTBOUND_SERVER_HTTP2_KEEP_ALIVE_INTERVAL', outboundHttp2.keepAliveInterval),
    row('OUTBOUND_SERVER_HTTP2_KEEP_ALIVE_TIMEOUT', outboundHttp2.keepAliveTimeout),
    ...rowIfSet('INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION', proxy.opaquePorts),
  ];
}

function identity(values: InjectorValues, place: ProxyPlace): EnvVar[] {
  const { controlPlaneNamespace: ns, component, anchorsFromConfigMap } = place;
  const domain = `serviceaccount.identity.${ns}.${trustDomainOf(values)}`;
  const address = `linkerd-identity-headless.${ns}.svc.${values.clusterDomain}.:8080`;
  return [
    row(
      'DESTINATION_CONTEXT',
      `{"ns":"$(_pod_ns)", "nodeName":"$(_pod_nodeName)", "pod":"$(_pod_name)"${reachable(values.proxy)}}\n`,
    ),
    row('_pod_sa', { field: 'spec.serviceAccountName' }),
    row('_l5d_ns', ns),
    row('_l5d_trustdomain', trustDomainOf(values)),
    row('IDENTITY_DIR', '/var/run/linkerd/identity/end-entity'),
    row(
      'IDENTITY_TRUST_ANCHORS',
      anchorsFromConfigMap
        ? { configMap: 'linkerd-identity-trust-roots', key: 'ca-bundle.crt' }
        : `${values.identityTrustAnchorsPEM.trim()}\n`,
    ),
    row(
      'IDENTITY_TOKEN_FILE',
      either(
        values.identity.serviceAccountTokenProjection,
        '/var/run/secrets/tokens/linkerd-identity-token',
        '/var/run/secrets/kubernetes.io/serviceaccount/token',
      ),
    ),
    row('IDENTITY_SVC_ADDR', component === 'linkerd-identity' ? 'localhost.:8080' : address),
    row('IDENTITY_LOCAL_NAME', `$(_pod_sa).$(_pod_ns).${domain}`),
    row('IDENTITY_SVC_NAME', `linkerd-identity.${ns}.${domain}`),
    row('DESTINATION_SVC_NAME', `linkerd-destination.${ns}.${domain}`),
    row('POLICY_SVC_NAME', `linkerd-destination.${ns}.${domain}`),
    ...rowIfSet('ACCESS_LOG', values.proxy.accessLog),
    ...rowIfSet('SHUTDOWN_GRACE_PERIOD', values.proxy.shutdownGracePeriod),
  ];
}
