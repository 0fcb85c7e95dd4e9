import { Fault } from '#model/faults';
import { Http1Decoder, type Http1Head, type Http1Sink } from '#wire/http1';
import type { Conn, TcpScope } from '../tcp/index.ts';
import type { Exchange } from './exchange.ts';
import { NAMES } from './names.ts';

/** Who owns the connections to one server. */
export interface ClientHost {
  /** The connection is free for another request. */
  idle(client: Http1Client): void;
  /** The connection is gone; it was idle if no exchange was told. */
  closed(client: Http1Client): void;
}

/** One HTTP/1 connection to a server, for one exchange at a time. */
export class Http1Client implements Http1Sink {
  /** When it became idle; monotonic. */
  idleSinceMs = 0;
  readonly #socket: Conn;
  readonly #host: ClientHost;
  readonly #scope: TcpScope;
  readonly #decoder = new Http1Decoder('response', NAMES, this);
  readonly #onData = (chunk: Buffer): void => this.#data(chunk);
  readonly #onDrain = (): void => this.#owner?.upstreamDrained();
  readonly #onEnd = (): void => this.#lost('');
  readonly #onError = (error: NodeJS.ErrnoException): void => this.#lost(error.code ?? error.message);
  readonly #onClose = (): void => this.#ended('');
  #owner: Exchange | undefined;
  #requests = 0;
  #responded = false;
  #complete = false;
  #keepAlive = true;
  #tunnel = false;
  #paused = false;
  #closed = false;

  constructor(socket: Conn, host: ClientHost, scope: TcpScope) {
    this.#socket = socket;
    this.#host = host;
    this.#scope = scope;
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  get usable(): boolean {
    return !this.#closed && this.#owner === undefined;
  }

  start(owner: Exchange): void {
    this.#owner = owner;
    this.#requests++;
    this.#responded = false;
    this.#complete = false;
    this.#decoder.expect({ noBody: owner.noBody, tunnel: owner.tunnelAsked });
  }

  write(bytes: Buffer): boolean {
    this.#scope.wrote(bytes.length);
    return this.#socket.write(bytes);
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (this.#paused) this.#socket.resume();
    this.#paused = false;
  }

  /** The exchange is complete: keep the connection if the server does. */
  release(): void {
    this.#owner = undefined;
    this.resume();
    if (this.#keepAlive && !this.#closed) this.#host.idle(this);
    else this.destroy();
  }

  /** Gives the connection up. A request under way is broken off by a reset: a mere end would let the server go on. */
  destroy(): void {
    const broken = this.#owner !== undefined && !this.#complete;
    this.#owner = undefined;
    this.#ended('');
    if (broken) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  head(head: Http1Head): void {
    if (head.upgrade && !this.#owner?.upgradeAsked) {
      this.fault('a switch of protocols that nobody asked for');
      return;
    }
    this.#responded = true;
    if (head.status >= 200 || head.upgrade) this.#keepAlive = head.keepAlive;
    this.#tunnel = head.upgrade;
    this.#owner?.responseHead(head);
  }

  body(buf: Uint8Array, start: number, end: number): void {
    this.#owner?.responseBody(buf, start, end);
  }

  trailers(head: Http1Head): void {
    this.#owner?.responseTrailers(head);
  }

  end(): void {
    this.#complete = true;
  }

  fault(code: string): void {
    this.#keepAlive = false;
    const owner = this.#owner;
    this.#owner = undefined;
    owner?.flushResponse();
    owner?.lost(new Fault(code === 'truncated' ? 'upstream-reset' : 'upstream-malformed', code), false);
    this.destroy();
  }

  #data(chunk: Buffer): void {
    this.#scope.read(chunk.length);
    // Bytes that nobody asked for: the server is out of step, and so must not get another request.
    if (!this.#owner) {
      this.destroy();
      return;
    }
    let at = 0;
    while (at < chunk.length && !this.#complete && !this.#tunnel) {
      const next = this.#decoder.push(chunk, at, chunk.length);
      if (next === at || !this.#owner) break;
      at = next;
    }
    if (at < chunk.length && this.#complete) this.#keepAlive = false;
    this.#settle(at < chunk.length ? chunk.subarray(at) : undefined);
  }

  /** Hands on what the bytes at hand amounted to. */
  #settle(rest: Buffer | undefined): void {
    const owner = this.#owner;
    if (!owner) return;
    if (this.#tunnel) {
      this.#detach();
      owner.tunnel({ socket: this.#socket, scope: this.#scope, first: rest, ended: false });
      return;
    }
    owner.flushResponse();
    if (this.#complete) owner.responseEnd();
  }

  #detach(): void {
    this.#owner = undefined;
    this.#closed = true;
    const socket = this.#socket;
    socket.pause();
    socket.off('data', this.#onData);
    socket.off('drain', this.#onDrain);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    this.#host.closed(this);
  }

  #lost(errno: string): void {
    this.#ended(errno);
    this.#socket.destroy();
  }

  #ended(errno: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#scope.closed(errno);
    this.#host.closed(this);
    this.#keepAlive = false;
    const owner = this.#owner;
    if (owner) {
      if (!this.#responded) {
        this.#owner = undefined;
        owner.lost(new Fault('upstream-reset', errno), this.#requests > 1);
      } else {
        // Completes a response that lasts until the connection ends; any other is cut off, which `fault` reports.
        this.#decoder.finish();
        this.#settle(undefined);
      }
    }
  }
}
