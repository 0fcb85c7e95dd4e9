/** Where everything of the proxy benchmark stands, in the two namespaces of a pair. */

/** How bytes travel past a contender: HTTP/1.1, HTTP/2 by prior knowledge, or unread. */
export type Protocol = 'http1' | 'http2' | 'tcp';

/** Ports of the origin; what is passed on unread ends at a server of HTTP/1.1 too. */
export const ORIGIN_PORTS: Readonly<Record<Protocol, number>> = { http1: 8080, http2: 8081, tcp: 8082 };
/** Where more servers like those of the origin answer, for endpoints that come and go. */
export const SPARE_PORTS: Readonly<Record<'http1' | 'http2', readonly number[]>> = {
  http1: [8090, 8091, 8092, 8093, 8094],
  http2: [8100, 8101, 8102, 8103, 8104],
};
/** Of the Service that clients of Weft connect to. */
export const SERVICE_PORTS: Readonly<Record<Protocol, number>> = { http1: 80, http2: 81, tcp: 82 };
/** A peer listens for each protocol on its own port of the client's side, and on that plus {@link INNER} of the server's. */
export const PEER_OFFSETS: Readonly<Record<Protocol, number>> = { http1: 0, http2: 1, tcp: 2 };
export const INNER = 10;
