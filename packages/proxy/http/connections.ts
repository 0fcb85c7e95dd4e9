import type { Fault } from '#model/faults';
import type { Clock, Timer } from '#runtime/clock';
import type { DialSink } from '../dial/index.ts';
import { LIMITS } from '../limits.ts';
import type { Conn, TcpScope } from '../tcp/index.ts';
import type { Exchange } from './exchange.ts';
import { Http1Client, type Http1ClientHost } from './h1-client.ts';
import { Http1Pool } from './h1-pool.ts';
import type { HttpShared } from './shared.ts';

export interface ConnectionsOptions {
  readonly dial: (sink: DialSink) => () => void;
  readonly scope: TcpScope;
  readonly clock: Clock;
  readonly shared: HttpShared;
  readonly countMax: number;
  readonly idleMs: number;
  /** A connection for this exchange could not be opened. */
  readonly failed: (exchange: Exchange, fault: Fault) => void;
  /** A connection was opened. */
  readonly connected?: () => void;
}

/** All HTTP/1 connections to one server: idle ones are reused, new ones dialled when there is none. */
export class Connections implements Http1ClientHost {
  readonly #options: ConnectionsOptions;
  readonly #pool: Http1Pool;
  readonly #dialling = new Map<Exchange, { exchange: Exchange | undefined }>();
  readonly #open = new Set<Http1Client>();
  #sweep: Timer | undefined;
  #closed = false;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#pool = new Http1Pool(options);
  }

  /** Connections that are open, in use or not. */
  get size(): number {
    return this.#open.size;
  }

  acquire(exchange: Exchange): void {
    const client = this.#pool.take();
    if (!client) this.#dial(exchange);
    else if (!client.serve(exchange)) this.idle(client);
  }

  /** The connection under way for this exchange is kept for others. */
  cancel(exchange: Exchange): void {
    const waiter = this.#dialling.get(exchange);
    if (waiter) waiter.exchange = undefined;
    this.#dialling.delete(exchange);
  }

  /** Takes a connection that was opened elsewhere, e.g. to see whether the server is back. */
  adopt(socket: Conn): Http1Client {
    this.#options.scope.opened();
    const { scope, clock, shared } = this.#options;
    const client = new Http1Client(socket, { host: this, scope, clock, shared });
    this.#open.add(client);
    return client;
  }

  /** Closes what is idle; what is in use closes when it is done. */
  close(): void {
    this.#closed = true;
    this.#sweep?.cancel();
    this.#pool.clear();
  }

  idle(client: Http1Client): void {
    if (this.#closed) {
      client.destroy();
      return;
    }
    this.#pool.put(client, this.#options.clock.nowMs());
    this.#sweep ??= this.#options.clock.after(LIMITS.poolSweepMs, () => this.#sweepIdle());
  }

  closed(client: Http1Client): void {
    this.#open.delete(client);
    this.#pool.remove(client);
  }

  #dial(exchange: Exchange): void {
    const waiter: { exchange: Exchange | undefined } = { exchange };
    this.#dialling.set(exchange, waiter);
    this.#options.dial({
      connected: (socket) => {
        if (waiter.exchange) this.#dialling.delete(waiter.exchange);
        this.#options.connected?.();
        const client = this.adopt(socket);
        if (!waiter.exchange || !client.serve(waiter.exchange)) this.idle(client);
      },
      failed: (fault) => {
        if (!waiter.exchange) return;
        this.#dialling.delete(waiter.exchange);
        this.#options.failed(waiter.exchange, fault);
      },
    });
  }

  #sweepIdle(): void {
    this.#sweep = undefined;
    this.#pool.sweep(this.#options.clock.nowMs());
    if (this.#pool.size > 0) this.#sweep = this.#options.clock.after(LIMITS.poolSweepMs, () => this.#sweepIdle());
  }
}
