import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** RFC 6455 section 1.3: what proves that the server understood the handshake. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Whether a request asks for a WebSocket. */
export const isWebSocket = (headers: IncomingHttpHeaders): boolean =>
  (headers.upgrade ?? '').toLowerCase() === 'websocket' && headers['sec-websocket-key'] !== undefined;

/** Subprotocols in the client's order. */
export const offeredProtocols = (headers: IncomingHttpHeaders): string[] =>
  (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);

/** The headers of the 101 answer. Names with a slash (`SPDY/3.1+…`) go back as they came. */
export function acceptHeaders(headers: IncomingHttpHeaders, protocol: string): Record<string, string> {
  const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${GUID}`).digest('base64');
  return {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Accept': accept,
    'Sec-WebSocket-Protocol': protocol,
  };
}
