import { Fault } from '#model/faults';
import type { Clock } from '#runtime/clock';
import type { Field, RequestHead, ResponseHead } from '#wire/fields';
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
import type { ResponseSink, UpstreamSink } from './contract.ts';
import { Abandoned } from './h2-abandoned.ts';
import { queuedParts } from './h2-held.ts';
import { Http2Link } from './h2-link.ts';
import { Http2Sender, type Http2SenderHost } from './h2-sender.ts';
import type { Http2Settings } from './h2-settings.ts';
import type { HttpShared } from './shared.ts';

/** Who owns the connections to one server. */
export interface Http2ClientHost {
  /** A stream can be opened again, or the first one. */
  available(client: Http2Client): void;
  /** Streams that a connection whose server has not told its limit yet may open: as many as others took. */
  streamsGuess: number;
  /** Connections that are open, those that take no more requests too. */
  readonly size: number;
  /** Opens no more streams; those under way may finish. */
  retired(client: Http2Client): void;
  /** Whether another connection may be opened in place of one whose server has seen many resets, `beyond` of them past the rate. */
  mayReplace(beyond: number): boolean;
  /** The connection is gone; its streams were told. */
  closed(client: Http2Client): void;
}

export interface Http2ClientOptions {
  readonly host: Http2ClientHost;
  readonly clock: Clock;
  readonly shared: HttpShared;
  readonly scope: TcpScope;
  readonly settings: Http2Settings;
}

/** One HTTP/2 connection to a server, for many exchanges at once. */
export class Http2Client implements Http2Sink<Http2Sender>, Http2SenderHost, Holder {
  readonly clock: Clock;
  readonly #options: Http2ClientOptions;
  readonly #connection: Http2Connection<Http2Sender>;
  readonly #link: Http2Link;
  readonly #abandoned: Abandoned;
  readonly #free: Http2Sender[] = [];
  #used = false;
  /** The server has told how many streams it takes. */
  #told = false;
  /** The server refused a stream while so many others were open: until one of them ends, further ones go elsewhere. */
  #crowdedAt = Number.POSITIVE_INFINITY;
  #retired = false;
  #closed = false;
  /** Why the connection broke, for the streams that break with it. */
  #fault: Fault | undefined;

  constructor(socket: Conn, options: Http2ClientOptions) {
    const { shared, settings, clock, scope } = options;
    this.clock = clock;
    this.#options = options;
    this.#abandoned = new Abandoned({
      clock,
      max: settings.abandonedMax ?? LIMITS.http2ResetsWaitingMax,
      tooMany: (beyond) => this.#replace(beyond),
    });
    this.#connection = createHttp2Connection('client', settings.codec, shared.fields, this);
    this.#link = new Http2Link(socket, this.#connection, {
      scope,
      clock,
      flusher: shared.flusher,
      keepAlive: settings.keepAlive,
      drained: () => this.#announce(),
      settled: () => this.#relieve(),
      silent: () => this.#silent(),
      gone: (errno) => this.#gone(errno),
    });
    tellHolder(socket, this);
    this.#link.start(undefined);
  }

  /** Another request can be sent now. */
  get ready(): boolean {
    if (this.#retired || this.#closed || this.#link.congested || !this.#connection.canOpen) return false;
    if (this.#connection.openStreams >= this.#crowdedAt) return false;
    return this.#told || this.#connection.openStreams < this.#options.host.streamsGuess;
  }

  get openStreams(): number {
    return this.#connection.openStreams;
  }

  /** Sends the request of an exchange. False: nobody waits for it any more. */
  open(exchange: ResponseSink & UpstreamSink): boolean {
    const sender = this.#free.pop() ?? new Http2Sender(this);
    const reused = this.#used;
    this.#used = true;
    const taken = sender.attach(exchange, reused);
    // Where no other connection can be opened, the next request needs the room.
    if (!this.#connection.canOpen && this.#options.host.size >= LIMITS.http2ConnectionsMax) this.#abandoned.makeRoom();
    if (this.#told && !this.#connection.canOpen && !this.#retired)
      this.#options.host.streamsGuess = this.#connection.openStreams;
    return taken;
  }

  /** Opens no more streams and closes when those under way are over. */
  retire(): void {
    this.#retired = true;
    this.#link.leave();
    this.#endIfAbandoned();
  }

  destroy(): void {
    this.#link.destroy();
  }

  // --- Holder

  heldBytes(): number {
    return this.#connection.outputBytes + this.#connection.queuedBytes;
  }

  heldParts(bytesMin: number): HeldPart[] {
    return queuedParts(this.#connection, bytesMin, (stream) => {
      if (stream.owner) stream.owner.shed();
      else stream.reset(HTTP2_ERROR.CANCEL);
    });
  }

  // --- from the codec

  request(): void {
    // Clients get none.
  }

  response(stream: Http2Stream<Http2Sender>, head: ResponseHead, end: boolean): void {
    if (stream.owner) stream.owner.responded(head, end);
    else this.#nobodys(stream, 0);
  }

  data(stream: Http2Stream<Http2Sender>, buf: Buffer, start: number, end: number, endStream: boolean): void {
    if (stream.owner) stream.owner.received(stream, buf, start, end, endStream);
    else {
      stream.consume(end - start);
      this.#nobodys(stream, end - start);
    }
  }

  trailers(stream: Http2Stream<Http2Sender>, fields: Field[]): void {
    if (stream.owner) stream.owner.ended(fields);
    else this.#nobodys(stream, 0);
  }

  reset(stream: Http2Stream<Http2Sender>, code: number, remote: boolean, unprocessed: boolean): void {
    if (remote && code === HTTP2_ERROR.REFUSED_STREAM) this.#crowdedAt = Math.max(1, this.#connection.openStreams);
    if (stream.owner) stream.owner.lost(code, unprocessed, this.#fault);
    else this.#nobodys(stream, 0);
  }

  writable(stream: Http2Stream<Http2Sender>): void {
    stream.owner?.writable();
  }

  available(): void {
    this.#told = true;
    this.#announce();
  }

  goaway(): void {
    if (this.#retired) return;
    this.retire();
    this.#options.host.retired(this);
  }

  pong(opaque: number): void {
    this.#link.pong(opaque);
  }

  fault(code: number, text: string): void {
    this.#fault = new Fault('upstream-malformed', `${http2ErrorName(code)}: ${text}`);
    this.#connection.close();
    this.#link.finish();
  }

  output(): void {
    this.#link.output();
  }

  // --- from streams

  /** The codec's stream for a head; undefined when there is no room after all. */
  send(head: RequestHead, end: boolean, owner: Http2Sender): Http2Stream<Http2Sender> | undefined {
    return this.#closed ? undefined : this.#connection.request(head, end, owner);
  }

  wrote(): void {
    this.#link.wrote();
  }

  abandon(stream: Http2Stream<Http2Sender>, begun: boolean, whole: boolean): void {
    this.#abandoned.add(stream, begun, whole);
  }

  free(sender: Http2Sender): void {
    this.#endIfAbandoned();
    if (this.#free.length < LIMITS.http2SpareStreamsMax) this.#free.push(sender);
  }

  #nobodys(stream: Http2Stream<Http2Sender>, bytes: number): void {
    this.#abandoned.received(stream, bytes);
    if (stream.isOver) this.#endIfAbandoned();
  }

  /** Too many resets wait: requests go to another connection, as long as there may be one. */
  #replace(beyond: number): boolean {
    const { host } = this.#options;
    if (this.#retired) return true;
    if (!host.mayReplace(beyond)) return false;
    this.retire();
    host.retired(this);
    return true;
  }

  #endIfAbandoned(): void {
    if (this.#retired && this.#abandoned.size > 0 && this.#connection.openStreams <= this.#abandoned.size)
      this.#abandoned.resetAll();
  }

  /** A stream has ended since the server refused one, be it one that nobody waits for any more. */
  #relieve(): void {
    if (this.#crowdedAt === Number.POSITIVE_INFINITY || this.#connection.openStreams >= this.#crowdedAt) return;
    this.#crowdedAt = Number.POSITIVE_INFINITY;
    this.#announce();
  }

  #announce(): void {
    if (this.ready) this.#options.host.available(this);
  }

  #silent(): void {
    this.#fault = new Fault('h2-keep-alive');
    this.#link.destroy();
  }

  #gone(errno: string): void {
    this.#closed = true;
    this.#abandoned.clear();
    this.#fault ??= new Fault('upstream-reset', errno);
    this.#connection.close();
    this.#options.host.closed(this);
  }
}
