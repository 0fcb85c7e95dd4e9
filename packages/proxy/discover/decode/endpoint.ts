import { decodeIp, type destination } from '#api/mesh';
import type { EndpointInfo, Http2Params, Meta } from '../types.ts';
import { durationMs } from './values.ts';

/** Value on the wire of a weight of 1. */
const WEIGHT_ONE = 10_000;

/** Undefined when the address is missing: such an endpoint is left out. */
export function decodeEndpoint(
  addr: destination.WeightedAddr,
  setLabels: Readonly<Record<string, string>> = {},
): EndpointInfo | undefined {
  const ip = decodeIp(addr.addr?.ip);
  if (ip === undefined || !addr.addr) return undefined;
  const hint = addr.protocolHint;
  const inboundPort = hint?.opaqueTransport?.inboundPort ?? 0;
  const labels = { ...setLabels, ...addr.metricLabels };
  return {
    ip,
    port: addr.addr.port & 0xffff,
    tls: decodeTls(addr.tlsIdentity),
    h2: hint?.protocol.case === 'h2',
    opaque: hint?.protocol.case === 'opaque',
    inboundPort: inboundPort >= 1 && inboundPort <= 65_534 ? inboundPort : undefined,
    authorityOverride: decodeAuthority(addr.authorityOverride?.authorityOverride ?? ''),
    labels,
    weight: addr.weight === 0 ? 1 : addr.weight / WEIGHT_ONE,
    zone: labels['zone'] ?? '',
    locality: decodeLocality(labels['zone_locality']),
    priority: addr.priority,
    http2: addr.http2 && decodeHttp2(addr.http2),
    resource: decodeResource(addr.resourceRef),
  };
}

/** Names that cannot be used mean plain text, as in Linkerd. */
function decodeTls(identity: destination.TlsIdentity | undefined): EndpointInfo['tls'] {
  const serverName = identity?.serverName?.name;
  if (identity?.strategy.case === 'dnsLikeIdentity') {
    const { name } = identity.strategy.value;
    return isDnsName(name) ? { identity: name, serverName: serverName || name } : undefined;
  }
  if (identity?.strategy.case !== 'uriLikeIdentity' || !serverName) return undefined;
  const { uri } = identity.strategy.value;
  return uri.includes('://') ? { identity: uri, serverName } : undefined;
}

function isDnsName(name: string): boolean {
  return name !== '' && !name.endsWith('.') && /^[A-Za-z0-9._-]+$/.test(name);
}

/** `name`, `name:port` or with an IPv6 address in brackets; anything else is none. */
function decodeAuthority(authority: string): EndpointInfo['authorityOverride'] {
  const match = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?$/.exec(authority);
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  if (!match || (port !== undefined && (port < 1 || port > 65_535))) return undefined;
  return { authority, host: match[1] ?? '', port };
}

function decodeLocality(text: string | undefined): EndpointInfo['locality'] {
  const locality = text?.toLowerCase();
  return locality === 'local' || locality === 'remote' ? locality : 'unknown';
}

/** Each part overrides the proxy's default on its own; half of a pair is none. */
function decodeHttp2({ flowControl, keepAlive, internals }: destination.Http2ClientParams): Http2Params {
  const { initialConnectionWindowSize: connection = 0, initialStreamWindowSize: stream = 0 } = flowControl ?? {};
  const { interval, timeout, whileIdle = false } = keepAlive ?? {};
  return {
    keepAlive:
      interval && timeout ? { intervalMs: durationMs(interval), timeoutMs: durationMs(timeout), whileIdle } : undefined,
    windows: connection > 0 && stream > 0 ? { connection, stream } : undefined,
    adaptiveWindows: flowControl?.adaptiveFlowControl ?? false,
    maxFrameSize: internals?.maxFrameSize || undefined,
    maxConcurrentResetStreams: internals?.maxConcurrentResetStreams || undefined,
    maxSendBufBytes: internals?.maxSendBufSize || undefined,
  };
}

/** Only names things; what is half made is not worth losing an endpoint. */
function decodeResource(ref: destination.WeightedAddr['resourceRef']): Meta | undefined {
  if (ref?.kind.case !== 'resource') return undefined;
  const { group, kind, name, namespace, section, port } = ref.kind.value;
  return { group, kind, name, namespace, section, port };
}
