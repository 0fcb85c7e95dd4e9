/** The subject: two `weft proxy` processes as in pods, what they are told, and what they count. */
import { sumOf } from '../../conformance/harness/index.ts';
import {
  ADMIN_PORT,
  CLIENT_NAME,
  metricsOf,
  type PortScript,
  SERVER_NAME,
  SERVICE_IP,
} from '../../conformance/harness/pair/index.ts';
import { ORIGIN_PORTS, type Protocol, SERVICE_PORTS, SPARE_PORTS } from './addresses.ts';

export const weftUrl = (protocol: Protocol): string => `http://${SERVICE_IP}:${SERVICE_PORTS[protocol]}/`;

/** What the control plane says: HTTP by looking and between the proxies as HTTP/2, or bytes. `changing`: endpoints come and go. */
export function portScripts({ changing = false } = {}): PortScript[] {
  const http = (protocol: 'http1' | 'http2'): PortScript => ({
    port: SERVICE_PORTS[protocol],
    target: ORIGIN_PORTS[protocol],
    protocol: 'detect',
    upgrade: true,
    ...(changing && { spare: SPARE_PORTS[protocol] }),
  });
  return [http('http1'), http('http2'), { port: SERVICE_PORTS.tcp, target: ORIGIN_PORTS.tcp, protocol: 'opaque' }];
}

/** What each proxy counted over mutual TLS with the expected peer, and any others; from its own metrics. */
export interface MeshCounts {
  readonly outboundRequests: number;
  readonly inboundRequests: number;
  /** Requests and connections between the proxies that were anything else. */
  readonly others: number;
}

/** Asks both proxies what they have carried. */
export async function meshCounts(): Promise<MeshCounts> {
  const [client, server] = await Promise.all([metricsOf('client'), metricsOf('server')]);
  const out = { direction: 'outbound', tls: 'true', server_id: SERVER_NAME };
  const into = { direction: 'inbound', tls: 'true', client_id: CLIENT_NAME };
  /** Of connections between the proxies and requests in them; those to the admin port are our own. */
  const count = (metrics: string, name: string, labels: Record<string, string>): number =>
    sumOf(metrics, name, labels) - sumOf(metrics, name, { ...labels, target_port: String(ADMIN_PORT) });
  const outboundRequests = count(client, 'request_total', out);
  const inboundRequests = count(server, 'request_total', into);
  const [toPeer, fromPeer] = [
    { direction: 'outbound', peer: 'dst' },
    { direction: 'inbound', peer: 'src' },
  ];
  const all =
    count(client, 'request_total', { direction: 'outbound' }) +
    count(server, 'request_total', { direction: 'inbound' }) +
    count(client, 'tcp_open_total', toPeer) +
    count(server, 'tcp_open_total', fromPeer);
  const meshed =
    outboundRequests +
    inboundRequests +
    count(client, 'tcp_open_total', { ...out, ...toPeer }) +
    count(server, 'tcp_open_total', { ...into, ...fromPeer });
  return { outboundRequests, inboundRequests, others: all - meshed };
}
