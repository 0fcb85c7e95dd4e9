import { Fault } from '#model/faults';
import type { Drainable } from '#runtime/drain';
import type { Field, RequestHead } from '#wire/fields';
import {
  createHttp2Connection,
  HTTP2_ERROR,
  type Http2Connection,
  type Http2Sink,
  type Http2Stream,
  http2ErrorName,
} from '#wire/http2';
import { LIMITS } from '../limits.ts';
import { type Conn, type HeldPart, type Holder, type TcpScope, tellHolder } from '../tcp/index.ts';
import type { ClientInfo } from './contract.ts';
import { Exchange, type HttpSide, type Router } from './exchange.ts';
import { queuedParts } from './h2-held.ts';
import { Http2Link } from './h2-link.ts';
import type { Http2Settings } from './h2-settings.ts';
import { Http2ServerStream, type Http2StreamHost } from './h2-stream.ts';

export interface Http2ServerOptions {
  readonly side: HttpSide;
  readonly router: Router;
  readonly client: ClientInfo;
  /** Say why in error responses. */
  readonly explain: boolean;
  readonly scope: TcpScope;
  readonly settings: Http2Settings;
  /** Take requests that a proxy upgraded back to HTTP/1. */
  readonly downgrades: boolean;
  /** The connection is ended because of what the client does. */
  readonly refused: (fault: Fault) => void;
  /** Called once when the connection is over. */
  readonly closed: () => void;
}

/** One HTTP/2 connection from a client; each stream has an exchange of its own. */
export class Http2Server implements Http2Sink<Http2ServerStream>, Http2StreamHost, Drainable, Holder {
  readonly client: ClientInfo;
  readonly router: Router;
  readonly downgrades: boolean;
  readonly #options: Http2ServerOptions;
  readonly #connection: Http2Connection<Http2ServerStream>;
  readonly #link: Http2Link;
  readonly #free: Http2ServerStream[] = [];
  readonly #makeExchange: (stream: Http2ServerStream) => Exchange;

  /** `first`: bytes that were read for detection, from the connection preface on. */
  constructor(socket: Conn, first: Buffer, options: Http2ServerOptions) {
    const { side, scope, settings, explain } = options;
    const { clock, shared } = side;
    this.#options = options;
    this.client = options.client;
    this.router = options.router;
    this.downgrades = options.downgrades;
    this.#makeExchange = (stream) => new Exchange(side, stream, explain);
    this.#connection = createHttp2Connection('server', settings.codec, shared.fields, this);
    this.#link = new Http2Link(socket, this.#connection, {
      scope,
      clock,
      flusher: shared.flusher,
      keepAlive: settings.keepAlive,
      silent: () => this.#silent(),
      gone: () => this.#gone(),
    });
    tellHolder(socket, this);
    this.#link.start(first);
  }

  // --- Drainable

  drain(): void {
    this.#link.leave();
  }

  abort(): void {
    this.#link.destroy();
  }

  // --- Holder

  heldBytes(): number {
    let bytes = this.#connection.outputBytes + this.#connection.queuedBytes;
    for (const { owner } of this.#connection.streams()) if (owner) bytes += owner.keptBytes;
    return bytes;
  }

  forgetKept(): number {
    let bytes = 0;
    for (const { owner } of this.#connection.streams()) if (owner) bytes += owner.forgetKept();
    return bytes;
  }

  heldParts(bytesMin: number): HeldPart[] {
    return queuedParts(this.#connection, bytesMin, (stream) => {
      const { owner } = stream;
      stream.reset(HTTP2_ERROR.ENHANCE_YOUR_CALM);
      owner?.aborted('load-shed');
    });
  }

  // --- from the codec

  request(stream: Http2Stream<Http2ServerStream>, head: RequestHead, end: boolean): void {
    const owner = this.#free.pop() ?? new Http2ServerStream(this, this.#makeExchange);
    owner.begin(stream, head, end);
  }

  response(): void {
    // Servers get none.
  }

  data(stream: Http2Stream<Http2ServerStream>, buf: Buffer, start: number, end: number, endStream: boolean): void {
    if (stream.owner) stream.owner.received(stream, buf, start, end, endStream);
    else stream.consume(end - start);
  }

  trailers(stream: Http2Stream<Http2ServerStream>, fields: Field[]): void {
    stream.owner?.ended(fields);
  }

  reset(stream: Http2Stream<Http2ServerStream>): void {
    stream.owner?.aborted('client-gone');
  }

  writable(stream: Http2Stream<Http2ServerStream>): void {
    stream.owner?.writable();
  }

  available(): void {
    // Servers open no streams.
  }

  goaway(): void {
    // The client opens no more streams, and closes when those under way are over.
  }

  pong(opaque: number): void {
    this.#link.pong(opaque);
  }

  fault(code: number, text: string): void {
    this.#options.refused(new Fault('h2-client-malformed', `${http2ErrorName(code)}: ${text}`));
    this.#connection.close();
    this.#link.finish();
  }

  calmed(code: number, text: string): void {
    this.#options.refused(new Fault('h2-client-malformed', `${http2ErrorName(code)}: ${text}`));
    this.#link.finishWhenIdle();
  }

  output(): void {
    this.#link.output();
  }

  // --- from streams

  wrote(): void {
    this.#link.wrote();
  }

  closeConnection(): void {
    this.#link.leave();
  }

  free(stream: Http2ServerStream): void {
    if (this.#free.length < LIMITS.http2SpareStreamsMax) this.#free.push(stream);
  }

  #silent(): void {
    this.#options.refused(new Fault('h2-client-silent'));
    this.#link.destroy();
  }

  #gone(): void {
    this.#connection.close();
    this.#options.closed();
  }
}
