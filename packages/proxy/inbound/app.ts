import type { Clock } from '#runtime/clock';
import type { KeepaliveOptions } from '#runtime/net';
import { dial } from '../dial/index.ts';
import { Connections, type Exchange, type HttpShared, type Upstream } from '../http/index.ts';
import type { TcpScope } from '../tcp/index.ts';

export interface LocalAppConfig {
  readonly connectTimeoutMs: number;
  readonly options: KeepaliveOptions;
  readonly idleConnectionsMax: number;
  readonly poolIdleMs: number;
}

export interface LocalAppDeps {
  readonly clock: Clock;
  readonly http: HttpShared;
}

/** The application behind one address of this pod, over HTTP/1 in plain text. */
export class LocalApp implements Upstream {
  readonly #connections: Connections;
  /** Counts connections to it. */
  readonly scope: TcpScope;
  /** Connections from clients that lead here. */
  users = 0;

  constructor(addr: { ip: string; port: number }, config: LocalAppConfig, scope: TcpScope, deps: LocalAppDeps) {
    this.scope = scope;
    const target = { host: addr.ip, port: addr.port, timeoutMs: config.connectTimeoutMs, options: config.options };
    this.#connections = new Connections({
      dial: (sink) => dial(target, deps, sink),
      scope,
      clock: deps.clock,
      shared: deps.http,
      countMax: config.idleConnectionsMax,
      idleMs: config.poolIdleMs,
      failed: (exchange, fault) => exchange.unavailable(fault),
    });
  }

  get unused(): boolean {
    return this.users === 0 && this.#connections.size === 0;
  }

  acquire(exchange: Exchange): void {
    this.#connections.acquire(exchange);
  }

  cancel(exchange: Exchange): void {
    this.#connections.cancel(exchange);
  }

  close(): void {
    this.#connections.close();
  }
}
