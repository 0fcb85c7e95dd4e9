/** The proxy's environment: every variable in the chart's order. A row without value is left out. */
import type { EnvVar } from '#api/kube';
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

type Row = readonly [name: string, value: string | { field: string } | { configMap: string; key: string } | undefined];

const PREFIX = 'LINKERD2_PROXY_';
const DEFAULT_STREAMS = { initialTimeout: '3s', idleTimeout: '5m', lifetime: '1h' };
const DEFAULT_HTTP2 = { keepAliveInterval: '10s', keepAliveTimeout: '3s' };
const HEADERS_OFF = ',[{headers}]=off,[{request}]=off';

/** The variables of one proxy. */
export function proxyEnv(values: InjectorValues, place: ProxyPlace): EnvVar[] {
  const rows = [
    ...self(),
    ...workers(values),
    ...ports(values),
    ...control(values, place),
    ...listeners(values, place),
    ...identity(values, place),
  ];
  const env = rows.flatMap(([name, value]) => (value === undefined ? [] : [toEnv(name, value)]));
  return [...env, ...(values.proxy.additionalEnv ?? []), ...(values.proxy.experimentalEnv ?? [])];
}

function toEnv(name: string, value: NonNullable<Row[1]>): EnvVar {
  const full = name.startsWith('_') ? name : PREFIX + name;
  if (typeof value === 'string') return { name: full, value };
  if ('field' in value) return { name: full, valueFrom: { fieldRef: { fieldPath: value.field } } };
  return { name: full, valueFrom: { configMapKeyRef: { name: value.configMap, key: value.key } } };
}

const set = (text: string | undefined) => text || undefined;

const self = (): Row[] => [
  ['_pod_name', { field: 'metadata.name' }],
  ['_pod_ns', { field: 'metadata.namespace' }],
  ['_pod_uid', { field: 'metadata.uid' }],
  ['_pod_ip', { field: 'status.podIP' }],
  ['_pod_nodeName', { field: 'spec.nodeName' }],
  ['_pod_containerName', 'linkerd-proxy'],
];

function workers({ proxy }: InjectorValues): Row[] {
  if (proxy.cores)
    return [
      ['CORES', `${proxy.cores}`],
      ['CORES_MIN', `${proxy.cores}`],
    ];
  const { minimum = 1, maximum, maximumCPURatio } = proxy.runtime?.workers ?? {};
  return [
    ['CORES', `${minimum}`],
    ['CORES_MIN', `${minimum}`],
    ['CORES_MAX', maximum ? `${maximum}` : undefined],
    ['CORES_MAX_RATIO', maximumCPURatio ? `${maximumCPURatio}` : undefined],
  ];
}

const ports = ({ proxy }: InjectorValues): Row[] => [
  ['INBOUND_PORTS_REQUIRE_IDENTITY', set(proxy.requireIdentityOnInboundPorts)],
  ['INBOUND_PORTS_REQUIRE_TLS', set(proxy.requireTLSOnInboundPorts)],
  ['SHUTDOWN_ENDPOINT_ENABLED', String(proxy.enableShutdownEndpoint)],
  ['LOG', proxy.logLevel + (proxy.logHTTPHeaders === 'insecure' ? '' : HEADERS_OFF)],
  ['LOG_FORMAT', proxy.logFormat],
];

function control(values: InjectorValues, { controlPlaneNamespace, component }: ProxyPlace): Row[] {
  const { proxy, clusterNetworks } = values;
  const streams = { ...DEFAULT_STREAMS, ...proxy.control?.streams };
  const address = (service: string, port: number, owner: string) =>
    component === owner
      ? `localhost.:${port}`
      : `${service}.${controlPlaneNamespace}.svc.${values.clusterDomain}.:${port}`;
  return [
    ['DESTINATION_SVC_ADDR', address('linkerd-dst-headless', 8086, 'linkerd-destination')],
    ['DESTINATION_PROFILE_NETWORKS', clusterNetworks],
    ['POLICY_SVC_ADDR', address('linkerd-policy', 8090, 'linkerd-destination')],
    ['POLICY_WORKLOAD', '{"ns":"$(_pod_ns)", "pod":"$(_pod_name)"}\n'],
    ['INBOUND_DEFAULT_POLICY', proxy.defaultInboundPolicy],
    ['POLICY_CLUSTER_NETWORKS', clusterNetworks],
    ['CONTROL_STREAM_INITIAL_TIMEOUT', streams.initialTimeout],
    ['CONTROL_STREAM_IDLE_TIMEOUT', streams.idleTimeout],
    ['CONTROL_STREAM_LIFETIME', streams.lifetime],
    ['INBOUND_CONNECT_TIMEOUT', set(proxy.inboundConnectTimeout)],
    ['OUTBOUND_CONNECT_TIMEOUT', set(proxy.outboundConnectTimeout)],
    ['OUTBOUND_DISCOVERY_IDLE_TIMEOUT', set(proxy.outboundDiscoveryCacheUnusedTimeout)],
    ['INBOUND_DISCOVERY_IDLE_TIMEOUT', set(proxy.inboundDiscoveryCacheUnusedTimeout)],
    ['OUTBOUND_DETECT_TIMEOUT', proxy.disableOutboundProtocolDetectTimeout ? '365d' : undefined],
    ['INBOUND_DETECT_TIMEOUT', proxy.disableInboundProtocolDetectTimeout ? '365d' : undefined],
  ];
}

function listeners(values: InjectorValues, { podInboundPorts }: ProxyPlace): Row[] {
  const { proxy, disableIPv6, clusterDomain } = values;
  const any = disableIPv6 ? '0.0.0.0' : '[::]';
  const { admin, control: tap, inbound, outbound } = proxy.ports;
  const suffix = `svc.${clusterDomain}.`;
  const inboundHttp2 = { ...DEFAULT_HTTP2, ...proxy.inbound?.server?.http2 };
  const outboundHttp2 = { ...DEFAULT_HTTP2, ...proxy.outbound?.server?.http2 };
  return [
    ['CONTROL_LISTEN_ADDR', `${any}:${tap}`],
    ['ADMIN_LISTEN_ADDR', `${any}:${admin}`],
    ['OUTBOUND_LISTEN_ADDR', `127.0.0.1:${outbound}`],
    ['OUTBOUND_LISTEN_ADDRS', `127.0.0.1:${outbound}${disableIPv6 ? '' : `,[::1]:${outbound}`}`],
    ['INBOUND_LISTEN_ADDR', `${any}:${inbound}`],
    ['INBOUND_IPS', { field: 'status.podIPs' }],
    ['INBOUND_PORTS', podInboundPorts],
    ['INBOUND_GATEWAY_SUFFIXES', proxy.isGateway ? suffix : undefined],
    ['INGRESS_MODE', proxy.isIngress ? 'true' : undefined],
    ['DESTINATION_PROFILE_SUFFIXES', proxy.enableExternalProfiles ? '.' : suffix],
    ['INBOUND_ACCEPT_KEEPALIVE', '10000ms'],
    ['OUTBOUND_CONNECT_KEEPALIVE', '10000ms'],
    ['INBOUND_ACCEPT_USER_TIMEOUT', '30s'],
    ['OUTBOUND_CONNECT_USER_TIMEOUT', '30s'],
    ['OUTBOUND_METRICS_HOSTNAME_LABELS', String(proxy.metrics?.hostnameLabels ?? false)],
    ['INBOUND_SERVER_HTTP2_KEEP_ALIVE_INTERVAL', inboundHttp2.keepAliveInterval],
    ['INBOUND_SERVER_HTTP2_KEEP_ALIVE_TIMEOUT', inboundHttp2.keepAliveTimeout],
    ['OUTBOUND_SERVER_HTTP2_KEEP_ALIVE_INTERVAL', outboundHttp2.keepAliveInterval],
    ['OUTBOUND_SERVER_HTTP2_KEEP_ALIVE_TIMEOUT', outboundHttp2.keepAliveTimeout],
    ['INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION', set(proxy.opaquePorts)],
  ];
}

function identity(values: InjectorValues, place: ProxyPlace): Row[] {
  const { controlPlaneNamespace: ns, component, anchorsFromConfigMap } = place;
  const domain = `serviceaccount.identity.${ns}.${trustDomainOf(values)}`;
  const address = `linkerd-identity-headless.${ns}.svc.${values.clusterDomain}.:8080`;
  return [
    ['DESTINATION_CONTEXT', '{"ns":"$(_pod_ns)", "nodeName":"$(_pod_nodeName)", "pod":"$(_pod_name)"}\n'],
    ['_pod_sa', { field: 'spec.serviceAccountName' }],
    ['_l5d_ns', ns],
    ['_l5d_trustdomain', trustDomainOf(values)],
    ['IDENTITY_DIR', '/var/run/linkerd/identity/end-entity'],
    [
      'IDENTITY_TRUST_ANCHORS',
      anchorsFromConfigMap
        ? { configMap: 'linkerd-identity-trust-roots', key: 'ca-bundle.crt' }
        : `${values.identityTrustAnchorsPEM.trim()}\n`,
    ],
    [
      'IDENTITY_TOKEN_FILE',
      values.identity.serviceAccountTokenProjection
        ? '/var/run/secrets/tokens/linkerd-identity-token'
        : '/var/run/secrets/kubernetes.io/serviceaccount/token',
    ],
    ['IDENTITY_SVC_ADDR', component === 'linkerd-identity' ? 'localhost.:8080' : address],
    ['IDENTITY_LOCAL_NAME', `$(_pod_sa).$(_pod_ns).${domain}`],
    ['IDENTITY_SVC_NAME', `linkerd-identity.${ns}.${domain}`],
    ['DESTINATION_SVC_NAME', `linkerd-destination.${ns}.${domain}`],
    ['POLICY_SVC_NAME', `linkerd-destination.${ns}.${domain}`],
    ['ACCESS_LOG', set(values.proxy.accessLog)],
    ['SHUTDOWN_GRACE_PERIOD', set(values.proxy.shutdownGracePeriod)],
  ];
}
