import type { Field, RequestHead, ResponseHead } from '../fields/index.ts';

/** One HTTP/2 stream of a connection. `T`: what the user of the codec attaches to it. */
export interface Http2Stream<T> {
  readonly id: number;
  /** Set by the user; server streams begin without. */
  owner: T | undefined;
  /** Bytes taken by `data` that the peer's windows or a held connection keep from being sent. */
  readonly queuedBytes: number;
  /** As much waits as may: `writable` will be called. */
  readonly isFull: boolean;
  /** Both sides have ended, or the stream was broken off. */
  readonly isOver: boolean;
  /** Server side: a head, informational (status below 200) or final; `end`: no body follows. */
  respond(status: number, fields: readonly Field[], end: boolean): void;
  /**
   * Body bytes; `buf` must not change afterwards. False: more is held back than may be ({@link Http2Options.sendBytesMax}), so send
   * no more until the sink's `writable` is called for this stream. `end`: the last DATA frame says END_STREAM.
   */
  data(buf: Uint8Array, start: number, end: number, endStream: boolean): boolean;
  /** A trailer section, sent behind all data; ends our side. */
  trailers(fields: readonly Field[]): void;
  /** Breaks the stream off; nothing of it is reported any more. With NO_ERROR, what is whole and waits is still sent before. */
  reset(code: number): void;
  /** The user is done with this many received bytes: the peer may send as many more. */
  consume(bytes: number): void;
}

/** What a connection reports, synchronously from `receive`. Buffers are valid only during the call unless they are the bytes given. */
export interface Http2Sink<T> {
  /**
   * Server: a request began. `end`: without body. Told when the bytes at hand have been read as far as this stream's body: one that
   * the peer has reset by then is never told of.
   */
  request(stream: Http2Stream<T>, head: RequestHead, end: boolean): void;
  /** Client: a head, informational ones too. */
  response(stream: Http2Stream<T>, head: ResponseHead, end: boolean): void;
  /** Body bytes (padding taken off and credited already); the user owes a `consume` of `end - start`. */
  data(stream: Http2Stream<T>, buf: Buffer, start: number, end: number, endStream: boolean): void;
  /** A trailer section; the peer's side has ended. */
  trailers(stream: Http2Stream<T>, fields: Field[]): void;
  /**
   * The stream is over before its time: the peer reset it (`remote`), it broke the protocol, or the connection ended. For a client
   * `unprocessed` says that the server has surely not acted on it (REFUSED_STREAM, or above the last stream of GOAWAY).
   */
  reset(stream: Http2Stream<T>, code: number, remote: boolean, unprocessed: boolean): void;
  /** All that `data` held back is on its way: the stream takes more. */
  writable(stream: Http2Stream<T>): void;
  /** Client: a stream can be opened again (limit of the peer), or its settings came. */
  available(): void;
  /** The peer opens or takes no more streams; those that remain may finish. */
  goaway(code: number, lastStreamId: number): void;
  pong(opaque: number): void;
  /** The connection broke the protocol or passed a limit: GOAWAY is in the output; close after sending it. */
  fault(code: number, text: string): void;
  /**
   * Server: the peer reset so many requests that no further one is taken. GOAWAY is in the output; those open may finish, and the
   * connection is to be closed behind them. Absent: `fault` is called instead.
   */
  calmed?(code: number, text: string): void;
  /** Output appeared where there was none: send it soon. */
  output(): void;
}

/** What both sides say about themselves; the numbers are also what they enforce. */
export interface Http2Options {
  /**
   * Octets a peer may send on one stream before we consumed some; on the connection before we received some, as long as few of them
   * wait to be consumed (a server looks at {@link HTTP2_LIMITS.receivedBytesMax}).
   */
  readonly streamWindow: number;
  readonly connectionWindow: number;
  readonly maxConcurrentStreams: number;
  readonly maxFrameSize: number;
  /** Sum of name and value lengths plus 32 a field (RFC 9113 section 6.5.2). */
  readonly maxHeaderListSize: number;
  readonly headerTableSize: number;
  /** Octets of a body that may wait in its stream before `data` says false; absent: none. */
  readonly sendBytesMax?: number | undefined;
  /**
   * Server: streams that the peer may reset, among the bytes of one read, before we were told of them; past it no further one is
   * taken. Absent: only the time window of {@link FLOODS} bounds them.
   */
  readonly untakenResetsMax?: number | undefined;
}

/** One HTTP/2 connection, sans-I/O. Give it what was read, send what it puts out. */
export interface Http2Connection<T> {
  /** Takes all of `buf`. `nowMs`: monotonic, for limits per time window. */
  receive(buf: Buffer, nowMs: number): void;
  /** Client: opens a stream. Undefined while `canOpen` is false. */
  request(head: RequestHead, end: boolean, owner: T): Http2Stream<T> | undefined;
  /** Client: whether another stream may be opened now. */
  readonly canOpen: boolean;
  /** Streams that are not over. */
  readonly openStreams: number;
  /** Those. */
  streams(): Iterable<Http2Stream<T>>;
  /** Bytes waiting to be taken. */
  readonly outputBytes: number;
  /** Octets that wait: bodies in all streams, for windows or because the connection is held, and a header block that is not complete. */
  readonly queuedBytes: number;
  /** The oldest output, at most `max`: take until undefined says that there is none. It is not written to again before `outputSent`. */
  takeOutput(max: number): Buffer | undefined;
  /** Nobody reads any more what `takeOutput` gave so far: its memory may be used again. Need not be said. */
  outputSent(): void;
  /** While held, DATA stays in its streams (back-pressure of the socket); control frames and heads still go out. */
  hold(held: boolean): void;
  /** `graceful`: a first GOAWAY that still admits streams under way (RFC 9113 section 6.8), then the real one. */
  goaway(code: number, graceful: boolean): void;
  ping(opaque: number): void;
  /** Each stream still open is reported as reset. */
  close(): void;
}
