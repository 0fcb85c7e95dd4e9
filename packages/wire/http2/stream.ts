import type { Field, RequestHead } from '../fields/index.ts';
import type { Http2Stream } from './contract.ts';

/** What a stream asks of its connection. */
export interface StreamHost<T> {
  respond(stream: Stream<T>, status: number, fields: readonly Field[], end: boolean): void;
  sendData(stream: Stream<T>, buf: Uint8Array, start: number, end: number, endStream: boolean): boolean;
  sendTrailers(stream: Stream<T>, fields: readonly Field[]): void;
  resetStream(stream: Stream<T>, code: number): void;
  consumed(stream: Stream<T>, bytes: number): void;
}

/** Bytes that wait for a window. */
export interface Run {
  readonly buf: Uint8Array;
  start: number;
  readonly end: number;
}

/** The queue of all streams that have nothing waiting; never written to. */
export const NO_RUNS: Run[] = [];

/** The state of one stream (RFC 9113 section 5.1); its connection keeps it. */
export class Stream<T> implements Http2Stream<T> {
  readonly id: number;
  owner: T | undefined;
  readonly #host: StreamHost<T>;

  /** Octets that we may send, and that the peer may send. */
  sendWindow: number;
  receiveWindow: number;
  /** Octets consumed but not yet given back to the peer. */
  owed = 0;
  /** Octets handed on that the user has not consumed. */
  unconsumed = 0;

  queuedBytes = 0;
  /** What waits, oldest first; most streams never have any. */
  runs: Run[] = NO_RUNS;
  /** END_STREAM follows the queued runs; as trailers when there are some. */
  endQueued = false;
  trailersQueued: readonly Field[] | undefined;
  /** Is reset, without an error, when END_STREAM is out. */
  resetAtEnd = false;
  /** Stands in the queue of streams that could send if the connection let them. */
  isReady = false;
  /** `data` said false: `writable` is owed. */
  owesWritable = false;

  /** Server: a request that the user has not been told of. */
  untaken: RequestHead | undefined;
  localClosed = false;
  remoteClosed = false;
  /** Over before its time: nothing goes either way any more. */
  dead = false;
  /** A final head went (server) or came (client). */
  headDone = false;
  /** Client: heads below 200 that came. */
  informationals = 0;
  /** The answer to HEAD has no body, whatever its content-length says. */
  readonly isHead: boolean;
  /** From content-length, -1 if the peer did not say; and what came so far. */
  expectedBytes = -1;
  receivedBytes = 0;

  constructor(host: StreamHost<T>, id: number, sendWindow: number, receiveWindow: number, isHead: boolean) {
    this.#host = host;
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
    this.isHead = isHead;
  }

  get isFull(): boolean {
    return this.owesWritable;
  }

  get isOver(): boolean {
    return this.dead || (this.localClosed && this.remoteClosed);
  }

  respond(status: number, fields: readonly Field[], end: boolean): void {
    this.#host.respond(this, status, fields, end);
  }

  data(buf: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    return this.#host.sendData(this, buf, start, end, endStream);
  }

  trailers(fields: readonly Field[]): void {
    this.#host.sendTrailers(this, fields);
  }

  reset(code: number): void {
    this.#host.resetStream(this, code);
  }

  consume(bytes: number): void {
    this.#host.consumed(this, bytes);
  }
}
