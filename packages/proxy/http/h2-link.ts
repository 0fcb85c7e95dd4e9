import { afterHearing, type Clock, type Timer } from '#runtime/clock';
import type { Flushable, Flusher } from '#runtime/flush';
import type { Http2Connection } from '#wire/http2';
import { LIMITS } from '../limits.ts';
import type { Conn, TcpScope } from '../tcp/index.ts';

/** Pings after silence; a peer that does not answer one is gone. Milliseconds. */
export interface Http2KeepAlive {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Also while no stream is open. */
  readonly whileIdle: boolean;
  /** The first silence that is too long while streams are open, doubled with each answered ping up to the interval; absent: the interval. */
  readonly awaitingMs?: number;
}

export interface Http2LinkOptions {
  readonly scope: TcpScope;
  readonly clock: Clock;
  readonly flusher: Flusher;
  readonly keepAlive: Http2KeepAlive | undefined;
  /** The socket takes more again. */
  readonly drained?: () => void;
  /** What had come, or was to go out, has been dealt with: streams may have ended. */
  readonly settled?: () => void;
  /** A ping was not answered in time. */
  readonly silent: () => void;
  /** Called once: the socket is closed, or the peer sends no more; '' for a clean end, else an errno. */
  readonly gone: (errno: string) => void;
}

/** What a link needs of a connection. */
type Driven = Pick<
  Http2Connection<unknown>,
  'receive' | 'takeOutput' | 'outputSent' | 'outputBytes' | 'openStreams' | 'hold' | 'goaway' | 'ping'
>;

/** What a ping is about. */
const PING_ALIVE = 1;
const PING_DRAIN = 2;
/** A frame PING with nothing beside it (RFC 9113 sections 4.1 and 6.7). */
const PING_BYTES = 17;

/**
 * A socket and the HTTP/2 connection on it: bytes in, output gathered and written once a turn, back-pressure of the socket as
 * `hold`, and keep-alive. Knows nothing of requests.
 */
export class Http2Link implements Flushable {
  readonly #socket: Conn;
  readonly #options: Http2LinkOptions;
  readonly #connection: Driven;
  readonly #onData = (chunk: Buffer): void => this.#data(chunk);
  readonly #onDrain = (): void => this.#drained();
  readonly #onEnd = (): void => this.#ended();
  readonly #onError = (error: NodeJS.ErrnoException): void => this.#gone(error.code ?? error.message);
  readonly #onClose = (): void => this.#gone('');
  #waiting = false;
  /** Taking output makes streams go on, which may write or end again: what they do stands behind what was taken. */
  #writing = false;
  #finishDue = false;
  #held = false;
  #ending = false;
  #closed = false;
  #lastReadMs: number;
  #pinged = false;
  /** Silence that is borne while streams are open. */
  #patienceMs: number;
  #keepAlive: Timer | undefined;
  #linger: Timer | undefined;
  /** GOAWAY was said; `true` once the peer surely knows. */
  #left: boolean | undefined;

  constructor(socket: Conn, connection: Driven, options: Http2LinkOptions) {
    this.#socket = socket;
    this.#connection = connection;
    this.#options = options;
    this.#lastReadMs = options.clock.nowMs();
    this.#patienceMs = patienceOf(options.keepAlive);
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    // What came before somebody listened does not come again; behind this call, in which the owner has no link yet.
    if (socket.readableEnded) queueMicrotask(this.#onEnd);
    if (options.keepAlive) this.#watch(this.#patienceMs);
  }

  /** Takes bytes that were read before, and starts reading. */
  start(first: Buffer | undefined): void {
    if (first && first.length > 0) this.#connection.receive(first, this.#lastReadMs);
    this.output();
    if (!this.#closed) this.#socket.resume();
  }

  /** The connection has output: it is written in this turn of the event loop. */
  output(): void {
    if (this.#waiting || this.#closed) return;
    this.#waiting = true;
    this.#options.flusher.soon(this);
  }

  /** Call after handing body bytes to the connection, so that it never gathers more than a bounded amount. */
  wrote(): void {
    if (this.#connection.outputBytes >= LIMITS.gatheredBytesMax) this.#write();
  }

  /** The socket takes no more, and much waits. */
  get congested(): boolean {
    return this.#held && this.#connection.outputBytes > LIMITS.http2HeldBytesMax;
  }

  flush(): void {
    this.#waiting = false;
    this.#write();
    this.#options.settled?.();
  }

  /** A ping was answered. */
  pong(opaque: number): void {
    if (opaque === PING_ALIVE) {
      this.#pinged = false;
      this.#patienceMs = Math.min(this.#patienceMs * 2, this.#options.keepAlive?.intervalMs ?? 0);
    } else if (opaque === PING_DRAIN) this.finishWhenIdle();
  }

  /**
   * Says GOAWAY and ends the connection when its streams are over: at the earliest when the peer has answered a ping, because what
   * it had sent before it knew has then arrived.
   */
  leave(): void {
    if (this.#left !== undefined || this.#closed) return;
    this.#left = false;
    this.#connection.goaway(0, true);
    this.#connection.ping(PING_DRAIN);
    this.#linger = this.#options.clock.after(LIMITS.lingerMs, () => {
      // Requests on their way to us may be lost: the peer must know that they were not taken (RFC 9113 section 6.8).
      this.#connection.goaway(0, false);
      this.finishWhenIdle();
    });
  }

  /** The connection has said GOAWAY, and of which streams: it ends when these are over. */
  finishWhenIdle(): void {
    this.#left = true;
    this.#finishIfIdle();
  }

  /** Sends what is waiting and ends; what still comes is read and thrown away for a moment, so that no reset overtakes it. */
  finish(): void {
    if (this.#closed || this.#ending) return;
    this.#left = undefined;
    this.#held = false;
    this.#finishDue = this.#writing;
    if (this.#finishDue) return;
    this.#write();
    this.#ending = true;
    this.#cutAfter(LIMITS.finishMs);
    this.#socket.end(() => this.#cutAfter(LIMITS.lingerMs));
  }

  destroy(): void {
    this.#gone('');
    this.#socket.destroy();
  }

  /** A peer that sends no more cannot keep windows open: nothing can be completed. */
  #ended(): void {
    if (!this.#ending) this.#gone('');
  }

  #data(chunk: Buffer): void {
    this.#options.scope.read(chunk.length);
    if (this.#ending) return;
    this.#lastReadMs = this.#options.clock.nowMs();
    this.#pinged = false;
    if (chunk.length !== PING_BYTES) this.#patienceMs = patienceOf(this.#options.keepAlive);
    this.#connection.receive(chunk, this.#lastReadMs);
    if (this.#left === true) this.#finishIfIdle();
    this.#options.settled?.();
  }

  #write(): void {
    if (this.#writing || this.#closed || this.#ending) return;
    // All that was taken has been written, and the socket keeps nothing of it.
    if (this.#socket.writableLength === 0) this.#connection.outputSent();
    this.#writing = true;
    while (!this.#held) {
      const bytes = this.#connection.takeOutput(LIMITS.gatheredBytesMax);
      if (!bytes) break;
      this.#options.scope.wrote(bytes.length);
      if (this.#socket.write(bytes)) continue;
      // The peer does not read as fast as we write: bodies wait in their streams, the rest in the connection, which bounds it.
      this.#held = true;
      this.#connection.hold(true);
    }
    this.#writing = false;
    if (this.#finishDue) this.finish();
    else if (this.#left === true) this.#finishIfIdle();
  }

  #drained(): void {
    if (!this.#held || this.#closed) return;
    this.#held = false;
    this.#connection.hold(false);
    this.#write();
    this.#options.drained?.();
    this.#options.settled?.();
  }

  #cutAfter(delayMs: number): void {
    this.#linger?.cancel();
    if (!this.#closed) this.#linger = this.#options.clock.after(delayMs, () => this.#socket.destroy());
  }

  /** The ends of the last streams may still wait for a peer that reads slowly. */
  #finishIfIdle(): void {
    if (this.#connection.openStreams === 0 && this.#connection.outputBytes === 0) this.finish();
  }

  /** One timer that looks when something was read last, instead of a timer started anew for each chunk. */
  #watch(delayMs: number): void {
    this.#keepAlive = this.#options.clock.after(delayMs, () => this.#look());
  }

  #look(): void {
    const { keepAlive, clock } = this.#options;
    if (!keepAlive || this.#closed) return;
    if (this.#pinged) {
      this.#options.silent();
      return;
    }
    const awaits = this.#connection.openStreams > 0;
    const silentMs = clock.nowMs() - this.#lastReadMs;
    const leftMs = (awaits ? this.#patienceMs : keepAlive.intervalMs) - silentMs;
    if (leftMs > 0 || !(awaits || keepAlive.whileIdle)) {
      // What comes meanwhile may shorten the patience again.
      const stepMs = patienceOf(keepAlive);
      this.#watch(leftMs > 0 ? Math.min(leftMs, stepMs) : stepMs);
      return;
    }
    this.#pinged = true;
    this.#connection.ping(PING_ALIVE);
    this.#keepAlive = afterHearing(clock, keepAlive.timeoutMs, () => this.#look());
  }

  #gone(errno: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#keepAlive?.cancel();
    this.#linger?.cancel();
    this.#options.scope.closed(errno);
    this.#options.gone(errno);
    this.#socket.destroy();
  }
}

const patienceOf = (keepAlive: Http2KeepAlive | undefined): number =>
  Math.min(keepAlive?.awaitingMs ?? Number.POSITIVE_INFINITY, keepAlive?.intervalMs ?? 0);
