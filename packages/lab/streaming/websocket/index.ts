/** The server's side of WebSocket over an upgraded connection, for Kubernetes' channel protocols and the SPDY tunnel. */
export { WebSocketBytes, WebSocketConnection } from './connection.ts';
export { CLOSE, WebSocketError } from './frames.ts';
export { acceptHeaders, isWebSocket, offeredProtocols } from './handshake.ts';
