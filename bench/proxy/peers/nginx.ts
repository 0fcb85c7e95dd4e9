import { CLIENT_IP, SERVER_IP, SERVER_NAME } from '../../../conformance/harness/pair/index.ts';
import { ORIGIN_PORTS, SPARE_PORTS } from '../addresses.ts';
import { inner, outer, type Peer, writeConfig } from './peer.ts';

/** Open connections that a process may have. */
const CONNECTIONS_MAX = 16_000;
export const BIG_BODY_BYTES = 20_000_000;

function conf(folder: string, side: string, http: string, rest = ''): string {
  return writeConfig(
    folder,
    `${side}.conf`,
    `worker_processes 1; daemon off; master_process off; pid ${folder}/${side}.pid; error_log ${folder}/${side}.log crit;
events { worker_connections ${CONNECTIONS_MAX}; }
http {
  access_log off; keepalive_requests 1000000000; client_body_temp_path ${folder}/${side}-body; proxy_temp_path ${folder}/${side}-tmp;
  fastcgi_temp_path ${folder}/${side}-f; uwsgi_temp_path ${folder}/${side}-u; scgi_temp_path ${folder}/${side}-s;
  ${http}
}
${rest}
`,
  );
}

/** The origin: nginx answering 200 with a small body, with a large one under /big, and over HTTP/2 with gRPC's trailer. */
export function originCommand(folder: string): string[] {
  writeConfig(folder, 'big', 'x'.repeat(BIG_BODY_BYTES));
  const small = `default_type text/plain; return 200 "hello from the origin\\n";`;
  const listen = (ports: readonly number[], word: string): string =>
    ports.map((port) => `listen ${port} ${word} backlog=16384;`).join(' ');
  const plain = listen([ORIGIN_PORTS.http1, ORIGIN_PORTS.tcp, ...SPARE_PORTS.http1], '');
  const http2 = listen([ORIGIN_PORTS.http2, ...SPARE_PORTS.http2], 'http2');
  const path = conf(
    folder,
    'origin',
    `server { ${plain} location / { ${small} } location = /big { root ${folder}; sendfile on; } }
  server { ${http2} http2_max_concurrent_streams 1000;
    location / { default_type application/grpc; add_trailer grpc-status 0; return 200 "hello from the origin\\n"; } }`,
  );
  return ['nginx', '-c', path];
}

export const nginx: Peer = {
  name: 'nginx',
  program: 'nginx',
  port: 9100,
  // It speaks HTTP/2 to servers for gRPC only, and TLS for unread bytes needs a module that Debian ships apart.
  protocols: ['http1'],
  commands(folder, { folder: tls }) {
    const upstream = (server: string) =>
      `upstream next { server ${server}; keepalive 1024; keepalive_requests 1000000000; }`;
    const pass = (scheme: string) =>
      `proxy_pass ${scheme}://next; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_buffering off;`;
    const outbound = conf(
      folder,
      'outbound',
      `${upstream(`${SERVER_IP}:${inner(nginx, 'http1')}`)}
  server { listen ${CLIENT_IP}:${outer(nginx, 'http1')} backlog=16384; location / { ${pass('https')}
    proxy_ssl_protocols TLSv1.3; proxy_ssl_certificate ${tls}/server-cert.pem; proxy_ssl_certificate_key ${tls}/server-key.pem;
    proxy_ssl_trusted_certificate ${tls}/ca.pem; proxy_ssl_verify on; proxy_ssl_name ${SERVER_NAME}; proxy_ssl_server_name on; } }`,
    );
    const inbound = conf(
      folder,
      'inbound',
      `${upstream(`${SERVER_IP}:${ORIGIN_PORTS.http1}`)}
  server { listen ${SERVER_IP}:${inner(nginx, 'http1')} ssl backlog=16384; ssl_protocols TLSv1.3; ssl_certificate ${tls}/server-cert.pem; ssl_certificate_key ${tls}/server-key.pem;
    ssl_client_certificate ${tls}/ca.pem; ssl_verify_client on; location / { ${pass('http')} } }`,
    );
    return { outbound: ['nginx', '-c', outbound], inbound: ['nginx', '-c', inbound] };
  },
};
