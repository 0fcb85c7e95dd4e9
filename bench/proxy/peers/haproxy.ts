import { CLIENT_IP, SERVER_IP, SERVER_NAME } from '../../../conformance/harness/pair/index.ts';
import { ORIGIN_PORTS, type Protocol } from '../addresses.ts';
import { inner, outer, type Peer, writeConfig } from './peer.ts';

const PROTOCOLS: readonly Protocol[] = ['http1', 'http2', 'tcp'];
/** Words for `bind` and `server`, and the mode of the section. */
const WORDS: Readonly<Record<Protocol, { readonly proto: string; readonly mode: string }>> = {
  http1: { proto: '', mode: 'http' },
  http2: { proto: 'proto h2', mode: 'http' },
  tcp: { proto: '', mode: 'tcp' },
};

function section(protocol: Protocol, bind: string, server: string): string {
  const { proto, mode } = WORDS[protocol];
  return `frontend in-${protocol}
  mode ${mode}
  bind ${bind} ${proto}
  default_backend next-${protocol}
backend next-${protocol}
  mode ${mode}
  server one ${server} ${proto}
`;
}

function conf(folder: string, side: string, sections: readonly string[]): string {
  return writeConfig(
    folder,
    `${side}.cfg`,
    `global
  nbthread 1
  maxconn 8000
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-server-options ssl-min-ver TLSv1.3
defaults
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option http-keep-alive
  http-reuse always
${sections.join('')}`,
  );
}

export const haproxy: Peer = {
  name: 'HAProxy',
  program: 'haproxy',
  port: 9200,
  protocols: PROTOCOLS,
  commands(folder, { folder: tls }) {
    const verified = `ssl crt ${tls}/server-both.pem ca-file ${tls}/ca.pem verify required`;
    const outbound = PROTOCOLS.map((protocol) => {
      const next = `${SERVER_IP}:${inner(haproxy, protocol)} ${verified} verifyhost ${SERVER_NAME} sni str(${SERVER_NAME}) pool-max-conn 1024`;
      return section(protocol, `${CLIENT_IP}:${outer(haproxy, protocol)}`, next);
    });
    const inbound = PROTOCOLS.map((protocol) =>
      section(
        protocol,
        `${SERVER_IP}:${inner(haproxy, protocol)} ${verified}`,
        `${SERVER_IP}:${ORIGIN_PORTS[protocol]}`,
      ),
    );
    return {
      outbound: ['haproxy', '-db', '-f', conf(folder, 'outbound', outbound)],
      inbound: ['haproxy', '-db', '-f', conf(folder, 'inbound', inbound)],
    };
  },
};
