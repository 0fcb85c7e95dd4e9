import type { Socket } from 'node:net';
import type { Drainable } from '#runtime/drain';
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
 * Copies bytes both ways until both sides are done. The end of one direction is passed on as such; an error ends both. A side
 * that does not read stops the other from being read. `done` is called once, when both sockets are closed.
 */
export function splice(a: SpliceEnd, b: SpliceEnd, done: () => void): Splice {
  return new Splice(a, b, done);
}

export class Splice implements Drainable {
  readonly #a: Conn;
  readonly #b: Conn;
  readonly #done: () => void;
  #open = 2;

  constructor(a: SpliceEnd, b: SpliceEnd, done: () => void) {
    this.#a = a.socket;
    this.#b = b.socket;
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
    this.#a.destroy();
    this.#b.destroy();
  }

  #connect(from: SpliceEnd, to: SpliceEnd): void {
    let errno = '';
    let closed = false;
    const { socket, scope } = from;
    socket.on('data', (chunk: Buffer) => {
      scope.read(chunk.length);
      to.scope.wrote(chunk.length);
      if (!to.socket.write(chunk)) socket.pause();
    });
    socket.on('drain', () => to.socket.resume());
    socket.on('end', () => to.socket.end());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      errno = error.code ?? error.message;
      this.abort();
    });
    socket.on('close', () => {
      if (closed) return;
      closed = true;
      scope.closed(errno);
      if (errno !== '' || !socket.readableEnded) to.socket.destroy();
      else to.socket.end();
      if (--this.#open === 0) this.#done();
    });
  }

  #start(from: SpliceEnd, to: SpliceEnd): void {
    if (from.first && from.first.length > 0) {
      to.scope.wrote(from.first.length);
      to.socket.write(from.first);
    }
    // The end may have come while the other connection was made: a paused socket tells of it, too, when nothing is left to read.
    if (from.ended || from.socket.readableEnded) to.socket.end();
    if (from.socket.destroyed) to.socket.destroy();
    else from.socket.resume();
  }
}
