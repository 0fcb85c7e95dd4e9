import { Fault } from '#model/faults';
import type { Clock, Timer } from '#runtime/clock';
import type { Drainable } from '#runtime/drain';
import { HTTP1_FAULTS, Http1Decoder, type Http1FaultCode, type Http1Head, type Http1Sink } from '#wire/http1';
import { LIMITS } from '../limits.ts';
import type { TcpScope } from '../tcp/index.ts';
import { type Conn, type SpliceEnd, splice } from '../tcp/index.ts';
import { type Downstream, Exchange, type HttpSide, PAUSE_LEFTOVER, type Router } from './exchange.ts';
import { NAMES } from './names.ts';
import { faultResponse } from './respond.ts';

export interface ServerOptions {
  readonly side: HttpSide;
  readonly router: Router;
  readonly clock: Clock;
  readonly scope: TcpScope;
  /** Say why in error responses. */
  readonly explain: boolean;
  /** Called once when the connection is over. */
  readonly closed: () => void;
}

/** One HTTP/1 connection from a client: requests in order, one at a time, pipelined ones waiting in the socket. */
export class Http1Server implements Http1Sink, Downstream, Drainable {
  readonly #socket: Conn;
  readonly #options: ServerOptions;
  readonly #decoder = new Http1Decoder('request', NAMES, this);
  readonly #exchange: Exchange;
  readonly #onData = (chunk: Buffer): void => this.#data(chunk);
  readonly #onDrain = (): void => this.#exchange.downstreamDrained();
  readonly #onEnd = (): void => this.#end();
  readonly #onError = (error: NodeJS.ErrnoException): void => this.#gone(error.code ?? error.message);
  readonly #onClose = (): void => this.#gone('');
  /** Bytes of requests that must wait. */
  #leftover: Buffer | undefined;
  #pauses = 0;
  #feeding = false;
  #ended = false;
  #ending = false;
  #closed = false;
  #linger: Timer | undefined;

  /** `first`: bytes that were read for detection. */
  constructor(socket: Conn, first: Buffer, options: ServerOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#exchange = new Exchange(options.side, this, options.clock);
    this.#exchange.explain = options.explain;
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    if (first.length > 0) this.#feed(first);
    if (this.#pauses === 0 && !this.#closed) socket.resume();
  }

  // --- Drainable

  drain(): void {
    this.#exchange.close();
    if (!this.#exchange.open) this.#finishWriting();
  }

  abort(): void {
    this.#socket.destroy();
  }

  // --- from the decoder

  head(head: Http1Head): void {
    this.#exchange.begin(head, this.#options.router);
  }

  body(buf: Uint8Array, start: number, end: number): void {
    this.#exchange.body(buf, start, end);
  }

  trailers(head: Http1Head): void {
    this.#exchange.trailers(head);
  }

  end(): void {
    this.#exchange.requestEnd();
  }

  fault(code: Http1FaultCode): void {
    if (this.#exchange.open) {
      this.#exchange.abort(code === 'truncated' ? 'client-gone' : 'bad-request');
      this.#socket.destroy();
    } else if (code !== 'truncated' && !this.#ending) this.#refuse(code);
  }

  // --- Downstream

  write(bytes: Buffer): boolean {
    this.#options.scope.wrote(bytes.length);
    return this.#socket.write(bytes);
  }

  pause(reason: number): void {
    if (this.#pauses === 0) this.#socket.pause();
    this.#pauses |= reason;
  }

  resume(reason: number): void {
    if (this.#pauses === 0) return;
    this.#pauses &= ~reason;
    if (this.#pauses === 0 && !this.#closed) this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  exchangeDone(keepAlive: boolean): void {
    // Every reason to pause concerned the exchange that is over.
    const paused = this.#pauses !== 0;
    this.#pauses = 0;
    if (!keepAlive) {
      this.#finishWriting();
      return;
    }
    const leftover = this.#leftover;
    this.#leftover = undefined;
    // Inside `#feed` the loop goes on by itself.
    if (leftover && !this.#feeding) this.#feed(leftover);
    if (this.#closed || this.#ending) return;
    if (paused && this.#pauses === 0) this.#socket.resume();
    if (this.#ended && !this.#exchange.open) this.#finishWriting();
  }

  tunnel(upstream: SpliceEnd, ended: () => void): void {
    const first = this.#leftover;
    this.#leftover = undefined;
    this.#detach();
    splice({ socket: this.#socket, scope: this.#options.scope, first, ended: this.#ended }, upstream, () => {
      ended();
      this.#options.closed();
    });
  }

  // --- the socket

  #data(chunk: Buffer): void {
    this.#options.scope.read(chunk.length);
    if (this.#ending) return; // the answer closes the connection: what still comes is thrown away
    if (this.#leftover) {
      this.#leftover = Buffer.concat([this.#leftover, chunk]);
      return;
    }
    this.#feed(chunk);
  }

  #feed(chunk: Buffer): void {
    this.#feeding = true;
    let at = 0;
    while (at < chunk.length && !this.#ending && !this.#closed) {
      if (this.#exchange.open && this.#exchange.requestDone) {
        this.#leftover = at === 0 ? chunk : chunk.subarray(at);
        this.pause(PAUSE_LEFTOVER);
        break;
      }
      const next = this.#decoder.push(chunk, at, chunk.length);
      this.#exchange.flushRequest();
      if (next === at) break;
      at = next;
    }
    this.#feeding = false;
  }

  #end(): void {
    this.#ended = true;
    this.#decoder.finish();
    if (!this.#exchange.open) this.#finishWriting();
  }

  #refuse(code: Http1FaultCode): void {
    this.#options.side.failed('bad-request');
    this.write(faultResponse(new Fault('bad-request', HTTP1_FAULTS[code]), true, this.#options.explain));
    this.#finishWriting();
  }

  /** Ends our side; what the client still sends is read for a moment, so that a reset does not overtake the answer. */
  #finishWriting(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    this.#leftover = undefined;
    this.#pauses = 0;
    this.#socket.end();
    if (this.#ended) return;
    this.#socket.resume();
    this.#linger = this.#options.clock.after(LIMITS.lingerMs, () => this.#socket.destroy());
  }

  #gone(errno: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#linger?.cancel();
    this.#options.scope.closed(errno);
    this.#exchange.abort('client-gone');
    this.#socket.destroy();
    this.#options.closed();
  }

  #detach(): void {
    this.#closed = true;
    const socket = this.#socket;
    socket.pause();
    socket.off('data', this.#onData);
    socket.off('drain', this.#onDrain);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
  }
}
