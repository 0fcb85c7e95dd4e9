import net, { type AddressInfo } from 'node:net';
import type { Fault } from '#model/faults';
import { type Clock, systemClock } from '#runtime/clock';
import { dial } from '../dial/index.ts';
import type { TcpScope } from '../tcp/index.ts';
import type { Exchange, HttpSide, Plan } from './exchange.ts';
import { Http2Connections } from './h2-connections.ts';
import { Http2Server } from './h2-server.ts';
import type { Http2Settings } from './h2-settings.ts';
import { STRIP } from './names.ts';
import { createHttpShared } from './shared.ts';

/** What both sides of a hop say, unless a test wants otherwise. */
export const SETTINGS: Http2Settings = {
  codec: {
    streamWindow: 65_535,
    connectionWindow: 1_048_576,
    maxConcurrentStreams: 250,
    maxFrameSize: 16_384,
    maxHeaderListSize: 65_536,
    headerTableSize: 4_096,
  },
  keepAlive: undefined,
};

/** Counts what passes one side of connections. */
export class Counted implements TcpScope {
  open = 0;
  total = 0;
  bytes = 0;
  opened(): void {
    this.open++;
    this.total++;
  }
  read(bytes: number): void {
    this.bytes += bytes;
  }
  wrote(_bytes: number): void {
    // Only what is read is looked at.
  }
  closed(_errno: string): void {
    this.open--;
  }
}

/** A proxy of nothing but HTTP/2. */
export interface Hop {
  readonly port: number;
  readonly servers: Set<Http2Server>;
  readonly upstream: Http2Connections;
  readonly toApp: Counted;
  readonly refused: Fault[];
  readonly side: HttpSide;
  close(): void;
}

/** One proxy without policy: HTTP/2 in, HTTP/2 out to a port. */
export async function hop(
  appPort: number,
  settings: { server?: Http2Settings; client?: Http2Settings; clock?: Clock } = {},
): Promise<Hop> {
  const { clock = systemClock } = settings;
  const shared = createHttpShared(systemClock);
  const toApp = new Counted();
  const refused: Fault[] = [];
  const target = { host: '127.0.0.1', port: appPort, timeoutMs: 15_000, options: {} };
  const upstream = new Http2Connections({
    dial: (sink) => dial(target, { clock: systemClock }, sink),
    scope: toApp,
    clock: systemClock,
    shared,
    settings: settings.client ?? SETTINGS,
    failed: (exchange, fault) => exchange.unavailable(fault),
  });
  const plan: Plan = {
    timeouts: undefined,
    retry: undefined,
    allowsRequestHeaders: false,
    dispatch(exchange) {
      exchange.upstream = upstream;
      return undefined;
    },
  };
  const side: HttpSide = {
    shared,
    clock,
    random: () => 0.5,
    strip: { request: STRIP['outbound-request'], response: STRIP['outbound-response'] },
    observers: [],
    obeyPeerClose: false,
    inFlightMax: 100_000,
    inFlight: 0,
    failed: () => undefined,
  };
  const servers = new Set<Http2Server>();
  const listener = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    const scope = new Counted();
    scope.opened();
    const server = new Http2Server(socket, Buffer.alloc(0), {
      side,
      router: { route: (_exchange: Exchange) => plan },
      client: {
        ip: '127.0.0.1',
        port: 1,
        dst: { ip: '127.0.0.1', port: appPort },
        // A proxy: its connections stay where servers fail.
        identity: 'web.a',
        tls: { tls: 'no_identity', no_tls_reason: 'loopback' },
      },
      explain: true,
      scope,
      settings: settings.server ?? SETTINGS,
      downgrades: false,
      refused: (fault) => refused.push(fault),
      closed: () => servers.delete(server),
    });
    servers.add(server);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    servers,
    upstream,
    toApp,
    refused,
    side,
    close() {
      listener.close();
      upstream.close();
      for (const server of servers) server.abort();
    },
  };
}
