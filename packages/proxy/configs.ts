import type { ProxyConfig } from '#model/proxy-config';
import { type BackoffConfig, defaultServerPolicy, type WatchConfig } from './discover/index.ts';
import { http2ClientSettings, http2ServerSettings } from './http/index.ts';
import type { Credentials } from './identity/index.ts';
import type { InboundConfig, PortPoliciesConfig } from './inbound/index.ts';
import { LIMITS } from './limits.ts';
import type { OutboundConfig } from './outbound/index.ts';

/** Codes after which no stream of the control plane is opened again. */
const TERMINAL = ['INVALID_ARGUMENT', 'FAILED_PRECONDITION'];
/** And those that mean "there is no policy for this address". */
const TERMINAL_OUTBOUND = [...TERMINAL, 'NOT_FOUND', 'UNIMPLEMENTED'];

export function inboundConfig(config: ProxyConfig, directPort: number, ownPorts: ReadonlySet<number>): InboundConfig {
  return {
    ips: config.inboundIps,
    ownPorts,
    directPort,
    trustedGateways: new Set(config.trustedGateways),
    proxyProtocolPorts: new Set(config.proxyProtocolPorts),
    detectTimeoutMs: config.inboundDetectTimeoutMs,
    inFlightMax: config.inboundInFlightMax,
    authorityLabels: config.inboundAuthorityLabels === 'unsafe',
    accept: { keepaliveMs: config.inboundAcceptKeepaliveMs, userTimeoutMs: config.inboundAcceptUserTimeoutMs },
    http2: http2ServerSettings(config, 'inbound'),
    app: {
      connectTimeoutMs: config.inboundConnectTimeoutMs,
      options: { keepaliveMs: config.inboundConnectKeepaliveMs, userTimeoutMs: config.inboundConnectUserTimeoutMs },
      idleConnectionsMax: config.inboundIdleConnectionsMax,
      poolIdleMs: config.inboundPoolIdleMs,
      http2: http2ClientSettings(config, undefined),
      backoff: {
        minMs: config.inboundBackoffMinMs,
        maxMs: config.inboundBackoffMaxMs,
        jitter: config.inboundBackoffJitter,
      },
      failfastMs: config.inboundFailfastMs,
      queueMax: config.inboundQueueCapacity,
    },
    profiles: {
      suffixes: config.profileSuffixes,
      watch: watchConfig(config, config.destination.name, TERMINAL),
      idleMs: config.inboundDiscoveryIdleMs,
      waitMs: config.profileInitialTimeoutMs,
    },
  };
}

export function outboundConfig(config: ProxyConfig, credentials: Credentials): OutboundConfig {
  return {
    detectTimeoutMs: config.outboundDetectTimeoutMs,
    inFlightMax: config.outboundInFlightMax,
    accept: { keepaliveMs: config.outboundAcceptKeepaliveMs, userTimeoutMs: config.outboundAcceptUserTimeoutMs },
    informationalHeaders: config.informationalHeaders,
    ingressMode: config.ingressMode,
    hostnameLabels: config.hostnameLabels,
    http2: http2ServerSettings(config, 'outbound'),
    backends: {
      connectTimeoutMs: config.outboundConnectTimeoutMs,
      options: { keepaliveMs: config.outboundConnectKeepaliveMs, userTimeoutMs: config.outboundConnectUserTimeoutMs },
      localIps: config.inboundIps,
      context: () => credentials.context(),
      idleConnectionsMax: config.outboundIdleConnectionsMax,
      poolIdleMs: config.outboundPoolIdleMs,
      http: { failfastMs: config.outboundHttpFailfastMs, queueMax: config.outboundHttpQueueCapacity },
      tcp: { failfastMs: config.outboundTcpFailfastMs, queueMax: config.outboundTcpQueueCapacity },
      backoff: outboundBackoff(config),
      http2: config,
      zones: config.outboundZoneLoadBand,
      watch: watchConfig(config, config.destination.name, TERMINAL),
      idleMs: config.outboundDiscoveryIdleMs,
      countMax: LIMITS.balancersMax,
    },
    targets: {
      profileNetworks: config.profileNetworks,
      profileSuffixes: config.profileSuffixes,
      profileWatch: watchConfig(config, config.destination.name, TERMINAL),
      policyWatch: watchConfig(config, config.policy.name, TERMINAL_OUTBOUND),
      idleMs: config.outboundDiscoveryIdleMs,
    },
  };
}

export function portPoliciesConfig(config: ProxyConfig): PortPoliciesConfig {
  const opaque = new Set(config.inboundOpaquePorts);
  return {
    fallback: (port) =>
      defaultServerPolicy(config.inboundDefaultPolicy, {
        opaque: opaque.has(port),
        detectTimeoutMs: config.inboundDetectTimeoutMs,
        clusterNetworks: config.clusterNetworks,
      }),
    permanentPorts: config.inboundPorts,
    idleMs: config.inboundDiscoveryIdleMs,
    watch: watchConfig(config, config.policy.name, TERMINAL),
  };
}

/** Limits of streams apply only to control planes elsewhere; one on loopback is not moved away from. */
function watchConfig(config: ProxyConfig, name: string | undefined, terminal: readonly string[]): WatchConfig {
  const connection = outboundBackoff(config);
  const backoff = { ...connection, maxMs: Math.min(connection.maxMs, LIMITS.streamBackoffMsMax) };
  if (name === undefined) return { backoff, terminal };
  return {
    backoff,
    initialTimeoutMs: config.streamInitialTimeoutMs,
    idleTimeoutMs: config.streamIdleTimeoutMs,
    lifetimeMs: config.streamLifetimeMs,
    terminal,
  };
}

function outboundBackoff(config: ProxyConfig): BackoffConfig {
  return {
    minMs: config.outboundBackoffMinMs,
    maxMs: config.outboundBackoffMaxMs,
    jitter: config.outboundBackoffJitter,
  };
}
