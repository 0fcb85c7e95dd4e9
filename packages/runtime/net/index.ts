/** TCP as the proxy needs it: listeners, the address a redirected connection was meant for, keep-alive, socket addresses. */
export { type Listener, type ListenOptions, listen } from './listen.ts';
export { formatAddr, type KeepaliveOptions, setSocketOptions, unmapIp } from './options.ts';
export { originalDst, type SocketAddr } from './original-dst.ts';
export { takenBytes } from './progress.ts';
export { boundReceiveBuffer, freeReceiveBuffer } from './receive-buffer.ts';
