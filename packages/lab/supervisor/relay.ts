import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { dialIn } from '#net/netns';
import { LIMITS } from './limits.ts';

/** A loopback port of the host that leads into the lab. */
export interface Relay {
  readonly port: number;
  close(): void;
}

/**
 * Opens a loopback listener; each connection is joined to a port inside a network namespace of the lab. `netPath` is asked for
 * each time, so that a listener can be opened before the lab exists. Rejects when the port is taken.
 */
export async function openRelay(
  listenPort: number,
  target: { netPath(): string | undefined; address: string; port: number },
  log: (message: string) => void,
): Promise<Relay> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (open.size >= LIMITS.relayConnectionsMax) return void client.destroy();
    open.add(client);
    client.setNoDelay(true);
    client.on('error', () => client.destroy());
    client.on('close', () => open.delete(client));
    joinTo(client, target).catch((error: unknown) => {
      log(`relay to ${target.address}:${target.port}: ${error instanceof Error ? error.message : String(error)}`);
      client.destroy();
    });
  });
  await listen(server, listenPort);
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(`port ${port} of this machine is in use; choose others with --api-port`);
  }
}

async function joinTo(
  client: Socket,
  target: { netPath(): string | undefined; address: string; port: number },
): Promise<void> {
  const netPath = target.netPath();
  if (netPath === undefined) throw new Error('the lab is not up yet');
  client.pause();
  const { address, port } = target;
  const server = await dialIn(netPath, { address, port, timeoutMs: LIMITS.relayDialTimeoutMs });
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.on('error', () => to.destroy());
    from.on('close', (hadError) => void (hadError ? to.destroy() : to.end()));
  }
  client.pipe(server);
  server.pipe(client);
}
