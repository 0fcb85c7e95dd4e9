import { CLIENT_IP, SERVER_IP, SERVER_NAME } from '../../../conformance/harness/pair/index.ts';
import { ORIGIN_PORTS, type Protocol } from '../addresses.ts';
import { inner, outer, type Peer, writeConfig } from './peer.ts';

const PROTOCOLS: readonly Protocol[] = ['http1', 'http2', 'tcp'];
const type = (name: string) => `type.googleapis.com/envoy.extensions.${name}`;
const address = (ip: string, port: number) => ({ socket_address: { address: ip, port_value: port } });

interface Hop {
  readonly protocol: Protocol;
  readonly listen: { readonly ip: string; readonly port: number };
  readonly next: { readonly ip: string; readonly port: number };
}

/** The filter that reads, or does not read, the bytes of a connection. */
function filter(protocol: Protocol) {
  if (protocol === 'tcp')
    return {
      name: 'envoy.filters.network.tcp_proxy',
      typed_config: {
        '@type': type('filters.network.tcp_proxy.v3.TcpProxy'),
        stat_prefix: protocol,
        cluster: protocol,
      },
    };
  const all = { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: protocol } }] };
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': type('filters.network.http_connection_manager.v3.HttpConnectionManager'),
      stat_prefix: protocol,
      codec_type: protocol === 'http1' ? 'HTTP1' : 'HTTP2',
      route_config: { virtual_hosts: [all] },
      http_filters: [
        { name: 'envoy.filters.http.router', typed_config: { '@type': type('filters.http.router.v3.Router') } },
      ],
    },
  };
}

function config(hops: readonly Hop[], tls: string, tlsIn: boolean): string {
  const certificates = {
    tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
    tls_certificates: [
      { certificate_chain: { filename: `${tls}/server-cert.pem` }, private_key: { filename: `${tls}/server-key.pem` } },
    ],
    validation_context: {
      trusted_ca: { filename: `${tls}/ca.pem` },
      match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: SERVER_NAME } }],
    },
  };
  const transport = (context: string, more: object) => ({
    name: 'envoy.transport_sockets.tls',
    typed_config: { '@type': type(`transport_sockets.tls.v3.${context}`), common_tls_context: certificates, ...more },
  });
  const http2 = {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': type('upstreams.http.v3.HttpProtocolOptions'),
      explicit_http_config: { http2_protocol_options: {} },
    },
  };
  const unbounded = { max_connections: 16_384, max_pending_requests: 16_384, max_requests: 16_384 };
  return JSON.stringify({
    static_resources: {
      listeners: hops.map(({ protocol, listen }) => ({
        name: protocol,
        address: address(listen.ip, listen.port),
        tcp_backlog_size: 16_384,
        filter_chains: [
          {
            filters: [filter(protocol)],
            ...(tlsIn && {
              transport_socket: transport('DownstreamTlsContext', { require_client_certificate: true }),
            }),
          },
        ],
      })),
      clusters: hops.map(({ protocol, next }) => ({
        name: protocol,
        type: 'STATIC',
        connect_timeout: '5s',
        circuit_breakers: { thresholds: [unbounded] },
        load_assignment: {
          cluster_name: protocol,
          endpoints: [{ lb_endpoints: [{ endpoint: { address: address(next.ip, next.port) } }] }],
        },
        ...(protocol === 'http2' && { typed_extension_protocol_options: http2 }),
        ...(!tlsIn && { transport_socket: transport('UpstreamTlsContext', { sni: SERVER_NAME }) }),
      })),
    },
  });
}

export const envoy: Peer = {
  name: 'Envoy',
  program: 'envoy',
  port: 9300,
  protocols: PROTOCOLS,
  commands(folder, { folder: tls }) {
    const outbound = PROTOCOLS.map((protocol) => ({
      protocol,
      listen: { ip: CLIENT_IP, port: outer(envoy, protocol) },
      next: { ip: SERVER_IP, port: inner(envoy, protocol) },
    }));
    const inbound = PROTOCOLS.map((protocol) => ({
      protocol,
      listen: { ip: SERVER_IP, port: inner(envoy, protocol) },
      next: { ip: SERVER_IP, port: ORIGIN_PORTS[protocol] },
    }));
    // Hot restart would leave shared memory behind on the host.
    const start = (path: string) => ['envoy', '-c', path, '--concurrency', '1', '--disable-hot-restart', '-l', 'error'];
    return {
      outbound: start(writeConfig(folder, 'outbound.json', config(outbound, tls, false))),
      inbound: start(writeConfig(folder, 'inbound.json', config(inbound, tls, true))),
    };
  },
};
