import { Fault } from '#model/faults';
import type { Clock } from '#runtime/clock';
import type { DialSink } from '../dial/index.ts';
import { LIMITS } from '../limits.ts';
import type { Conn, TcpScope } from '../tcp/index.ts';
import type { Exchange } from './exchange.ts';
import { Http2Client, type Http2ClientHost } from './h2-client.ts';
import type { Http2Settings } from './h2-settings.ts';
import type { HttpShared } from './shared.ts';

export interface Http2ConnectionsOptions {
  readonly dial: (sink: DialSink) => () => void;
  readonly scope: TcpScope;
  readonly clock: Clock;
  readonly shared: HttpShared;
  readonly settings: Http2Settings;
  /** A connection for this exchange could not be opened, or too many wait for one. */
  readonly failed: (exchange: Exchange, fault: Fault) => void;
  /** A connection was opened. */
  readonly connected?: () => void;
  /** The last connection that takes requests is gone. */
  readonly disconnected?: () => void;
}

/**
 * All HTTP/2 connections to one server: one, as long as it takes all requests; more where the server limits the streams of each.
 * Requests that find no room wait in order of arrival.
 */
export class Http2Connections implements Http2ClientHost {
  streamsGuess = Number.POSITIVE_INFINITY;
  readonly #options: Http2ConnectionsOptions;
  /** Those that take requests, oldest first. */
  readonly #clients: Http2Client[] = [];
  readonly #open = new Set<Http2Client>();
  /** In order of arrival. */
  readonly #waiting = new Set<Exchange>();
  #dialling: (() => void) | undefined;
  #probes: ((fault: Fault | undefined) => void)[] = [];
  #closed = false;
  #replacedMs = Number.NEGATIVE_INFINITY;

  constructor(options: Http2ConnectionsOptions) {
    this.#options = options;
  }

  /** Connections that are open, those that take no more requests too. */
  get size(): number {
    return this.#open.size;
  }

  /** A connection is there that takes requests; maybe not at once. */
  get ready(): boolean {
    return this.#clients.length > 0;
  }

  /** Streams under way. */
  get openStreams(): number {
    let sum = 0;
    for (const client of this.#open) sum += client.openStreams;
    return sum;
  }

  acquire(exchange: Exchange): void {
    const client = this.#waiting.size === 0 ? this.#roomy() : undefined;
    if (client) {
      client.open(exchange);
      return;
    }
    if (this.#waiting.size >= LIMITS.http2WaitingMax) {
      this.#options.failed(exchange, new Fault('load-shed', 'too many requests wait for a stream'));
      return;
    }
    this.#waiting.add(exchange);
    if (this.#clients.length < LIMITS.http2ConnectionsMax) this.#dial();
  }

  /** The connection under way is kept for others. */
  cancel(exchange: Exchange): void {
    this.#waiting.delete(exchange);
  }

  /** Opens a connection if there is none, and tells how that went. */
  connect(done: (fault: Fault | undefined) => void): void {
    if (this.ready) {
      done(undefined);
      return;
    }
    this.#probes.push(done);
    this.#dial();
  }

  /** As {@link connect}, for those who only ask whether the server is back. */
  probe(done: (ok: boolean) => void): void {
    this.connect((fault) => done(fault === undefined));
  }

  /** Takes no more requests; connections close when what is under way is over. */
  close(): void {
    this.#closed = true;
    this.#dialling?.();
    this.#dialling = undefined;
    this.#refuse(new Fault('stream-goaway', 'the endpoint is gone'));
    for (const client of this.#clients.splice(0)) client.retire();
  }

  // --- from connections

  available(client: Http2Client): void {
    for (const exchange of this.#waiting) {
      if (!client.ready) return;
      this.#waiting.delete(exchange);
      client.open(exchange);
    }
  }

  retired(client: Http2Client): void {
    const index = this.#clients.indexOf(client);
    if (index < 0) return;
    this.#clients.splice(index, 1);
    if (this.#clients.length > 0 || this.#closed) return;
    if (this.#waiting.size > 0) this.#dial();
    this.#options.disconnected?.();
  }

  mayReplace(beyond: number): boolean {
    const nowMs = this.#options.clock.nowMs();
    if (this.#open.size >= LIMITS.http2ConnectionsMax) return false;
    const isSoon = nowMs - this.#replacedMs < LIMITS.http2ReplaceEveryMs;
    if (isSoon && beyond < LIMITS.http2ResetsBeyondMax) return false;
    this.#replacedMs = nowMs;
    return true;
  }

  closed(client: Http2Client): void {
    this.#open.delete(client);
    this.retired(client);
  }

  /** The first connection with room: the others fall idle and can be closed by the server. */
  #roomy(): Http2Client | undefined {
    for (let i = 0; i < this.#clients.length; i++) if (this.#clients[i]!.ready) return this.#clients[i];
    return undefined;
  }

  #dial(): void {
    if (this.#dialling || this.#closed) return;
    this.#dialling = this.#options.dial({
      connected: (socket) => {
        this.#dialling = undefined;
        this.#opened(socket);
      },
      failed: (fault) => {
        this.#dialling = undefined;
        for (const probe of this.#probes.splice(0)) probe(fault);
        // With connections left, waiting goes on: streams end.
        if (this.#clients.length === 0) this.#refuse(fault);
      },
    });
  }

  #opened(socket: Conn): void {
    const { scope, clock, shared, settings } = this.#options;
    scope.opened();
    const client = new Http2Client(socket, { host: this, clock, shared, scope, settings });
    this.#open.add(client);
    this.#clients.push(client);
    this.#options.connected?.();
    for (const probe of this.#probes.splice(0)) probe(undefined);
    this.available(client);
    if (this.#waiting.size > 0 && this.#clients.length < LIMITS.http2ConnectionsMax) this.#dial();
  }

  #refuse(fault: Fault): void {
    const refused = [...this.#waiting];
    this.#waiting.clear();
    for (const exchange of refused) this.#options.failed(exchange, fault);
  }
}
