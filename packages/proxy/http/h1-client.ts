import { Fault } from '#model/faults';
import type { Clock } from '#runtime/clock';
import type { Field, HttpVersion, RequestHead, ResponseHead } from '#wire/fields';
import {
  type EncodedFraming,
  encodeChunk,
  encodeLastChunk,
  encodeRequestHead,
  Http1Decoder,
  type Http1Head,
  type Http1Sink,
  LastHead,
  responseHead,
  trailerFields,
} from '#wire/http1';
import { LIMITS } from '../limits.ts';
import { type Conn, type Holder, Intake, type TcpScope, tellHolder } from '../tcp/index.ts';
import type { ResponseSink, Sender, UpstreamSink } from './contract.ts';
import { Http1Output } from './h1-output.ts';
import { NAMES } from './names.ts';
import type { HttpShared } from './shared.ts';

/** Who owns the connections to one server. */
export interface Http1ClientHost {
  /** The connection is free for another request. */
  idle(client: Http1Client): void;
  /** The connection is gone; it was idle if no exchange was told. */
  closed(client: Http1Client): void;
}

export interface Http1ClientOptions {
  readonly host: Http1ClientHost;
  readonly scope: TcpScope;
  readonly clock: Clock;
  readonly shared: HttpShared;
}

/** One HTTP/1 connection to a server, for one exchange at a time. */
export class Http1Client implements Sender, Holder {
  readonly version: HttpVersion = 11;
  /** When it became idle; monotonic. */
  idleSinceMs = 0;
  readonly #socket: Conn;
  readonly #options: Http1ClientOptions;
  readonly #decoder: Http1Decoder;
  readonly #out: Http1Output;
  readonly #intake: Intake;
  readonly #lastHead = new LastHead();
  readonly #onData = (chunk: Buffer): void => this.#data(chunk);
  readonly #onDrain = (): void => this.#drained();
  readonly #onEnd = (): void => this.#end();
  readonly #onError = (error: NodeJS.ErrnoException): void => this.#lost(error.code ?? error.message);
  readonly #onClose = (): void => this.#lost('');
  #owner: (ResponseSink & UpstreamSink) | undefined;
  #requests = 0;
  #informationals = 0;
  #framing: EncodedFraming = 'none';
  #tunnelAsked = false;
  /** A head without body, told when the decoder is done with the message. */
  #wholeHead: ResponseHead | undefined;
  #trailers: Field[] | undefined;
  #responded = false;
  #complete = false;
  #keepAlive = true;
  #tunnel = false;
  #discarding = false;
  #discardedBytes = 0;
  #paused = false;
  #closed = false;

  constructor(socket: Conn, options: Http1ClientOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#out = new Http1Output(socket, options.scope, options.shared.flusher, () => this.#owner?.upstreamStuck());
    this.#decoder = new Http1Decoder('response', NAMES, this.#sink());
    this.#intake = new Intake(socket, options.clock);
    tellHolder(socket, this);
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  get usable(): boolean {
    return !this.#closed && this.#owner === undefined;
  }

  get reused(): boolean {
    return this.#requests > 1;
  }

  // --- Holder

  heldBytes(): number {
    return this.#decoder.heldBytes;
  }

  /** Sends the request of an exchange. False: nobody waits for it any more. */
  serve(exchange: ResponseSink & UpstreamSink): boolean {
    this.#owner = exchange;
    this.#requests++;
    this.#informationals = 0;
    this.#responded = false;
    this.#complete = false;
    if (exchange.attach(this)) return true;
    this.#owner = undefined;
    this.#requests--;
    return false;
  }

  // --- Sender

  head(head: RequestHead, end: boolean): void {
    const isConnect = head.method === 'CONNECT';
    this.#tunnelAsked = isConnect || head.upgrade !== '';
    this.#decoder.expect({ noBody: head.method === 'HEAD', tunnel: isConnect });
    this.#framing = end || isConnect ? 'none' : head.contentLength >= 0 ? 'length' : 'chunked';
    encodeRequestHead(head, this.#framing, this.#out, this.#lastHead);
  }

  data(buf: Uint8Array, start: number, end: number): boolean {
    if (this.#framing === 'chunked') encodeChunk(buf, start, end, this.#out);
    else this.#out.add(buf, start, end);
    return this.#out.bounded();
  }

  end(trailers: readonly Field[] | undefined): void {
    if (this.#tunnel) {
      this.#out.flush();
      this.#socket.end();
    } else if (this.#framing === 'chunked') encodeLastChunk(trailers, this.#out);
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (this.#paused) this.#socket.resume();
    this.#paused = false;
  }

  /** Keeps the connection if the server does. */
  release(): void {
    this.#owner = undefined;
    // Both sides of a tunnel have said their end; what is still to be sent is not cut off at once.
    if (this.#tunnel) {
      if (!this.#closed) this.#options.clock.after(LIMITS.finishMs, () => this.#destroy(true));
      return;
    }
    this.resume();
    if (this.#keepAlive && !this.#closed) this.#options.host.idle(this);
    else this.#destroy(false);
  }

  /** Breaks the request off by a reset: a mere end would let the server go on. */
  cancel(): void {
    const broken = this.#owner !== undefined && !this.#complete;
    this.#owner = undefined;
    this.#destroy(broken);
  }

  discard(): void {
    if (!this.#keepAlive || this.#closed) {
      this.cancel();
      return;
    }
    this.#owner = undefined;
    this.#discarding = true;
    this.#discardedBytes = 0;
    this.resume();
    this.#options.clock.after(LIMITS.lingerMs, () => {
      if (this.#discarding) this.#destroy(true);
    });
  }

  /** Ends the connection, which nobody uses. */
  destroy(): void {
    this.#destroy(false);
  }

  // --- the response

  #sink(): Http1Sink {
    const { fields } = this.#options.shared;
    return {
      head: (head) => this.#head(head),
      data: (buf, start, end) => this.#body(buf, start, end),
      trailers: (head) => {
        this.#trailers = trailerFields(head, fields);
      },
      end: () => {
        this.#complete = true;
      },
      fault: (code) => this.#fault(code),
    };
  }

  #head(head: Http1Head): void {
    if (head.upgrade && !this.#tunnelAsked) {
      this.#fault('a switch of protocols that nobody asked for');
      return;
    }
    this.#responded = true;
    const response = responseHead(head, this.#options.shared.fields);
    if (head.status < 200 && !head.upgrade) {
      if (++this.#informationals > LIMITS.informationalsMax) this.#fault('too many informational responses');
      else this.#owner?.informational(response);
      return;
    }
    this.#keepAlive = head.keepAlive;
    this.#tunnel = head.upgrade;
    if (head.framing === 'none' && !head.upgrade) this.#wholeHead = response;
    else this.#owner?.response(response, false);
  }

  #body(buf: Uint8Array, start: number, end: number): void {
    if (this.#owner) this.#owner.responseData(buf, start, end);
    else if (this.#discarding) {
      this.#discardedBytes += end - start;
      if (this.#discardedBytes > LIMITS.discardBytesMax) this.#destroy(true);
    }
  }

  #fault(code: string): void {
    this.#keepAlive = false;
    const owner = this.#owner;
    this.#owner = undefined;
    owner?.lost(new Fault(code === 'truncated' ? 'upstream-reset' : 'upstream-malformed', code), 'never');
    this.#destroy(owner !== undefined);
  }

  #data(chunk: Buffer): void {
    this.#options.scope.read(chunk.length);
    this.#intake.read(chunk.length);
    if (this.#tunnel) {
      this.#owner?.responseData(chunk, 0, chunk.length);
      return;
    }
    // Bytes that nobody asked for: the server is out of step, and so must not get another request.
    if (!this.#owner && !this.#discarding) {
      this.#destroy(false);
      return;
    }
    let at = 0;
    while (at < chunk.length && !this.#complete && !this.#tunnel && !this.#closed) {
      const next = this.#decoder.push(chunk, at, chunk.length);
      if (next === at) break;
      at = next;
    }
    if (this.#tunnel) {
      if (at < chunk.length) this.#owner?.responseData(chunk, at, chunk.length);
      return;
    }
    if (at < chunk.length && this.#complete) this.#keepAlive = false;
    if (this.#complete) this.#completed();
  }

  /** Tells the end of the response; what the owner does then, such as sending another request, finds the decoder ready. */
  #completed(): void {
    const head = this.#wholeHead;
    const trailers = this.#trailers;
    this.#wholeHead = undefined;
    this.#trailers = undefined;
    if (this.#discarding) {
      this.#discarding = false;
      this.release();
    } else if (head) this.#owner?.response(head, true);
    else this.#owner?.responseEnd(trailers);
  }

  #drained(): void {
    this.#out.drained();
    this.#owner?.upstreamDrained();
  }

  #end(): void {
    // A tunnel ends each way by itself.
    if (this.#tunnel && this.#owner) this.#owner.responseEnd(undefined);
    else this.#lost('', true);
  }

  /** `ended`: the server said that it sends no more, rather than breaking off. */
  #lost(errno: string, ended = false): void {
    if (this.#closed) return;
    const owner = this.#owner;
    this.#closed = true;
    this.#keepAlive = false;
    this.#discarding = false;
    this.#options.scope.closed(errno);
    this.#options.host.closed(this);
    if (owner && (!this.#responded || this.#tunnel)) {
      this.#owner = undefined;
      owner.lost(new Fault('upstream-reset', errno), this.reused && !this.#tunnel ? 'if-idempotent' : 'never');
    } else if (owner) {
      // Completes a response that lasts until the connection ends; any other is cut off.
      if (ended) this.#decoder.finish();
      if (this.#complete) this.#completed();
      else if (this.#owner) this.#fault('truncated');
    }
    this.#socket.destroy();
  }

  #destroy(broken: boolean): void {
    this.#discarding = false;
    if (!this.#closed) {
      this.#closed = true;
      this.#options.scope.closed('');
      this.#options.host.closed(this);
    }
    if (broken) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }
}
