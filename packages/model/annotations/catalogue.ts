/**
 * Every annotation that changes how a workload is injected, as rows. Reference pages, the injector, its metrics and the
 * command line read this table.
 */
import { parseAccessLogFormat } from '../access-log/index.ts';
import { DEFAULT_POLICIES, parseDefaultPolicy } from '../policy/index.ts';
import {
  parseBool,
  parseGoDuration,
  parseInteger,
  parsePort,
  parseQuantity,
  parseSwitch,
  parseText,
} from './go-values.ts';
import { parsePortList } from './port-set.ts';

/** One annotation. */
export interface AnnotationRow<T = unknown> {
  key: string;
  /** Whether pods take it over from their namespace when they have none of their own. */
  inherited: boolean;
  /** The value, or undefined when the text is none. */
  parse(text: string): T | undefined;
  /** What a value looks like, to complete "expected …". */
  expects: string;
  doc: string;
}

const CONFIG = 'config.linkerd.io/';
const ALPHA = 'config.alpha.linkerd.io/';
const BETA = 'config.beta.linkerd.io/';

type Kind<T> = Pick<AnnotationRow<T>, 'parse' | 'expects'>;
const text: Kind<string> = { parse: parseText, expects: 'a text' };
const bool: Kind<boolean> = { parse: parseBool, expects: 'true or false' };
const toggle: Kind<boolean> = { parse: parseSwitch, expects: 'enabled or disabled' };
const port: Kind<number> = { parse: parsePort, expects: 'a port from 0 to 65535' };
const integer: Kind<number> = { parse: parseInteger, expects: 'a whole number' };
const durationMs: Kind<number> = { parse: parseGoDuration, expects: 'a duration such as 500ms or 1m30s' };
const oneOf = <const T extends string>(...values: T[]): Kind<T> => ({
  parse: (value) => values.find((each) => each === value),
  expects: `one of ${values.map((each) => `"${each}"`).join(', ')}`,
});
/** Kept as text: names of ports are resolved where the pod is known. */
const ports: Kind<string> = {
  parse: (value) => (parsePortList(value) ? value : undefined),
  expects: 'a list of ports, ranges a-b or port names, such as 25,3000-3010,sql',
};
const quantity: Kind<string> = {
  parse: (value) => ((parseQuantity(value) ?? -1) >= 0 ? value : undefined),
  expects: 'a quantity such as 100m or 64Mi',
};
const fraction: Kind<number> = {
  parse: (value) => {
    const number = Number(value);
    return value.trim() !== '' && number > 0 && number < 1 ? number : undefined;
  },
  expects: 'a number between 0 and 1',
};
const networks: Kind<string> = {
  parse: (value) => (/^[0-9a-fA-F.:/,\s]*$/.test(value) ? value : undefined),
  expects: 'a list of networks such as 10.0.0.0/8,192.168.1.0/24',
};
/** Kept as text: the proxy reads it. */
const accessLog: Kind<string> = {
  parse: (value) => ('value' in parseAccessLogFormat(value) ? value : undefined),
  expects: 'apache, json, or a format such as "%START_TIME% %REQ(:METHOD)% %RESPONSE_CODE%"',
};
/** A JSON list of container environment variables. */
const envVars: Kind<readonly { name: string }[]> = {
  parse: (value) => {
    try {
      const list: unknown = JSON.parse(value);
      return Array.isArray(list) && list.every((each) => typeof each?.name === 'string') ? list : undefined;
    } catch {
      return undefined; // reported by the caller, with what was expected
    }
  },
  expects: 'a JSON list such as [{"name":"A","value":"b"}]',
};

/** Declares a row; `own` rows are not inherited. */
const row = <T>(key: string, kind: Kind<T>, doc: string, own?: 'own'): AnnotationRow<T> => ({
  key: key.includes('/') ? key : CONFIG + key,
  inherited: own === undefined,
  ...kind,
  doc,
});

export const ANNOTATIONS = {
  inject: row(
    'linkerd.io/inject',
    oneOf('enabled', 'disabled', 'ingress'),
    'Whether pods get a proxy; with `ingress`, one that routes by the header l5d-dst-override.',
  ),
  proxyImage: row('proxy-image', text, 'Image of the proxy and of the init container.'),
  proxyVersion: row('proxy-version', text, 'Tag of that image.'),
  imagePullPolicy: row('image-pull-policy', oneOf('Always', 'IfNotPresent', 'Never'), 'Pull policy of that image.'),
  controlPort: row('control-port', port, 'Port of tap.'),
  adminPort: row('admin-port', port, 'Port of probes and metrics of the proxy.'),
  inboundPort: row('inbound-port', port, 'Port to which inbound connections are redirected.'),
  outboundPort: row('outbound-port', port, 'Port to which outbound connections are redirected.'),
  podInboundPorts: row('pod-inbound-ports', ports, 'Always replaced by the ports that the pod declares.'),
  skipInboundPorts: row('skip-inbound-ports', ports, 'Inbound ports that bypass the proxy.'),
  skipOutboundPorts: row('skip-outbound-ports', ports, 'Outbound ports that bypass the proxy.'),
  skipSubnets: row('skip-subnets', networks, 'Peers whose inbound connections bypass the proxy.'),
  opaquePorts: row('opaque-ports', ports, 'Ports whose connections are carried as bytes, without detection.'),
  proxyCpuRequest: row('proxy-cpu-request', quantity, 'CPU request of the proxy; also its least number of workers.'),
  proxyCpuLimit: row('proxy-cpu-limit', quantity, 'CPU limit of the proxy; also its greatest number of workers.'),
  proxyCpuRatioLimit: row('proxy-cpu-ratio-limit', fraction, "Share of the node's cores to use at most.", 'own'),
  proxyMemoryRequest: row('proxy-memory-request', quantity, 'Memory request of the proxy.'),
  proxyMemoryLimit: row('proxy-memory-limit', quantity, 'Memory limit of the proxy.'),
  proxyEphemeralStorageRequest: row('proxy-ephemeral-storage-request', quantity, 'Disk request of the proxy.'),
  proxyEphemeralStorageLimit: row('proxy-ephemeral-storage-limit', quantity, 'Disk limit of the proxy.'),
  proxyUid: row('proxy-uid', integer, 'User id of the proxy.'),
  proxyGid: row('proxy-gid', integer, 'Group id of the proxy.'),
  proxyLogLevel: row('proxy-log-level', text, 'Log filter of the proxy, such as warn,linkerd=info.'),
  proxyLogFormat: row('proxy-log-format', oneOf('plain', 'json'), 'Log format of the proxy.'),
  proxyLogHttpHeaders: row(
    'proxy-log-http-headers',
    {
      parse: (value: string) => (value === 'insecure' || value === 'off' || value === '' ? value : undefined),
      expects: '"off" or "insecure"',
    },
    'Whether debug logs may hold HTTP headers: `insecure` or `off`.',
  ),
  accessLog: row('access-log', accessLog, 'Writes a line per request to standard error.'),
  enableExternalProfiles: row('enable-external-profiles', bool, 'Looks up profiles of names outside the cluster.'),
  proxyRequireIdentityInboundPorts: row(
    'proxy-require-identity-inbound-ports',
    ports,
    'Ports that admit only clients with a mesh identity.',
  ),
  proxyMetricsHostnameLabels: row(
    'proxy-metrics-hostname-labels',
    bool,
    'Labels outbound HTTP metrics with the host name of requests.',
  ),
  proxyOutboundConnectTimeout: row('proxy-outbound-connect-timeout', durationMs, 'Of connections to other pods.'),
  proxyInboundConnectTimeout: row('proxy-inbound-connect-timeout', durationMs, 'Of connections to the application.'),
  proxyOutboundDiscoveryCacheUnusedTimeout: row(
    'proxy-outbound-discovery-cache-unused-timeout',
    durationMs,
    'How long an unused destination stays known.',
  ),
  proxyInboundDiscoveryCacheUnusedTimeout: row(
    'proxy-inbound-discovery-cache-unused-timeout',
    durationMs,
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
    { parse: parseDefaultPolicy, expects: `one of ${Object.keys(DEFAULT_POLICIES).join(', ')}` },
    'Who may connect to ports that no Server selects.',
  ),
  shutdownGracePeriod: row('shutdown-grace-period', durationMs, 'How long open connections may go on at shutdown.'),
  proxyAdminShutdown: row('proxy-admin-shutdown', toggle, 'Lets POST /shutdown on the admin port end the proxy.'),
  nativeSidecar: row('proxy-enable-native-sidecar', bool, 'Runs the proxy as an init container that restarts.'),
  nativeSidecarBeta: row(`${BETA}proxy-enable-native-sidecar`, bool, 'Former key of the same.', 'own'),
  nativeSidecarAlpha: row(`${ALPHA}proxy-enable-native-sidecar`, bool, 'Former key of the same.'),
  waitBeforeExitSeconds: row(
    `${ALPHA}proxy-wait-before-exit-seconds`,
    integer,
    'Delays the end of a proxy that is no native sidecar.',
  ),
  proxyAdditionalEnv: row('proxy-additional-env', envVars, 'More environment variables for the proxy.'),
  enableGateway: row('enable-gateway', bool, 'Makes the pod a gateway for other clusters.', 'own'),
  enableDebugSidecar: row('enable-debug-sidecar', bool, 'Adds a container with network tools.'),
  debugImage: row('debug-image', text, 'Image of that container.', 'own'),
  debugImageVersion: row('debug-image-version', text, 'Its tag.', 'own'),
  debugImagePullPolicy: row(
    'debug-image-pull-policy',
    oneOf('Always', 'IfNotPresent', 'Never'),
    'Its pull policy.',
    'own',
  ),
  closeWaitTimeout: row(
    'close-wait-timeout',
    durationMs,
    'Sets nf_conntrack_tcp_timeout_close_wait in the pod.',
    'own',
  ),
} as const satisfies Record<string, AnnotationRow>;

export type AnnotationName = keyof typeof ANNOTATIONS;
/** The values of a workload's annotations; absent where not set or malformed. */
export type AnnotationValues = {
  readonly [N in AnnotationName]?: NonNullable<ReturnType<(typeof ANNOTATIONS)[N]['parse']>>;
};

/** An annotation whose value could not be read; it counts as not set. */
export interface BadAnnotation {
  key: string;
  value: string;
  /** A sentence for the operator. */
  message: string;
}

/** Reads all annotations that the table knows. Others are not looked at. */
export function readAnnotations(annotations: Readonly<Record<string, string>>): {
  values: AnnotationValues;
  bad: BadAnnotation[];
} {
  const values: Record<string, unknown> = {};
  const bad: BadAnnotation[] = [];
  for (const [name, entry] of Object.entries<AnnotationRow>(ANNOTATIONS)) {
    const value = annotations[entry.key];
    if (value === undefined) continue;
    const parsed = entry.parse(value);
    if (parsed !== undefined) values[name] = parsed;
    else
      bad.push({ key: entry.key, value, message: `${entry.key}: expected ${entry.expects}, got "${value}"; ignored` });
  }
  return { values: values as AnnotationValues, bad };
}
