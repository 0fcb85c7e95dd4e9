import { Fault } from '#model/faults';
import type { Timer } from '#runtime/clock';
import type { Drainable } from '#runtime/drain';
import { Field, type HttpVersion, type RequestHead, type ResponseHead } from '#wire/fields';
import {
  type EncodedFraming,
  encodeChunk,
  encodeLastChunk,
  encodeResponseHead,
  FIELD,
  HTTP1_FAULTS,
  Http1Decoder,
  type Http1FaultCode,
  type Http1Head,
  type Http1Sink,
  LastHead,
  requestHead,
  trailerFields,
} from '#wire/http1';
import { LIMITS } from '../limits.ts';
import { type Conn, type Holder, Intake, type TcpScope, tellHolder } from '../tcp/index.ts';
import type { ClientInfo, Downstream } from './contract.ts';
import { Exchange, type HttpSide, type Router } from './exchange.ts';
import { Http1Output } from './h1-output.ts';
import type { SlowHead } from './head-watch.ts';
import { NAMES } from './names.ts';
import { faultHead } from './respond.ts';

export interface Http1ServerOptions {
  readonly side: HttpSide;
  readonly router: Router;
  readonly client: ClientInfo;
  readonly scope: TcpScope;
  /** Say why in error responses. */
  readonly explain: boolean;
  /** Called once when the connection is over. */
  readonly closed: () => void;
}

/** The next requests of the connection wait for the one under way; other reasons to pause are the exchange's. */
const PAUSE_LEFTOVER = 4;

/** What is refused for its size alone. */
const TOO_LARGE: ReadonlySet<Http1FaultCode> = new Set(['head-too-long', 'too-many-fields']);

const NO_LENGTH = new Field(FIELD['content-length'], 'content-length', '0');

/** One HTTP/1 connection from a client: requests in order, one at a time, pipelined ones waiting in the socket. */
export class Http1Server implements Downstream, Drainable, SlowHead, Holder {
  readonly client: ClientInfo;
  headStartMs = 0;
  /** Of the request under way. */
  version: HttpVersion = 11;
  readonly #socket: Conn;
  readonly #options: Http1ServerOptions;
  readonly #decoder: Http1Decoder;
  readonly #exchange: Exchange;
  readonly #out: Http1Output;
  readonly #intake: Intake;
  readonly #lastHead = new LastHead();
  readonly #onData = (chunk: Buffer): void => this.#data(chunk);
  readonly #onDrain = (): void => this.#drained();
  readonly #onEnd = (): void => this.#end();
  readonly #onError = (error: NodeJS.ErrnoException): void => this.#gone(error.code ?? error.message);
  readonly #onClose = (): void => this.#gone('');
  /** Bytes of requests that must wait. */
  #leftover: Buffer | undefined;
  #trailers: Field[] | undefined;
  #pauses = 0;
  #method = '';
  #framing: EncodedFraming = 'none';
  #keepAlive = true;
  #tunnel = false;
  #feeding = false;
  #watched = false;
  /** The client sends no more. */
  #ended = false;
  /** We send no more. */
  #ending = false;
  #closed = false;
  #linger: Timer | undefined;

  /** `first`: bytes that were read for detection. */
  constructor(socket: Conn, first: Buffer, options: Http1ServerOptions) {
    this.#socket = socket;
    this.#options = options;
    this.client = options.client;
    this.#out = new Http1Output(socket, options.scope, options.side.shared.flusher, () =>
      this.#exchange.downstreamStuck(),
    );
    this.#exchange = new Exchange(options.side, this, options.explain);
    this.#decoder = new Http1Decoder('request', NAMES, this.#sink());
    this.#intake = new Intake(socket, options.side.clock);
    tellHolder(socket, this);
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    // What came before somebody listened does not come again; behind this call, in which the owner has no server yet.
    if (socket.readableEnded) queueMicrotask(this.#onEnd);
    if (first.length > 0) this.#feed(first);
    if (this.#pauses === 0 && !this.#closed) socket.resume();
  }

  // --- Drainable

  drain(): void {
    this.#keepAlive = false;
    if (!this.#exchange.open) this.#finishWriting();
  }

  abort(): void {
    this.#socket.destroy();
  }

  // --- Downstream

  informational(head: ResponseHead): void {
    encodeResponseHead(head, 'none', '', this.#out);
  }

  respond(head: ResponseHead, end: boolean): void {
    const { status } = head;
    if (status === 101 || (this.#method === 'CONNECT' && status >= 200 && status < 300)) {
      this.#openTunnel(head);
      return;
    }
    this.#framing = this.#frame(head, end);
    if (this.#framing === 'until-close') this.#keepAlive = false;
    const old = this.version === 10 ? 'keep-alive' : '';
    encodeResponseHead(head, this.#framing, this.#keepAlive ? old : 'close', this.#out, this.#lastHead);
  }

  data(buf: Uint8Array, start: number, end: number): boolean {
    if (this.#framing === 'chunked') encodeChunk(buf, start, end, this.#out);
    else if (this.#framing !== 'none') this.#out.add(buf, start, end);
    return this.#out.bounded();
  }

  end(trailers: readonly Field[] | undefined): void {
    if (this.#framing === 'chunked') encodeLastChunk(trailers, this.#out);
    else if (this.#tunnel) this.#endSocket();
  }

  /** A mere end would complete a response that lasts until the connection ends. */
  reset(): void {
    this.#out.flush();
    if (this.#framing === 'until-close') this.#socket.resetAndDestroy();
    else this.#socket.destroy();
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

  closeConnection(): void {
    this.#keepAlive = false;
  }

  done(): void {
    // Every reason to pause concerned the exchange that is over.
    const paused = this.#pauses !== 0;
    this.#pauses = 0;
    if (!this.#keepAlive || this.#tunnel || !this.#exchange.requestDone) {
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

  // --- Holder

  heldBytes(): number {
    return this.#decoder.heldBytes + (this.#leftover?.length ?? 0) + this.#exchange.keptBytes;
  }

  forgetKept(): number {
    return this.#exchange.forgetKept();
  }

  // --- SlowHead

  headTimedOut(): void {
    if (!this.#closed && !this.#ending) this.#refuse(new Fault('slow-client'));
  }

  // --- the request

  #sink(): Http1Sink {
    const { fields } = this.#options.side.shared;
    return {
      head: (head) => this.#begin(requestHead(head, fields), head),
      data: (buf, start, end) => this.#exchange.data(buf, start, end),
      trailers: (head) => {
        this.#trailers = trailerFields(head, fields);
      },
      end: () => {
        const trailers = this.#trailers;
        this.#trailers = undefined;
        this.#exchange.end(trailers);
      },
      fault: (code) => this.#fault(code),
    };
  }

  #begin(request: RequestHead, { framing, keepAlive }: Http1Head): void {
    if (this.#watched) this.#unwatch();
    this.version = request.version;
    this.#method = request.method;
    this.#framing = 'none';
    this.#keepAlive &&= keepAlive;
    this.#exchange.begin(request, framing === 'none', this.#options.router);
  }

  #fault(code: Http1FaultCode): void {
    if (this.#exchange.open) {
      this.#exchange.abort(code === 'truncated' ? 'client-gone' : 'bad-request');
      this.#socket.destroy();
    } else if (code !== 'truncated' && !this.#ending)
      this.#refuse(new Fault(TOO_LARGE.has(code) ? 'head-too-large' : 'bad-request', HTTP1_FAULTS[code]));
  }

  #data(chunk: Buffer): void {
    this.#options.scope.read(chunk.length);
    this.#intake.read(chunk.length);
    if (this.#ending && !this.#tunnel) return; // the answer closes the connection: what still comes is thrown away
    if (this.#leftover) this.#leftover = Buffer.concat([this.#leftover, chunk]);
    else this.#feed(chunk);
  }

  #feed(chunk: Buffer): void {
    if (this.#tunnel) {
      this.#exchange.data(chunk, 0, chunk.length);
      return;
    }
    this.#feeding = true;
    let at = 0;
    while (at < chunk.length && !this.#ending && !this.#closed) {
      if (this.#exchange.open && this.#exchange.requestDone) {
        this.#leftover = at === 0 ? chunk : chunk.subarray(at);
        this.pause(PAUSE_LEFTOVER);
        break;
      }
      const next = this.#decoder.push(chunk, at, chunk.length);
      if (next === at) break;
      at = next;
    }
    this.#feeding = false;
    if (!this.#exchange.open && !this.#watched && !this.#decoder.idle && !this.#ending) this.#watch();
  }

  #end(): void {
    this.#ended = true;
    if (this.#tunnel) {
      this.#exchange.end(undefined);
      return;
    }
    this.#decoder.finish();
    if (!this.#exchange.open) this.#finishWriting();
  }

  #watch(): void {
    const { clock, shared } = this.#options.side;
    this.#watched = true;
    this.headStartMs = clock.nowMs();
    shared.heads.add(this);
  }

  #unwatch(): void {
    this.#watched = false;
    this.#options.side.shared.heads.remove(this);
  }

  // --- the response

  #frame(head: ResponseHead, end: boolean): EncodedFraming {
    const { status } = head;
    if (this.#method === 'HEAD' || status === 204 || status === 304) return 'none';
    if (end) {
      if (head.contentLength < 0) head.fields.push(NO_LENGTH);
      return 'none';
    }
    if (head.contentLength >= 0) return 'length';
    return this.version === 11 ? 'chunked' : 'until-close';
  }

  #openTunnel(head: ResponseHead): void {
    encodeResponseHead(head, 'none', '', this.#out);
    this.#tunnel = true;
    this.#framing = 'until-close';
    const leftover = this.#leftover;
    this.#leftover = undefined;
    this.resume(PAUSE_LEFTOVER);
    if (!leftover && !this.#ended) return;
    // Behind the call that opens the tunnel, in which the exchange does not take bytes yet.
    queueMicrotask(() => {
      if (leftover) this.#exchange.data(leftover, 0, leftover.length);
      if (this.#ended) this.#exchange.end(undefined);
    });
  }

  #refuse(fault: Fault): void {
    const { side, explain } = this.#options;
    side.failed(fault.code);
    if (this.#watched) this.#unwatch();
    this.#keepAlive = false;
    const head = faultHead(fault, { version: 11, isGrpc: false, explain, closes: true });
    encodeResponseHead(head, 'none', 'close', this.#out);
    this.#finishWriting();
  }

  #drained(): void {
    this.#out.drained();
    this.#exchange.downstreamDrained();
  }

  /** Ends our side; what the client still sends is read for a moment, so that a reset does not overtake the answer. */
  #finishWriting(): void {
    if (this.#closed) return;
    if (this.#ending) {
      // A tunnel has said its end before; what is left of it has as long as the end of any answer.
      if (this.#tunnel) this.#cutAfter(LIMITS.finishMs);
      return;
    }
    this.#leftover = undefined;
    this.#pauses = 0;
    this.#cutAfter(LIMITS.finishMs);
    this.#endSocket(() => this.#cutAfter(LIMITS.lingerMs));
    if (!this.#ended) this.#socket.resume();
  }

  #endSocket(done?: () => void): void {
    this.#out.flush();
    this.#ending = true;
    this.#socket.end(done);
  }

  #cutAfter(delayMs: number): void {
    this.#linger?.cancel();
    if (!this.#closed) this.#linger = this.#options.side.clock.after(delayMs, () => this.#socket.destroy());
  }

  #gone(errno: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#linger?.cancel();
    if (this.#watched) this.#unwatch();
    this.#options.scope.closed(errno);
    this.#exchange.abort('client-gone');
    this.#socket.destroy();
    this.#options.closed();
  }
}
