import type { RequestHead } from '#wire/fields';
import { parseIp } from '../discover/index.ts';
import type { Exchange } from '../http/index.ts';
import { type EndpointLabels, EndpointScope, ProfileRouteScope } from '../telemetry/index.ts';

type Labels = Readonly<Record<string, string>>;

/** One request as tap sees it: who, whereto, and what is known of both. */
export interface Subject {
  readonly direction: 'inbound' | 'outbound';
  readonly request: RequestHead;
  readonly source: Peer;
  readonly destination: Peer;
  /** Of the profile route that the request took. */
  readonly routeLabels: Labels;
}

export interface Peer {
  readonly ip: string;
  readonly port: number;
  readonly labels: Labels;
}

/** The address as 16 bytes, to compare with networks; undefined: it is none. */
export function bytesOf({ ip }: Peer): Uint8Array | undefined {
  return parseIp(ip);
}

/** What a request that got its connection is to tap. */
export function subjectOf(exchange: Exchange, direction: 'inbound' | 'outbound'): Subject {
  const { client, request, scopes } = exchange;
  const endpoint = scopes.find((scope) => scope instanceof EndpointScope)?.labels;
  const route = scopes.find((scope) => scope instanceof ProfileRouteScope)?.labels;
  const isInbound = direction === 'inbound';
  const { tls } = client;
  const clientTls: Labels =
    tls.tls === 'true'
      ? { tls: 'true', client_id: tls.client_id ?? '' }
      : { tls: tls.tls === 'opaque' ? 'opaque' : tls.no_tls_reason };
  return {
    direction,
    request,
    source: { ip: client.ip, port: client.port, labels: clientTls },
    destination: isInbound
      ? { ip: client.dst.ip, port: client.dst.port, labels: LOOPBACK }
      : {
          ip: endpoint?.target_ip ?? client.dst.ip,
          port: Number(endpoint?.target_port ?? client.dst.port),
          labels: endpointLabels(endpoint),
        },
    routeLabels: route ? withoutPrefix(route, 'rt_') : NONE,
  };
}

const NONE: Labels = {};
const LOOPBACK: Labels = { tls: 'loopback' };

/** Labels of discovery by their own names, and how the connection is secured. */
function endpointLabels(endpoint: EndpointLabels | undefined): Labels {
  if (!endpoint) return NONE;
  const tls =
    endpoint.tls === 'true'
      ? { tls: 'true', server_id: endpoint.server_id ?? '' }
      : { tls: endpoint.no_tls_reason ?? '' };
  return { ...withoutPrefix(endpoint, 'dst_'), ...tls };
}

function withoutPrefix(labels: Readonly<Record<string, string | undefined>>, prefix: string): Labels {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(labels))
    if (value !== undefined && name.startsWith(prefix)) found[name.slice(prefix.length)] = value;
  return found;
}
