import type { Socket } from 'node:net';
import type { Clock, Timer } from '#runtime/clock';
import type { Drainable } from '#runtime/drain';
import { LIMITS } from '../limits.ts';
import { Intake } from './intake.ts';
import type { TcpScope } from './scope.ts';

/** A connected socket, plain or TLS. */
export type Conn = Socket;

export interface SpliceEnd {
  readonly socket: Conn;
  readonly scope: TcpScope;
  /** Bytes that were read from it already. */
  readonly first: Buffer | undefined;
  /** It has said that it sends no more. */
  readonly ended: boolean;
}

/**
 * Copies bytes both ways until both sides are done. The end of one direction is passed on as such; what breaks off is broken off
 * on the other side, too, where a mere end would say that all had come. A side that does not read stops the other from being read,
 * and once one side has ended, both end when the other is silent for long.
 * `done` is called once, when both sockets are closed.
 */
export function splice(a: SpliceEnd, b: SpliceEnd, clock: Clock, done: () => void): Splice {
  return new Splice(a, b, clock, done);
}

export class Splice implements Drainable {
  readonly #a: Conn;
  readonly #b: Conn;
  readonly #clock: Clock;
  readonly #done: () => void;
  #open = 2;
  /** Since one side has ended. */
  #halfClosed: Timer | undefined;
  #activeMs = 0;

  constructor(a: SpliceEnd, b: SpliceEnd, clock: Clock, done: () => void) {
    this.#a = a.socket;
    this.#b = b.socket;
    this.#clock = clock;
    this.#done = done;
    this.#connect(a, b);
    this.#connect(b, a);
    this.#start(a, b);
    this.#start(b, a);
  }

  /** Transparent connections end when their ends want to. */
  drain(): void {
    // Nothing to tell: the bytes are not ours to interpret.
  }

  abort(): void {
    this.#a.resetAndDestroy();
    this.#b.resetAndDestroy();
  }

  #connect(from: SpliceEnd, to: SpliceEnd): void {
    let errno = '';
    let closed = false;
    const { socket, scope } = from;
    const intake = new Intake(socket, this.#clock);
    socket.on('data', (chunk: Buffer) => {
      intake.read(chunk.length);
      this.#active();
      scope.read(chunk.length);
      to.scope.wrote(chunk.length);
      if (!to.socket.write(chunk)) socket.pause();
    });
    socket.on('drain', () => {
      this.#active();
      to.socket.resume();
    });
    socket.on('end', () => this.#ended(to.socket));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      errno = error.code ?? error.message;
      socket.destroy();
      breakOff(to.socket, socket);
    });
    socket.on('close', () => {
      if (closed) return;
      closed = true;
      scope.closed(errno);
      if (errno !== '' || !socket.readableEnded) breakOff(to.socket, socket);
      else to.socket.end();
      if (--this.#open > 0) return;
      this.#halfClosed?.cancel();
      this.#done();
    });
  }

  #start(from: SpliceEnd, to: SpliceEnd): void {
    if (from.first && from.first.length > 0) {
      to.scope.wrote(from.first.length);
      to.socket.write(from.first);
    }
    // The end may have come while the other connection was made: a paused socket tells of it, too, when nothing is left to read.
    if (from.ended || from.socket.readableEnded) this.#ended(to.socket);
    if (from.socket.destroyed) to.socket.resetAndDestroy();
    else from.socket.resume();
  }

  /** What one side had to say is said; the other, `to`, may still answer. */
  #ended(to: Conn): void {
    to.end();
    if (this.#halfClosed) return;
    this.#activeMs = this.#clock.nowMs();
    const look = (): void => {
      const leftMs = this.#activeMs + LIMITS.halfClosedMs - this.#clock.nowMs();
      if (leftMs > 0) this.#halfClosed = this.#clock.after(leftMs, look);
      else this.abort();
    };
    this.#halfClosed = this.#clock.after(LIMITS.halfClosedMs, look);
  }

  #active(): void {
    if (this.#halfClosed) this.#activeMs = this.#clock.nowMs();
  }
}

/** The connection that `broken` was passed on to: what had come whole before still goes out, anything else is not to look whole. */
function breakOff(to: Conn, broken: Conn): void {
  if (broken.readableEnded) to.destroySoon();
  else to.resetAndDestroy();
}
