import type { SecureContext } from 'node:tls';
import type { KeepaliveOptions } from '#runtime/net';
import type { DialTarget } from '../dial/index.ts';
import type { EndpointInfo } from '../discover/index.ts';
import type { TlsLabels } from '../telemetry/index.ts';

export interface DialTargetConfig {
  readonly connectTimeoutMs: number;
  readonly options: KeepaliveOptions;
  /** Own addresses: traffic to them stays inside the pod, in plain text. */
  readonly localIps: readonly string[];
  readonly context: () => SecureContext;
}

/**
 * How to reach an endpoint: in plain text when it is not meshed or is this pod; through its proxy's port with a transport
 * header when it says so; through a gateway by name; else with TLS on its own port. `protocol`: what the connection will carry.
 */
export function dialTarget(
  endpoint: EndpointInfo,
  protocol: 'http/1' | 'http/2' | 'tcp',
  config: DialTargetConfig,
): DialTarget {
  const common = { timeoutMs: config.connectTimeoutMs, options: config.options };
  const own = { ...common, host: endpoint.ip, port: endpoint.port };
  const tls = serverTls(endpoint, config);
  if (!tls) return own;
  const session = protocol === 'tcp' || endpoint.opaque ? undefined : protocol;
  const override = endpoint.authorityOverride;
  if (override?.port !== undefined)
    return { ...own, tls, header: { port: override.port, name: override.host, session } };
  if (endpoint.inboundPort === undefined) return { ...own, tls };
  return {
    ...common,
    host: endpoint.ip,
    port: endpoint.inboundPort,
    tls,
    header: { port: endpoint.port, name: '', session },
  };
}

/** The identity that the server must prove; undefined: the connection is plain text. */
export function serverIdentity(endpoint: EndpointInfo, localIps: readonly string[]): string | undefined {
  return localIps.includes(endpoint.ip) ? undefined : endpoint.tls?.identity;
}

/** The same decision as labels. */
export function endpointTls(endpoint: EndpointInfo, localIps: readonly string[]): TlsLabels {
  if (localIps.includes(endpoint.ip)) return { tls: 'no_identity', no_tls_reason: 'loopback' };
  if (!endpoint.tls) return { tls: 'no_identity', no_tls_reason: 'not_provided_by_service_discovery' };
  return { tls: 'true', server_id: endpoint.tls.identity };
}

function serverTls(endpoint: EndpointInfo, { localIps, context }: DialTargetConfig): DialTarget['tls'] {
  if (!endpoint.tls || localIps.includes(endpoint.ip)) return undefined;
  return { context, identity: endpoint.tls.identity, serverName: endpoint.tls.serverName };
}
