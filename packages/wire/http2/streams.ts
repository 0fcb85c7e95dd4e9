import type { Field, FieldCache, RequestHead } from '../fields/index.ts';
import { Arrivals } from './arrivals.ts';
import { HTTP2_ERROR as ERROR, STREAM_ID_MAX, WINDOW_DEFAULT } from './codes.ts';
import type { Http2Options, Http2Sink } from './contract.ts';
import { EndedStreams } from './ended-streams.ts';
import { FloodCounter } from './floods.ts';
import { FLOODS, type Flood, HTTP2_LIMITS as LIMITS } from './limits.ts';
import { Outgoing, type OutgoingSink } from './outgoing.ts';
import { ReceiveWindow } from './receive-window.ts';
import { Stream, type StreamHost } from './stream.ts';

/**
 * The streams of a connection and what all its parts share: how streams open and end, what users do with them, windows, and the
 * end of the connection itself.
 */
export class Streams<T> implements StreamHost<T>, OutgoingSink<T> {
  readonly isServer: boolean;
  readonly options: Http2Options;
  readonly sink: Http2Sink<T>;
  readonly outgoing: Outgoing<T>;
  readonly open = new Map<number, Stream<T>>();
  readonly ended = new EndedStreams();
  readonly floods = new FloodCounter();
  readonly #window: ReceiveWindow;
  readonly #arrivals: Arrivals<T>;
  readonly #tell = (stream: Stream<T>, head: RequestHead): void => this.sink.request(stream, head, stream.remoteClosed);
  /** Octets that came and whose window was not given back; that wait in streams to be consumed. */
  #uncredited = 0;
  #unconsumed = 0;

  /** Broken or closed: nothing goes in or out any more. */
  over = false;
  /** The peer knows the windows of streams that we asked for. */
  settingsAcked = false;
  nextId = 1;
  /** The highest stream that the peer opened. */
  lastPeerId = 0;
  /** Streams above this one are not taken any more. */
  acceptedMax = STREAM_ID_MAX;
  /** We said GOAWAY; the peer did, and its last word on the streams that it acts on. */
  draining = false;
  peerGoaway = false;
  peerLastId = STREAM_ID_MAX;
  peerStreamsMax: number = LIMITS.streamsBeforeSettingsMax;

  constructor(isServer: boolean, options: Http2Options, fields: FieldCache, sink: Http2Sink<T>) {
    this.isServer = isServer;
    this.options = options;
    this.sink = sink;
    this.outgoing = new Outgoing(fields, options.sendBytesMax ?? 0, this);
    this.#arrivals = new Arrivals(options.untakenResetsMax);
    this.#window = new ReceiveWindow(this.connectionWindow);
  }

  /** The window that we open to the peer; it cannot be made smaller than the one that all connections begin with. */
  get connectionWindow(): number {
    return Math.max(this.options.connectionWindow, WINDOW_DEFAULT);
  }

  get canOpen(): boolean {
    const mayOpen = !this.isServer && !this.over && !this.peerGoaway && !this.draining;
    return mayOpen && this.open.size < this.peerStreamsMax && this.nextId <= STREAM_ID_MAX;
  }

  /** Opens a stream of ours. */
  request(head: RequestHead, end: boolean, owner: T): Stream<T> {
    const stream = this.create(this.nextId, head.method === 'HEAD');
    stream.owner = owner;
    this.nextId += 2;
    this.open.set(stream.id, stream);
    this.outgoing.request(stream, head, end);
    return stream;
  }

  // --- requests that came

  /** A request came: the user is told when the bytes at hand have been looked at, unless the peer resets it before. */
  arrived(stream: Stream<T>, head: RequestHead): void {
    this.open.set(stream.id, stream);
    this.#arrivals.add(stream, head);
  }

  /** Tells the user of all requests that came. */
  takeArrived(): void {
    this.#arrivals.take(this.#tell);
  }

  /** The peer resets a request that nobody has seen: it has cost the server nothing. */
  resetUntaken(stream: Stream<T>): void {
    this.kill(stream, false);
    if (this.#arrivals.isTooManyResets())
      this.calm(`more than ${this.options.untakenResetsMax} requests were reset before they could be looked at`);
  }

  /** The connection takes no further stream because of what the peer does; those that are open may finish. */
  calm(text: string): void {
    const { sink } = this;
    if (sink.calmed === undefined) {
      this.fault(ERROR.ENHANCE_YOUR_CALM, text);
      return;
    }
    if (this.over || this.acceptedMax !== STREAM_ID_MAX) return;
    this.leave(ERROR.ENHANCE_YOUR_CALM, text);
    sink.calmed(ERROR.ENHANCE_YOUR_CALM, text);
  }

  /** No further stream is taken. */
  leave(code: number, text: string): void {
    this.draining = true;
    this.acceptedMax = Math.min(this.acceptedMax, this.lastPeerId);
    this.outgoing.goaway(this.acceptedMax, code, text);
  }

  create(streamId: number, isHead: boolean): Stream<T> {
    const window = this.settingsAcked ? this.options.streamWindow : WINDOW_DEFAULT;
    return new Stream<T>(this, streamId, this.outgoing.initialWindow, window, isHead);
  }

  /** RFC 9113 section 5.1.1: not opened yet. Servers open none here. */
  isIdle(streamId: number): boolean {
    if (streamId % 2 === 0) return true;
    return this.isServer ? streamId > this.lastPeerId : streamId >= this.nextId;
  }

  // --- what users do with streams

  respond(stream: Stream<T>, status: number, fields: readonly Field[], end: boolean): void {
    if (this.#isShut(stream)) return;
    if (status >= 200) stream.headDone = true;
    this.outgoing.response(stream, status, fields, end);
  }

  sendData(stream: Stream<T>, buf: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    return this.#isShut(stream) || this.outgoing.data(stream, buf, start, end, endStream);
  }

  sendTrailers(stream: Stream<T>, fields: readonly Field[]): void {
    if (!this.#isShut(stream)) this.outgoing.trailers(stream, fields);
  }

  #isShut(stream: Stream<T>): boolean {
    return stream.dead || stream.localClosed || stream.endQueued || this.over;
  }

  resetStream(stream: Stream<T>, code: number): void {
    if (stream.dead) return;
    // RFC 9113 section 8.1: the rest of a request is not wanted, but the response is; it goes out whole before.
    if (code === ERROR.NO_ERROR && stream.endQueued) {
      stream.resetAtEnd = true;
      return;
    }
    // The reset first: its end makes room for another stream, which may be opened at once.
    if (!this.over && this.open.has(stream.id)) this.outgoing.rstStream(stream.id, code);
    this.kill(stream, true);
    this.isControlFlood();
  }

  consumed(stream: Stream<T>, bytes: number): void {
    if (stream.dead || this.over) return;
    const credit = Math.min(bytes, stream.unconsumed);
    stream.unconsumed -= credit;
    this.#dealtWith(credit);
    this.giveBack(stream, credit);
  }

  // --- what the sending side tells

  localEnded(stream: Stream<T>): void {
    stream.localClosed = true;
    if (stream.remoteClosed) this.#remove(stream, false);
    else if (stream.resetAtEnd) {
      stream.endQueued = false;
      this.resetStream(stream, ERROR.NO_ERROR);
    }
  }

  writable(stream: Stream<T>): void {
    this.sink.writable(stream);
  }

  output(): void {
    this.sink.output();
  }

  // --- windows

  /** The peer sent so many octets; false: the connection ended for it. */
  use(bytes: number): boolean {
    if (this.#window.use(bytes)) {
      this.#uncredited += bytes;
      this.#credit();
      return true;
    }
    this.fault(ERROR.FLOW_CONTROL_ERROR, 'more DATA than the window of the connection allows');
    return false;
  }

  /** Octets of a stream go to the user, who consumes them sooner or later. */
  delivered(stream: Stream<T>, bytes: number): void {
    stream.unconsumed += bytes;
    this.#unconsumed += bytes;
  }

  #dealtWith(bytes: number): void {
    this.#unconsumed -= bytes;
    this.#credit();
  }

  /** Octets of a stream were dealt with: the peer may send as many more on it. */
  giveBack(stream: Stream<T>, bytes: number): void {
    if (stream.remoteClosed) return;
    stream.owed += bytes;
    if (stream.owed * 2 < this.options.streamWindow) return;
    stream.receiveWindow += stream.owed;
    this.outgoing.windowUpdate(stream.id, stream.owed);
    stream.owed = 0;
  }

  /**
   * The connection's window is given back at receipt: many streams share the connection, and one whose octets nobody takes is held
   * back by its own window, not the others by that of the connection. Clients are strangers: where too much of what they
   * sent waits, it stays shut.
   */
  #credit(): void {
    if (this.#uncredited === 0 || this.isOverfull) return;
    const owed = this.#window.giveBack(this.#uncredited);
    this.#uncredited = 0;
    if (owed > 0) this.outgoing.windowUpdate(0, owed);
  }

  /** More of what the peer sent waits than it may. */
  get isOverfull(): boolean {
    return this.isServer && this.#unconsumed > LIMITS.receivedBytesMax;
  }

  // --- ends

  remoteEnded(stream: Stream<T>): void {
    stream.remoteClosed = true;
    if (stream.localClosed) this.#remove(stream, false);
  }

  /** Over before its time; what was received and not consumed is given back. */
  kill(stream: Stream<T>, byUs: boolean): void {
    if (stream.dead) return;
    stream.dead = true;
    this.outgoing.drop(stream);
    this.#remove(stream, byUs);
    const { unconsumed } = stream;
    stream.unconsumed = 0;
    if (unconsumed > 0 && !this.over) this.#dealtWith(unconsumed);
  }

  #remove(stream: Stream<T>, byUs: boolean): void {
    if (!this.open.delete(stream.id)) return;
    this.ended.add(stream.id, byUs);
    if (!this.isServer && this.open.size + 1 === this.peerStreamsMax && this.canOpen) this.sink.available();
  }

  /** The peer did something wrong on one stream (RFC 9113 section 5.4.2). */
  streamError(streamId: number, stream: Stream<T> | undefined, code: number): void {
    this.outgoing.rstStream(streamId, code);
    if (stream !== undefined) this.kill(stream, true);
    else this.ended.add(streamId, true);
    this.isControlFlood();
    if (stream !== undefined && stream.untaken === undefined) this.sink.reset(stream, code, false, false);
    this.isFlood('error');
  }

  rst(streamId: number, code: number): void {
    this.outgoing.rstStream(streamId, code);
    this.isControlFlood();
  }

  /** Counts what a peer may not do too often; true when the connection is over. */
  isFlood(kind: Flood): boolean {
    if (this.over || !this.floods.isTooMuch(kind)) return this.over;
    const text = `too many in ${LIMITS.windowMs} ms: ${FLOODS[kind].reason}`;
    // Others may share the connection, as those behind a proxy do: their requests are answered.
    if (kind === 'reset') this.calm(text);
    else this.fault(ERROR.ENHANCE_YOUR_CALM, text);
    return this.over;
  }

  /** Looks at the answers that wait for a peer that does not read; true when the connection is over. */
  isControlFlood(): boolean {
    if (!this.over && this.outgoing.controlBytes > LIMITS.controlBytesMax)
      this.fault(ERROR.ENHANCE_YOUR_CALM, 'answers pile up that the peer does not read');
    return this.over;
  }

  /** The connection cannot go on (RFC 9113 section 5.4.1). */
  fault(code: number, text: string): void {
    if (this.over) return;
    this.over = true;
    this.outgoing.goaway(this.lastPeerId, code, text);
    this.sink.fault(code, text);
  }

  /** The connection is gone: so are its streams. */
  close(): void {
    this.over = true;
    for (const stream of this.open.values()) {
      this.kill(stream, false);
      if (stream.untaken !== undefined) continue;
      this.sink.reset(stream, ERROR.CANCEL, true, !this.isServer && stream.id > this.peerLastId);
    }
  }
}
