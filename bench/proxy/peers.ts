/**
 * The peers of the comparison: one mTLS hop pair each, plain HTTP/1.1 in at the client's side, mutual TLS 1.3 between, plain to
 * the same origin. Configurations are minimal and fair: one worker, keep-alive everywhere, no logs.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLIENT_IP, ORIGIN_PORT, SERVER_IP, SERVER_NAME } from './addresses.ts';
import type { Material } from './material.ts';

export interface Peer {
  name: string;
  /** Debian package or wheel, for the message when it is missing. */
  program: string;
  /** Port of the client-side listener; the server side listens on the next one. */
  port: number;
  /** Command lines of the two sides, after writing their configuration into `folder`. */
  commands(folder: string, material: Material): { outbound: string[]; inbound: string[] };
}

const file = (folder: string, name: string, text: string): string => {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

function nginxConf(folder: string, side: string, http: string): string {
  return file(
    folder,
    `${side}.conf`,
    `worker_processes 1; daemon off; master_process off; pid ${folder}/${side}.pid; error_log ${folder}/${side}.log crit;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; client_body_temp_path ${folder}/${side}-body; proxy_temp_path ${folder}/${side}-tmp;
  fastcgi_temp_path ${folder}/${side}-f; uwsgi_temp_path ${folder}/${side}-u; scgi_temp_path ${folder}/${side}-s;
  ${http}
}
`,
  );
}

/** The origin: nginx answering 200 with a small body. */
export function originCommand(folder: string): string[] {
  const conf = nginxConf(
    folder,
    'origin',
    `server { listen ${ORIGIN_PORT} backlog=4096; location / { default_type text/plain; return 200 "hello from the origin\\n"; } }`,
  );
  return ['nginx', '-c', conf];
}

const nginx: Peer = {
  name: 'nginx',
  program: 'nginx',
  port: 9100,
  commands(folder, { folder: tls }) {
    const upstream = (server: string) =>
      `upstream next { server ${server}; keepalive 64; keepalive_requests 1000000000; }`;
    const pass = (scheme: string) =>
      `proxy_pass ${scheme}://next; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_buffering off;`;
    const outbound = nginxConf(
      folder,
      'outbound',
      `${upstream(`${SERVER_IP}:${this.port + 1}`)}
  server { listen ${CLIENT_IP}:${this.port}; location / { ${pass('https')}
    proxy_ssl_protocols TLSv1.3; proxy_ssl_certificate ${tls}/cert.pem; proxy_ssl_certificate_key ${tls}/key.pem;
    proxy_ssl_trusted_certificate ${tls}/ca.pem; proxy_ssl_verify on; proxy_ssl_name ${SERVER_NAME}; proxy_ssl_server_name on; } }`,
    );
    const inbound = nginxConf(
      folder,
      'inbound',
      `${upstream(`${SERVER_IP}:${ORIGIN_PORT}`)}
  server { listen ${SERVER_IP}:${this.port + 1} ssl; ssl_protocols TLSv1.3; ssl_certificate ${tls}/cert.pem; ssl_certificate_key ${tls}/key.pem;
    ssl_client_certificate ${tls}/ca.pem; ssl_verify_client on; location / { ${pass('http')} } }`,
    );
    return { outbound: ['nginx', '-c', outbound], inbound: ['nginx', '-c', inbound] };
  },
};

const haproxy: Peer = {
  name: 'HAProxy',
  program: 'haproxy',
  port: 9200,
  commands(folder, { folder: tls }) {
    const conf = (side: string, bind: string, server: string) =>
      file(
        folder,
        `${side}.cfg`,
        `global
  nbthread 1
  maxconn 4096
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-server-options ssl-min-ver TLSv1.3
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option http-keep-alive
  http-reuse always
frontend in
  bind ${bind}
  default_backend next
backend next
  server one ${server}
`,
      );
    const client = `${SERVER_IP}:${this.port + 1} ssl crt ${tls}/both.pem ca-file ${tls}/ca.pem verify required verifyhost ${SERVER_NAME} sni str(${SERVER_NAME}) pool-max-conn 64`;
    const server = `${SERVER_IP}:${this.port + 1} ssl crt ${tls}/both.pem ca-file ${tls}/ca.pem verify required`;
    return {
      outbound: ['haproxy', '-db', '-f', conf('outbound', `${CLIENT_IP}:${this.port}`, client)],
      inbound: ['haproxy', '-db', '-f', conf('inbound', server, `${SERVER_IP}:${ORIGIN_PORT}`)],
    };
  },
};

const envoy: Peer = {
  name: 'Envoy',
  program: 'envoy',
  port: 9300,
  commands(folder, { folder: tls }) {
    const certificates = {
      tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
      tls_certificates: [
        { certificate_chain: { filename: `${tls}/cert.pem` }, private_key: { filename: `${tls}/key.pem` } },
      ],
      validation_context: {
        trusted_ca: { filename: `${tls}/ca.pem` },
        match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: SERVER_NAME } }],
      },
    };
    const type = (name: string) => `type.googleapis.com/envoy.extensions.${name}`;
    const side = (name: string, listen: string, port: number, next: string, nextPort: number, tlsIn: boolean) => {
      const downstream = {
        name: 'envoy.transport_sockets.tls',
        typed_config: {
          '@type': type('transport_sockets.tls.v3.DownstreamTlsContext'),
          common_tls_context: certificates,
          require_client_certificate: true,
        },
      };
      const upstream = {
        name: 'envoy.transport_sockets.tls',
        typed_config: {
          '@type': type('transport_sockets.tls.v3.UpstreamTlsContext'),
          common_tls_context: certificates,
          sni: SERVER_NAME,
        },
      };
      const manager = {
        '@type': type('filters.network.http_connection_manager.v3.HttpConnectionManager'),
        stat_prefix: 'in',
        codec_type: 'HTTP1',
        route_config: {
          virtual_hosts: [
            { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'next' } }] },
          ],
        },
        http_filters: [
          { name: 'envoy.filters.http.router', typed_config: { '@type': type('filters.http.router.v3.Router') } },
        ],
      };
      const address = (ip: string, at: number) => ({ socket_address: { address: ip, port_value: at } });
      const config = {
        static_resources: {
          listeners: [
            {
              name: 'in',
              address: address(listen, port),
              filter_chains: [
                {
                  filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }],
                  ...(tlsIn && { transport_socket: downstream }),
                },
              ],
            },
          ],
          clusters: [
            {
              name: 'next',
              type: 'STATIC',
              connect_timeout: '5s',
              load_assignment: {
                cluster_name: 'next',
                endpoints: [{ lb_endpoints: [{ endpoint: { address: address(next, nextPort) } }] }],
              },
              ...(!tlsIn && { transport_socket: upstream }),
            },
          ],
        },
      };
      return file(folder, `${name}.json`, JSON.stringify(config, undefined, 1));
    };
    const outbound = side('outbound', CLIENT_IP, this.port, SERVER_IP, this.port + 1, false);
    const inbound = side('inbound', SERVER_IP, this.port + 1, SERVER_IP, ORIGIN_PORT, true);
    // Hot restart would leave shared memory behind on the host.
    const start = (conf: string) => ['envoy', '-c', conf, '--concurrency', '1', '--disable-hot-restart', '-l', 'error'];
    return { outbound: start(outbound), inbound: start(inbound) };
  },
};

export const PEERS: readonly Peer[] = [nginx, haproxy, envoy];
