import { CONFIG_ROWS, type ConfigRow } from './rows.ts';
import { type HostPort, type Parsed, READERS } from './values.ts';

type Value<R extends ConfigRow> = Exclude<ReturnType<(typeof READERS)[R['type']]>, { error: string }>['value'];
type Always<R extends ConfigRow> = R extends { fallback: string } | { required: true } ? true : false;

/** The proxy's settings: one field a row of the table; rows without fallback may be undefined. */
export type ProxySettings = {
  readonly [K in keyof typeof CONFIG_ROWS]: Always<(typeof CONFIG_ROWS)[K]> extends true
    ? Value<(typeof CONFIG_ROWS)[K]>
    : Value<(typeof CONFIG_ROWS)[K]> | undefined;
};

/** A service of the control plane. Without a name it is on loopback and spoken to in plain text. */
export interface ControlService {
  readonly addr: HostPort;
  readonly name: string | undefined;
}

/** Settings plus what follows from several of them. */
export interface ProxyConfig extends ProxySettings {
  /** Own identity: a DNS name, or a SPIFFE URI. */
  readonly localName: string;
  /** What peers ask for when they want us; the identity where that is a DNS name. */
  readonly serverName: string;
  readonly outboundListeners: readonly HostPort[];
  readonly policy: ControlService;
  readonly destination: ControlService;
  readonly identity: ControlService;
  /** Absent: no tracing. */
  readonly traceCollector: ControlService | undefined;
  readonly informationalHeaders: boolean;
}

export type ConfigResult = { config: ProxyConfig; warnings: string[] } | { errors: string[] };

export const ENV_PREFIX = 'LINKERD2_PROXY_';

/** Name of a row's environment variable. */
export function envName(row: ConfigRow): string {
  return row.bare ? row.env : ENV_PREFIX + row.env;
}

/** Reads all settings; reports every bad one, not only the first. An empty variable counts as unset. */
export function parseProxyConfig(env: Readonly<Record<string, string | undefined>>): ConfigResult {
  const errors: string[] = [];
  const warnings: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [field, row] of Object.entries(CONFIG_ROWS) as [string, ConfigRow][]) {
    const seen = env[envName(row)];
    const text = seen === undefined || seen === '' ? row.fallback : seen;
    if (text === undefined) {
      if (row.required) errors.push(`${envName(row)} must be set`);
      continue;
    }
    const parsed: Parsed<unknown> = READERS[row.type](text);
    if ('value' in parsed) values[field] = parsed.value;
    else if (!row.lenient) errors.push(`${envName(row)} ${parsed.error}; ${byDefault(row)}`);
    else {
      warnings.push(`${envName(row)} ${parsed.error}; using the default, which is ${row.fallback ?? 'none'}`);
      if (row.fallback !== undefined) values[field] = (READERS[row.type](row.fallback) as { value: unknown }).value;
    }
  }
  const settings = values as unknown as ProxySettings;
  if (errors.length === 0) errors.push(...checkTogether(settings));
  return errors.length > 0 ? { errors } : { config: complete(settings), warnings };
}

/** What to do about a bad value. */
function byDefault(row: ConfigRow): string {
  if (row.required) return 'it has no default';
  return row.fallback === undefined || row.fallback === ''
    ? 'unset it to do without'
    : `the default is ${row.fallback}`;
}

const LOOPBACK = /^(localhost\.?|127\.\d+\.\d+\.\d+|::1)$/;

/** Whether a host is this machine's loopback: control-plane services there are spoken to in plain text. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** What no single variable can get wrong. */
function checkTogether(settings: ProxySettings): string[] {
  const errors: string[] = [];
  const { identityDisabled, identityLocalName, identityServerId, identityServerName } = settings;
  if (identityDisabled !== undefined)
    errors.push(`${ENV_PREFIX}IDENTITY_DISABLED is no longer supported: identity cannot be switched off; unset it`);
  if (identityLocalName === undefined && identityServerId === undefined)
    errors.push(`${ENV_PREFIX}IDENTITY_LOCAL_NAME must be set`);
  const isUri = identityServerId?.includes('://') ?? false;
  if (isUri && identityServerName === undefined)
    errors.push(`${ENV_PREFIX}IDENTITY_SERVER_NAME must be set, because ${ENV_PREFIX}IDENTITY_SERVER_ID is a URI`);
  if (!isUri && identityServerName !== undefined && identityServerName !== identityServerId)
    errors.push(`${ENV_PREFIX}IDENTITY_SERVER_NAME must equal ${ENV_PREFIX}IDENTITY_SERVER_ID, unless that is a URI`);
  for (const side of ['inbound', 'outbound'] as const) {
    const prefix = `${ENV_PREFIX}${side.toUpperCase()}_SERVER_HTTP2_`;
    if (
      (settings[`${side}Http2KeepAliveIntervalMs`] === undefined) !==
      (settings[`${side}Http2KeepAliveTimeoutMs`] === undefined)
    )
      errors.push(`${prefix}KEEP_ALIVE_INTERVAL and ${prefix}KEEP_ALIVE_TIMEOUT must be set together`);
    if (
      (settings[`${side}Http2StreamWindow`] === undefined) !==
      (settings[`${side}Http2ConnectionWindow`] === undefined)
    )
      errors.push(
        `${prefix}INITIAL_STREAM_WINDOW_SIZE and ${prefix}INITIAL_CONNECTION_WINDOW_SIZE must be set together`,
      );
  }
  for (const service of ['policy', 'destination', 'identity'] as const) {
    if (isLoopback(settings[`${service}Addr`].host) || settings[`${service}Name`] !== undefined) continue;
    errors.push(`${ENV_PREFIX}${service.toUpperCase()}_SVC_NAME must be set, because the address is not on loopback`);
  }
  const { traceCollectorAddr, traceCollectorName, dnsMinTtlMs, dnsMaxTtlMs } = settings;
  if (traceCollectorAddr && !isLoopback(traceCollectorAddr.host) && traceCollectorName === undefined)
    errors.push(`${ENV_PREFIX}TRACE_COLLECTOR_SVC_NAME must be set, because the address is not on loopback`);
  if (dnsMinTtlMs !== undefined && dnsMaxTtlMs !== undefined && dnsMinTtlMs > dnsMaxTtlMs)
    errors.push(`${ENV_PREFIX}DNS_MIN_TTL must not be above ${ENV_PREFIX}DNS_MAX_TTL`);
  if ((settings.outboundListens?.length ?? 0) > 2)
    errors.push(`${ENV_PREFIX}OUTBOUND_LISTEN_ADDRS must hold at most one IPv4 and one IPv6 address`);
  if (/^(cluster-|audit)/.test(settings.inboundDefaultPolicy) && settings.clusterNetworks.length === 0)
    errors.push(
      `${ENV_PREFIX}POLICY_CLUSTER_NETWORKS must be set, because the default policy is ${settings.inboundDefaultPolicy}`,
    );
  if (!settings.trustAnchors.includes('-----BEGIN CERTIFICATE-----'))
    errors.push(`${ENV_PREFIX}IDENTITY_TRUST_ANCHORS must hold at least one PEM certificate`);
  return errors;
}

function complete(settings: ProxySettings): ProxyConfig {
  const service = (addr: HostPort, name: string | undefined): ControlService => ({
    addr,
    name: isLoopback(addr.host) ? undefined : name,
  });
  const localName = settings.identityServerId ?? settings.identityLocalName ?? '';
  return {
    ...settings,
    trustedGateways: settings.trustedGateways.map((text) => identityLike(localName, text)),
    localName,
    serverName: settings.identityServerName ?? settings.identityServerId ?? settings.identityLocalName ?? '',
    outboundListeners: settings.outboundListens?.length ? settings.outboundListens : [settings.outboundListen],
    policy: service(settings.policyAddr, settings.policyName),
    destination: service(settings.destinationAddr, settings.destinationName),
    identity: service(settings.identityAddr, settings.identityName),
    traceCollector: settings.traceCollectorAddr && service(settings.traceCollectorAddr, settings.traceCollectorName),
    informationalHeaders: !(settings.disableInformationalHeaders ?? settings.ingressMode),
  };
}

const OF_ACCOUNTS = '.serviceaccount.identity.';

/** The identity of a service account `name.namespace` in the mesh that `own` is an identity of; a whole identity stays what it is. */
function identityLike(own: string, text: string): string {
  if (text.includes(OF_ACCOUNTS) || text.includes('://')) return text;
  const at = own.indexOf(OF_ACCOUNTS);
  return at < 0 ? text : text + own.slice(at);
}
