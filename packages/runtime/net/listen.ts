import net from 'node:net';
import { setBacklog } from '../ffi/index.ts';
import { fdOf, unmapIp } from './options.ts';
import type { SocketAddr } from './original-dst.ts';

/** As much as systems allow: with a short queue, a burst of connections makes others try again after seconds. */
const BACKLOG = 4_096;

export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Connections that wait to be accepted; default {@link BACKLOG}, at most what the system allows (net.core.somaxconn). */
  readonly backlog?: number | undefined;
}

export interface Listener {
  readonly addr: SocketAddr;
  /** Accepts no more; connections that are open stay. */
  close(): void;
}

/**
 * Listens; each accepted socket stays open for writing after the peer has ended its side. Rejects when the address cannot be
 * bound.
 */
export function listen(options: ListenOptions, accepted: (socket: net.Socket) => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true }, accepted);
    server.once('error', reject);
    const { host, port, backlog = BACKLOG } = options;
    server.listen({ host, port, backlog }, () => {
      server.off('error', reject);
      // The runtime listens with a backlog of its own, whatever it is told.
      const fd = fdOf(server);
      if (fd !== undefined) setBacklog(fd, backlog);
      const address = server.address() as net.AddressInfo;
      resolve({
        addr: { ip: unmapIp(address.address), port: address.port },
        close: () => server.close(),
      });
    });
  });
}
