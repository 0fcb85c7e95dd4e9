/** Where everything of the proxy benchmark stands: two network namespaces, one cable, no route out. */

export const CLIENT_NS = 'client';
export const SERVER_NS = 'server';
export const CLIENT_IP = '10.99.0.1';
export const SERVER_IP = '10.99.0.2';

/** How bytes travel past a contender: HTTP/1.1, HTTP/2 by prior knowledge, or unread. */
export type Protocol = 'http1' | 'http2' | 'tcp';

/** Ports of the origin; what is passed on unread ends at a server of HTTP/1.1 too. */
export const ORIGIN_PORTS: Readonly<Record<Protocol, number>> = { http1: 8080, http2: 8081, tcp: 8082 };
/** Where more servers like those of the origin answer, for endpoints that come and go. */
export const SPARE_PORTS: Readonly<Record<'http1' | 'http2', readonly number[]>> = {
  http1: [8090, 8091, 8092, 8093, 8094],
  http2: [8100, 8101, 8102, 8103, 8104],
};
/** The Service that clients of Weft connect to; nobody has this address, iptables takes it to the proxy. */
export const SERVICE_IP = '10.96.0.10';
export const SERVICE_PORTS: Readonly<Record<Protocol, number>> = { http1: 80, http2: 81, tcp: 82 };
export const SERVICE_HOST = 'bb.bench.svc.cluster.local';
export const CLIENT_NAME = 'client.bench.serviceaccount.identity.linkerd.cluster.local';
export const SERVER_NAME = 'bb.bench.serviceaccount.identity.linkerd.cluster.local';
/** The uid that the redirection leaves alone. */
export const PROXY_UID = 2102;
export const INBOUND_PORT = 4143;
export const OUTBOUND_PORT = 4140;
export const ADMIN_PORT = 4191;
/** Of the scripted control plane, on loopback of each namespace. */
export const CONTROL_PORT = 8086;
/** Ports of the peers, which the redirection leaves alone. */
export const PEER_PORTS = '9100-9399';
/** A peer listens for each protocol on its own port of the client's side, and on that plus {@link INNER} of the server's. */
export const PEER_OFFSETS: Readonly<Record<Protocol, number>> = { http1: 0, http2: 1, tcp: 2 };
export const INNER = 10;
