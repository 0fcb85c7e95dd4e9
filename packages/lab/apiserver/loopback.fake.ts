import { connect } from 'node:net';
import { memoryLog, type RevisionLog, Store } from '#lab/store';
import { type ApiServer, type ApiServerConfig, type ApiServerDeps, createApiServer } from './api-server.ts';

/** An API server that listens on a free loopback port, for tests. */
export interface LoopbackServer extends ApiServer {
  readonly store: Store;
  readonly port: number;
  /** What the server logged, line by line. */
  readonly logged: string[];
}

/** Starts one over a memory store unless given a log to keep it in. Its caller closes it. */
export async function startLoopbackServer(
  options: {
    log?: RevisionLog;
    ringSize?: number;
    config?: Partial<ApiServerConfig>;
    deps?: Partial<ApiServerDeps>;
  } = {},
): Promise<LoopbackServer> {
  const store = new Store(options.log ?? memoryLog(), options.ringSize);
  const logged: string[] = [];
  const server = await createApiServer(
    {
      store,
      nowMs: Date.now,
      random: Math.random,
      dial: (host, port) =>
        new Promise((resolve, reject) => {
          const socket = connect({ host, port }, () => resolve(socket));
          socket.once('error', reject);
        }),
      podRuntime: () => undefined,
      log: (line) => logged.push(line),
      ...options.deps,
    },
    { advertiseAddress: '127.0.0.1', advertisePort: 6443, serviceCidr: '10.96.0.0/16', ...options.config },
  );
  const port = await server.listen('127.0.0.1', 0);
  return { ...server, store, port, logged };
}
