import type { SecureContext } from 'node:tls';
import type { ControlService } from '#model/proxy-config';
import { createGrpcClient, type GrpcClient } from '#runtime/grpc';
import { formatAddr } from '#runtime/net';
import type { Deps } from '../deps.ts';
import { dial } from '../dial/index.ts';
import type { Conn } from '../tcp/index.ts';
import type { ChannelMetrics } from './channel-metrics.ts';
import type { Resolver } from './resolve.ts';

export interface ControlChannelDeps extends Pick<Deps, 'clock' | 'random' | 'log'> {
  readonly resolver: Pick<Resolver, 'distrust' | 'resolve'>;
  readonly context: () => SecureContext;
  readonly watch: Pick<ChannelMetrics, 'resolved' | 'connected' | 'failed' | 'lost'>;
}

export interface ControlChannelConfig {
  readonly connectTimeoutMs: number;
  readonly keepaliveMs: number | undefined;
  readonly userTimeoutMs: number | undefined;
  /** Bytes that a service may send ahead, on each stream and on the connection. */
  readonly windows: { readonly stream: number; readonly connection: number };
}

/** One HTTP/2 connection to a control-plane service, opened on demand to an address taken by chance. */
export function createControlChannel(
  service: ControlService,
  config: ControlChannelConfig,
  deps: ControlChannelDeps,
): GrpcClient {
  const { addr, name } = service;
  const authority = formatAddr(addr.host, addr.port);
  /** The same failure again is not said again. */
  let complaint = '';
  const complain = (text: string): void => {
    if (text !== complaint) deps.log.warn('Failed to connect', { addr: authority, error: text });
    complaint = text;
  };
  const connect = async (): Promise<Conn> => {
    let failure: unknown;
    const found = await deps.resolver.resolve(addr).catch((error: Error) => {
      complain(error.message);
      deps.watch.failed();
      throw error;
    });
    deps.watch.resolved(found.length);
    for (const { host, port } of shuffled(found, deps.random)) {
      const tls = name === undefined ? undefined : { context: deps.context, serverName: name, identity: name };
      const options = { keepaliveMs: config.keepaliveMs, userTimeoutMs: config.userTimeoutMs };
      try {
        const socket = await dialed(
          { host, port, timeoutMs: config.connectTimeoutMs, options, ...(tls && { tls }) },
          deps,
        );
        if (complaint !== '') deps.log.info('Connected', { addr: authority });
        complaint = '';
        deps.watch.connected();
        socket.once('close', () => {
          deps.watch.lost();
          deps.resolver.distrust(addr);
        });
        return socket;
      } catch (error) {
        failure = error;
        complain((error as Error).message);
      }
    }
    deps.watch.failed();
    deps.resolver.distrust(addr);
    throw failure;
  };
  return createGrpcClient({ connect, authority, keepAlive: KEEP_ALIVE, windows: config.windows });
}

/** A dead control plane must be noticed although streams are silent. */
const KEEP_ALIVE = { intervalMs: 10_000, timeoutMs: 3_000 };

function dialed(target: Parameters<typeof dial>[0], deps: Pick<Deps, 'clock'>): Promise<Conn> {
  return new Promise((connected, failed) => dial(target, deps, { connected, failed }));
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const list = [...items];
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j]!, list[i]!];
  }
  return list;
}
