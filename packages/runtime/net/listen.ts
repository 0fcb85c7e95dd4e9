import net from 'node:net';
import { unmapIp } from './options.ts';
import type { SocketAddr } from './original-dst.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
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
    const { host, port, backlog } = options;
    server.listen({ host, port, ...(backlog !== undefined && { backlog }) }, () => {
      server.off('error', reject);
      const address = server.address() as net.AddressInfo;
      resolve({
        addr: { ip: unmapIp(address.address), port: address.port },
        close: () => server.close(),
      });
    });
  });
}
