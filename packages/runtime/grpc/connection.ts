/** One HTTP/2 connection on a socket, either role: what was read goes to the codec, what the codec puts out is written. */
import type { Duplex } from 'node:stream';
import type { Field, RequestHead, ResponseHead } from '#wire/fields';
import {
  createHttp2Connection,
  HTTP2_ERROR,
  type Http2Connection,
  type Http2Options,
  type Http2Sink,
  type Http2Stream,
} from '#wire/http2';
import type { Flushable, Flusher } from '../flush/index.ts';
import { FIELDS } from './fields.ts';
import { type KeepAlive, Pinger } from './keep-alive.ts';
import { LIMITS } from './limits.ts';

/** What a call hears of its stream. */
export interface StreamOwner {
  /** Client. */
  responded?(head: ResponseHead, end: boolean): void;
  /** Bytes are valid during the call only, and owed to the stream's `consume`. */
  data(buf: Buffer, start: number, end: number, endStream: boolean): void;
  trailers(fields: readonly Field[]): void;
  /** Over before its time: reset with an HTTP/2 code, or with the connection, whose end is told by `lost`. */
  broken(code: number, lost: string | undefined): void;
  /** All that was held back is on its way. */
  drained(): void;
}

export interface ConnectionEvents<T extends StreamOwner> {
  /** Server: gives the owner of a new stream. */
  request?(stream: Http2Stream<T>, head: RequestHead, end: boolean): void;
  /** Client: a stream may be opened again. */
  available?(): void;
  /** Client: the peer takes no more streams. */
  goaway?(): void;
  /** The connection is over; called once, last. */
  closed(reason: string): void;
}

export interface ConnectionOptions {
  readonly role: 'client' | 'server';
  readonly streamWindow: number;
  readonly connectionWindow: number;
  readonly keepAlive: KeepAlive | undefined;
  /** Server: streams that the peer may have open at once; default {@link LIMITS}. */
  readonly streamsMax?: number;
  /** Says when output is written. */
  readonly flusher: Flusher;
}

/** The PING that follows our GOAWAY; those that keep alive count from 1. */
const FAREWELL = 0;

export class Connection<T extends StreamOwner> implements Http2Sink<T>, Flushable {
  readonly http2: Http2Connection<T>;
  readonly #socket: Duplex;
  readonly #events: ConnectionEvents<T>;
  readonly #pinger: Pinger | undefined;
  readonly #flusher: Flusher;
  #state: 'open' | 'finishing' | 'ending' | 'closed' = 'open';
  /** Why there is no connection any more. */
  #lost: string | undefined;
  /** How the peer broke the protocol. */
  #fault: string | undefined;
  #isFarewellDue = false;
  #isScheduled = false;
  /** The socket has taken all that it wants for now. */
  #isBlocked = false;
  #isFlushing = false;
  #linger: NodeJS.Timeout | undefined;

  /** `socket` is connected and read by nobody else. */
  constructor(socket: Duplex, options: ConnectionOptions, events: ConnectionEvents<T>) {
    this.#socket = socket;
    this.#events = events;
    this.#flusher = options.flusher;
    this.http2 = createHttp2Connection<T>(options.role, http2Options(options), FIELDS, this);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('end', () => this.destroy('the peer ended the connection'));
    socket.on('error', (error: Error) => this.destroy(error.message));
    socket.on('close', () => this.destroy('the connection was closed'));
    if (options.keepAlive)
      this.#pinger = new Pinger(
        options.keepAlive,
        (opaque) => this.http2.ping(opaque),
        (text) => this.destroy(text),
      );
    if (this.http2.outputBytes > 0) this.output();
    socket.resume();
  }

  /** Whether calls may begin on it. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Opens no more streams; ends once those that remain are over. `goaway`: tells the peer to do likewise. */
  finish(goaway: boolean): void {
    if (this.#state !== 'open') return;
    this.#state = 'finishing';
    if (goaway) {
      this.http2.goaway(HTTP2_ERROR.NO_ERROR, true);
      // Until it is answered the peer may open streams in good faith: pongs come in order.
      this.http2.ping(FAREWELL);
      this.#isFarewellDue = true;
    }
    this.#schedule();
  }

  /** Writes at once when much was gathered in this turn. */
  relieve(): void {
    if (this.http2.outputBytes >= LIMITS.gatheredBytesMax) this.#flush();
  }

  /** Writes what was gathered. */
  flush(): void {
    this.#isScheduled = false;
    this.#flush();
  }

  /** Cuts the connection; streams that are open hear `lost`. */
  destroy(lost: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#lost = lost;
    clearTimeout(this.#linger);
    this.#pinger?.stop();
    this.http2.close();
    this.#socket.destroy();
    this.#events.closed(lost);
  }

  request(stream: Http2Stream<T>, head: RequestHead, end: boolean): void {
    this.#events.request?.(stream, head, end);
  }

  response(stream: Http2Stream<T>, head: ResponseHead, end: boolean): void {
    stream.owner?.responded?.(head, end);
  }

  data(stream: Http2Stream<T>, buf: Buffer, start: number, end: number, endStream: boolean): void {
    stream.owner?.data(buf, start, end, endStream);
  }

  trailers(stream: Http2Stream<T>, fields: Field[]): void {
    stream.owner?.trailers(fields);
  }

  reset(stream: Http2Stream<T>, code: number, _remote: boolean, unprocessed: boolean): void {
    // What the server surely did not act on is as good as not sent.
    stream.owner?.broken(code, this.#lost ?? (unprocessed ? 'the server did not take the call' : undefined));
  }

  writable(stream: Http2Stream<T>): void {
    stream.owner?.drained();
  }

  available(): void {
    this.#events.available?.();
  }

  goaway(): void {
    this.#events.goaway?.();
  }

  pong(opaque: number): void {
    if (opaque === FAREWELL) this.#isFarewellDue = false;
    else this.#pinger?.pong(opaque);
  }

  fault(_code: number, text: string): void {
    this.#fault = text;
  }

  output(): void {
    this.#schedule();
  }

  #receive(chunk: Buffer): void {
    if (this.#state === 'closed') return;
    this.http2.receive(chunk, performance.now());
    if (this.#fault !== undefined) {
      // The GOAWAY that says why is in the output.
      this.#flush();
      this.destroy(`the peer broke HTTP/2: ${this.#fault}`);
    } else if (this.#isFinished) this.#schedule();
  }

  get #isFinished(): boolean {
    return this.#state === 'finishing' && !this.#isFarewellDue && this.http2.openStreams === 0;
  }

  /** Writes once the event loop's turn is over: all that calls had to say in it is one write. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#flusher.soon(this);
  }

  #flush(): void {
    // Taking output may tell writers that they may go on: what they write stands behind what was taken and is written next.
    if (this.#isFlushing || this.#state === 'closed' || this.#state === 'ending') return;
    this.#isFlushing = true;
    while (!this.#isBlocked) {
      const bytes = this.http2.takeOutput(LIMITS.writeBytesMax);
      if (bytes === undefined) break;
      if (this.#socket.write(bytes)) continue;
      this.#isBlocked = true;
      this.http2.hold(true);
    }
    this.#isFlushing = false;
    if (this.#isFinished && this.http2.outputBytes === 0) this.#end();
  }

  #drained(): void {
    if (this.#state === 'closed') return;
    this.#isBlocked = false;
    this.http2.hold(false);
    this.#flush();
  }

  #end(): void {
    this.#state = 'ending';
    this.#socket.end();
    this.#linger = setTimeout(() => this.destroy('the connection has ended'), LIMITS.lingerMs);
  }
}

function http2Options({ role, streamWindow, connectionWindow, streamsMax }: ConnectionOptions): Http2Options {
  return {
    streamWindow,
    connectionWindow,
    // A client's is about pushed streams, of which there are none.
    maxConcurrentStreams: role === 'server' ? (streamsMax ?? LIMITS.concurrentStreamsMax) : 0,
    maxFrameSize: LIMITS.frameBytesMax,
    maxHeaderListSize: LIMITS.metadataBytesMax,
    headerTableSize: LIMITS.headerTableBytes,
  };
}
