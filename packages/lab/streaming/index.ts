/**
 * exec, attach and port-forward for Kubernetes clients: SPDY/3.1, WebSocket channels, and SPDY inside WebSocket, on the socket
 * of an upgraded HTTP/1.1 request, wired to the contract's PodRuntime.
 */
export { handleUpgrade, type StreamingKind, type StreamingTarget } from './upgrade.ts';
