import { Fault } from '#model/faults';
import type { Clock, Timer } from '#runtime/clock';
import type { KeepaliveOptions } from '#runtime/net';
import type { Random } from '#runtime/random';
import { dial } from '../dial/index.ts';
import { Backoff, type BackoffConfig } from '../discover/index.ts';
import {
  Connections,
  type Exchange,
  Http2Connections,
  type Http2Settings,
  type HttpShared,
  type Upstream,
} from '../http/index.ts';
import type { TcpScope } from '../tcp/index.ts';

export interface LocalAppConfig {
  readonly connectTimeoutMs: number;
  readonly options: KeepaliveOptions;
  readonly idleConnectionsMax: number;
  readonly poolIdleMs: number;
  /** HTTP/2 towards the application. */
  readonly http2: Http2Settings;
  /** Between attempts to connect for requests of HTTP/2. */
  readonly backoff: BackoffConfig;
  /** How long those requests wait for a connection, and how many of them. */
  readonly failfastMs: number;
  readonly queueMax: number;
}

export interface LocalAppDeps {
  /** Counts requests by the profiles of what they are for. */
  readonly profiles: { attached(exchange: Exchange): void };
  readonly clock: Clock;
  readonly random: Random;
  readonly http: HttpShared;
}

/** The application behind one address of this pod, in plain text and in the version of HTTP that each request came in. */
export class LocalApp implements Upstream {
  /** Counts connections to it. */
  readonly scope: TcpScope;
  readonly #profiles: LocalAppDeps['profiles'];
  readonly #http1: Connections;
  readonly #http2: Http2Connections;
  readonly #queue: ConnectQueue;

  constructor(addr: { ip: string; port: number }, config: LocalAppConfig, scope: TcpScope, deps: LocalAppDeps) {
    this.scope = scope;
    this.#profiles = deps.profiles;
    const target = { host: addr.ip, port: addr.port, timeoutMs: config.connectTimeoutMs, options: config.options };
    const common = {
      dial: (sink: Parameters<typeof dial>[2]) => dial(target, deps, sink),
      scope,
      clock: deps.clock,
      shared: deps.http,
    };
    this.#http1 = new Connections({
      ...common,
      countMax: config.idleConnectionsMax,
      idleMs: config.poolIdleMs,
      failed: (exchange, fault) => exchange.unavailable(fault),
    });
    this.#queue = new ConnectQueue(config, deps, (exchange) => this.#http2.acquire(exchange));
    this.#http2 = new Http2Connections({
      ...common,
      settings: config.http2,
      failed: (exchange, fault) => this.#queue.add(exchange, fault),
      connected: () => this.#queue.connected(),
    });
  }

  /** Open connections. */
  get size(): number {
    return this.#http1.size + this.#http2.size;
  }

  acquire(exchange: Exchange): void {
    if (exchange.request.version === 20) this.#http2.acquire(exchange);
    else this.#http1.acquire(exchange);
  }

  cancel(exchange: Exchange): void {
    if (exchange.request.version !== 20) {
      this.#http1.cancel(exchange);
      return;
    }
    this.#queue.remove(exchange);
    this.#http2.cancel(exchange);
  }

  attached(exchange: Exchange): void {
    this.#profiles.attached(exchange);
  }

  close(): void {
    this.#http1.close();
    this.#http2.close();
  }
}

/**
 * Requests of HTTP/2 whose connection could not be opened. Where requests of HTTP/1 fail at once, these wait while connecting is tried
 * again, as they do in Linkerd, and fail after the fail-fast time.
 */
class ConnectQueue {
  readonly #config: LocalAppConfig;
  readonly #clock: Clock;
  readonly #again: (exchange: Exchange) => void;
  readonly #backoff: Backoff;
  /** Since when they wait. */
  readonly #sinceMs = new Map<Exchange, number>();
  #timer: Timer | undefined;

  constructor(config: LocalAppConfig, deps: LocalAppDeps, again: (exchange: Exchange) => void) {
    this.#config = config;
    this.#clock = deps.clock;
    this.#again = again;
    this.#backoff = new Backoff(config.backoff, deps.random);
  }

  add(exchange: Exchange, fault: Fault): void {
    const { failfastMs, queueMax } = this.#config;
    const nowMs = this.#clock.nowMs();
    const sinceMs = this.#sinceMs.get(exchange) ?? nowMs;
    const isConnecting = fault.code === 'connect-refused' || fault.code === 'connect-timeout';
    if (!isConnecting) this.#give(exchange, fault);
    else if (nowMs - sinceMs >= failfastMs) this.#give(exchange, new Fault('fail-fast', fault.message, fault));
    else if (this.#sinceMs.size >= queueMax) this.#give(exchange, new Fault('load-shed', 'too many requests wait'));
    else {
      this.#sinceMs.set(exchange, sinceMs);
      this.#timer ??= this.#clock.after(Math.min(this.#backoff.nextMs(), sinceMs + failfastMs - nowMs), () =>
        this.#retry(),
      );
    }
  }

  remove(exchange: Exchange): void {
    this.#sinceMs.delete(exchange);
  }

  connected(): void {
    this.#backoff.reset();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#all();
    this.#sinceMs.clear();
  }

  /** Those who fail again come back. */
  #retry(): void {
    this.#timer = undefined;
    this.#all();
  }

  #all(): void {
    for (const exchange of [...this.#sinceMs.keys()]) this.#again(exchange);
  }

  #give(exchange: Exchange, fault: Fault): void {
    this.#sinceMs.delete(exchange);
    exchange.unavailable(fault);
  }
}
