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
 * header when it says so; through a gateway by name; else with TLS on its own port.
 */
export function dialTarget(endpoint: EndpointInfo, protocol: 'http' | 'tcp', config: DialTargetConfig): DialTarget {
  const common = { timeoutMs: config.connectTimeoutMs, options: config.options };
  const own = { ...common, host: endpoint.ip, port: endpoint.port };
  if (!endpoint.tls || config.localIps.includes(endpoint.ip)) return own;
  const { identity, serverName } = endpoint.tls;
  const tls = { context: config.context, identity, serverName };
  const session = protocol === 'http' && !endpoint.opaque ? ('http/1' as const) : undefined;
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

/** The same decision as labels. */
export function endpointTls(endpoint: EndpointInfo, localIps: readonly string[]): TlsLabels {
  if (localIps.includes(endpoint.ip)) return { tls: 'no_identity', no_tls_reason: 'loopback' };
  if (!endpoint.tls) return { tls: 'no_identity', no_tls_reason: 'not_provided_by_service_discovery' };
  return { tls: 'true', server_id: endpoint.tls.identity };
}
