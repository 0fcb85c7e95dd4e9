import type { Field, FieldCache, RequestHead } from '../fields/index.ts';
import { HpackDecoder } from '../hpack/index.ts';
import {
  HTTP2_ERROR as ERROR,
  FLAG,
  FRAME,
  FRAME_SIZE_DEFAULT,
  FRAME_SIZE_MAX,
  PREFACE,
  SETTING,
  STREAM_ID_MAX,
  TABLE_SIZE_DEFAULT,
  WINDOW_DEFAULT,
  WINDOW_MAX,
} from './codes.ts';
import type { Http2Connection, Http2Options, Http2Sink, Http2Stream } from './contract.ts';
import { EndedStreams } from './ended-streams.ts';
import { FloodCounter } from './floods.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { HeadReader } from './head-reader.ts';
import { FLOODS, type Flood, HTTP2_LIMITS as LIMITS } from './limits.ts';
import { Outgoing, type OutgoingSink } from './outgoing.ts';
import { Stream, type StreamHost } from './stream.ts';

const NO_BYTES = Buffer.alloc(0);
const NO_FIELDS: readonly Field[] = [];
const TOO_LARGE = 431;
const HIGH = 2 ** 32;
/** The PING whose answer tells that a peer knows of our graceful GOAWAY: ASCII `drainend`. */
const DRAIN_HIGH = 0x64726169;
const DRAIN_LOW = 0x6e656e64;

/**
 * Makes one end of an HTTP/2 connection (RFC 9113). What it says first is in the output at once, without a call of
 * `sink.output`. `fields`: shared by all connections that forward to one another, so that they know each other's fields.
 */
export function createHttp2Connection<T>(
  role: 'client' | 'server',
  options: Http2Options,
  fields: FieldCache,
  sink: Http2Sink<T>,
): Http2Connection<T> {
  return new Connection(role, options, fields, sink);
}

class Connection<T> implements Http2Connection<T>, FrameSink, StreamHost<T>, OutgoingSink<T> {
  readonly #isServer: boolean;
  readonly #options: Http2Options;
  readonly #sink: Http2Sink<T>;
  readonly #reader: FrameReader;
  readonly #heads: HeadReader;
  readonly #decoder: HpackDecoder;
  readonly #outgoing: Outgoing<T>;
  readonly #streams = new Map<number, Stream<T>>();
  readonly #ended = new EndedStreams();
  readonly #floods = new FloodCounter();

  #prefaceLeft: number;
  #settingsSeen = false;
  #settingsAcked = false;
  #peerSettingsApplied = false;
  /** Broken or closed: nothing goes in or out any more. */
  #over = false;
  #nextId = 1;
  /** The highest stream that the peer opened. */
  #lastPeerId = 0;
  /** Streams above this one are not taken any more. */
  #acceptedMax = STREAM_ID_MAX;
  #draining = false;
  #peerGoaway = false;
  #peerLastId = STREAM_ID_MAX;
  #peerStreamsMax: number = LIMITS.streamsBeforeSettingsMax;

  /** Octets that the peer may send on the connection; what was consumed and not given back yet. */
  #receiveWindow: number = WINDOW_DEFAULT;
  #owed = 0;
  readonly #connectionWindow: number;

  /** The DATA frame under way: undefined when its octets go nowhere. */
  #dataStream: Stream<T> | undefined;
  #dataEnds = false;

  /** The header block under way: its stream (0: none), flags, frames, and what came of it. */
  #blockStream = 0;
  #blockFlags = 0;
  #blockFrames = 0;
  #block: Buffer = NO_BYTES;
  #blockBytes = 0;

  constructor(role: 'client' | 'server', options: Http2Options, fields: FieldCache, sink: Http2Sink<T>) {
    this.#isServer = role === 'server';
    this.#options = options;
    this.#sink = sink;
    this.#reader = new FrameReader(Math.max(options.maxFrameSize, FRAME_SIZE_DEFAULT), this);
    this.#heads = new HeadReader(options.maxHeaderListSize);
    this.#decoder = new HpackDecoder(fields, Math.max(options.headerTableSize, TABLE_SIZE_DEFAULT));
    this.#outgoing = new Outgoing(fields, this);
    this.#prefaceLeft = this.#isServer ? PREFACE.length : 0;
    this.#connectionWindow = Math.max(options.connectionWindow, WINDOW_DEFAULT);
    this.#greet();
  }

  #greet(): void {
    const { maxConcurrentStreams, streamWindow, maxFrameSize, maxHeaderListSize, headerTableSize } = this.#options;
    if (!this.#isServer) this.#outgoing.preface();
    this.#outgoing.settings([
      [SETTING.headerTableSize, headerTableSize],
      this.#isServer ? [SETTING.maxConcurrentStreams, maxConcurrentStreams] : [SETTING.enablePush, 0],
      [SETTING.initialWindowSize, streamWindow],
      [SETTING.maxFrameSize, Math.max(maxFrameSize, FRAME_SIZE_DEFAULT)],
      [SETTING.maxHeaderListSize, maxHeaderListSize],
    ]);
    const more = this.#connectionWindow - WINDOW_DEFAULT;
    if (more > 0) this.#outgoing.windowUpdate(0, more);
    this.#receiveWindow = this.#connectionWindow;
  }

  // --- Http2Connection

  receive(buf: Buffer, nowMs: number): void {
    if (this.#over) return;
    this.#floods.tick(nowMs);
    let start = 0;
    while (this.#prefaceLeft > 0 && start < buf.length) {
      if (buf[start++] !== PREFACE[PREFACE.length - this.#prefaceLeft]) {
        this.#fault(ERROR.PROTOCOL_ERROR, 'the preface of HTTP/2 is wrong');
        return;
      }
      this.#prefaceLeft--;
    }
    this.#reader.read(buf, start, buf.length);
  }

  request(head: RequestHead, end: boolean, owner: T): Http2Stream<T> | undefined {
    if (!this.canOpen) return undefined;
    const window = this.#settingsAcked ? this.#options.streamWindow : WINDOW_DEFAULT;
    const stream = new Stream<T>(this, this.#nextId, this.#outgoing.initialWindow, window, head.method === 'HEAD');
    stream.owner = owner;
    this.#nextId += 2;
    this.#streams.set(stream.id, stream);
    this.#outgoing.request(stream, head, end);
    return stream;
  }

  get canOpen(): boolean {
    return (
      !this.#isServer &&
      !this.#over &&
      !this.#peerGoaway &&
      !this.#draining &&
      this.#streams.size < this.#peerStreamsMax &&
      this.#nextId <= STREAM_ID_MAX
    );
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  get outputBytes(): number {
    return this.#outgoing.bytes;
  }

  takeOutput(max: number): Buffer | undefined {
    return this.#outgoing.take(max);
  }

  hold(held: boolean): void {
    this.#outgoing.held = held;
    if (!held && !this.#over) this.#outgoing.pump();
  }

  goaway(code: number, graceful: boolean): void {
    if (this.#over) return;
    if (graceful && this.#isServer) {
      if (this.#draining) return;
      this.#draining = true;
      this.#outgoing.goaway(STREAM_ID_MAX, code, '');
      this.#outgoing.ping(DRAIN_HIGH, DRAIN_LOW, false);
      return;
    }
    this.#draining = true;
    this.#acceptedMax = Math.min(this.#acceptedMax, this.#lastPeerId);
    this.#outgoing.goaway(this.#acceptedMax, code, '');
  }

  ping(opaque: number): void {
    if (!this.#over) this.#outgoing.ping(Math.floor(opaque / HIGH), opaque % HIGH, false);
  }

  close(): void {
    this.#over = true;
    this.#reader.stop();
    for (const stream of this.#streams.values()) {
      this.#kill(stream, false);
      this.#sink.reset(stream, ERROR.CANCEL, true, this.#isUnprocessed(stream));
    }
  }

  // --- StreamHost: what users do with streams

  respond(stream: Stream<T>, status: number, fields: readonly Field[], end: boolean): void {
    if (stream.dead || stream.localClosed || this.#over) return;
    if (status >= 200) stream.headDone = true;
    this.#outgoing.response(stream, status, fields, end);
  }

  sendData(stream: Stream<T>, buf: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    if (stream.dead || stream.localClosed || stream.endQueued || this.#over) return true;
    return this.#outgoing.data(stream, buf, start, end, endStream);
  }

  sendTrailers(stream: Stream<T>, fields: readonly Field[]): void {
    if (stream.dead || stream.localClosed || stream.endQueued || this.#over) return;
    this.#outgoing.trailers(stream, fields);
  }

  resetStream(stream: Stream<T>, code: number): void {
    if (stream.dead) return;
    const isOpen = this.#streams.has(stream.id);
    this.#kill(stream, true);
    if (isOpen && !this.#over) this.#rst(stream.id, code);
  }

  consumed(stream: Stream<T>, bytes: number): void {
    if (stream.dead || this.#over) return;
    const credit = Math.min(bytes, stream.unconsumed);
    stream.unconsumed -= credit;
    this.#giveBack(stream, credit);
    this.#credit(credit);
  }

  // --- OutgoingSink

  localEnded(stream: Stream<T>): void {
    stream.localClosed = true;
    if (stream.remoteClosed) this.#finish(stream);
  }

  writable(stream: Stream<T>): void {
    this.#sink.writable(stream);
  }

  output(): void {
    this.#sink.output();
  }

  // --- FrameSink

  frameFault(code: number, text: string): void {
    this.#fault(code, text);
  }

  dataStart(flags: number, streamId: number, length: number, dataLength: number): void {
    this.#dataStream = undefined;
    const fault = this.#frameFaultOf(FRAME.data, streamId, flags);
    if (fault !== '') {
      this.#fault(ERROR.PROTOCOL_ERROR, fault);
      return;
    }
    if (length > this.#receiveWindow) {
      this.#fault(ERROR.FLOW_CONTROL_ERROR, 'more DATA than the window allows');
      return;
    }
    this.#receiveWindow -= length;
    const ends = (flags & FLAG.endStream) !== 0;
    if (length === 0 && !ends && this.#isFlood('emptyData')) return;
    const stream = this.#streams.get(streamId);
    const error =
      stream === undefined ? this.#lateDataError(streamId) : this.#dataError(stream, length, dataLength, ends);
    if (stream === undefined || error !== ERROR.NO_ERROR) {
      // Padding only: the octets of data come as runs, which find no stream.
      this.#credit(length - dataLength);
      if (error !== ERROR.NO_ERROR) this.#streamError(streamId, stream, error);
      return;
    }
    stream.receiveWindow -= length;
    if (length > dataLength) {
      this.#giveBack(stream, length - dataLength);
      this.#credit(length - dataLength);
    }
    if (dataLength > 0) {
      this.#dataStream = stream;
      this.#dataEnds = ends;
    } else if (ends) this.#deliver(stream, NO_BYTES, 0, 0, true);
  }

  dataRun(buf: Buffer, start: number, end: number, last: boolean): void {
    const stream = this.#dataStream;
    if (last) this.#dataStream = undefined;
    if (stream === undefined || stream.dead) this.#credit(end - start);
    else this.#deliver(stream, buf, start, end, last && this.#dataEnds);
  }

  frame(type: number, flags: number, streamId: number, buf: Buffer, start: number, end: number): void {
    const fault = this.#frameFaultOf(type, streamId, flags);
    if (fault !== '') {
      this.#fault(ERROR.PROTOCOL_ERROR, fault);
      return;
    }
    switch (type) {
      case FRAME.headers:
        this.#onHeaders(flags, streamId, buf, start, end);
        return;
      case FRAME.priority:
        this.#onPriority(streamId, buf, start, end);
        return;
      case FRAME.rstStream:
        this.#onRstStream(streamId, buf, start, end);
        return;
      case FRAME.settings:
        this.#onSettings(flags, buf, start, end);
        return;
      case FRAME.ping:
        this.#onPing(flags, buf, start, end);
        return;
      case FRAME.goaway:
        this.#onGoaway(buf, start, end);
        return;
      case FRAME.windowUpdate:
        this.#onWindowUpdate(streamId, buf, start, end);
        return;
      case FRAME.continuation:
        this.#onContinuation(flags, buf, start, end);
        return;
      default:
        this.#isFlood('ignored');
    }
  }

  /** What is wrong with a frame of this type here and now, whatever it holds; '' for nothing. */
  #frameFaultOf(type: number, streamId: number, flags: number): string {
    if (!this.#settingsSeen) {
      // RFC 9113 section 3.4: the first frame is SETTINGS.
      if (type !== FRAME.settings || (flags & FLAG.ack) !== 0) return 'the first frame is not SETTINGS';
      this.#settingsSeen = true;
    }
    if (this.#blockStream !== 0) {
      if (type !== FRAME.continuation || streamId !== this.#blockStream)
        return 'another frame in the middle of a header block';
      return '';
    }
    switch (type) {
      case FRAME.settings:
      case FRAME.ping:
      case FRAME.goaway:
        return streamId === 0 ? '' : 'a frame of the connection on a stream';
      case FRAME.data:
      case FRAME.rstStream:
        if (streamId === 0) return 'a frame of a stream on the connection';
        return this.#isIdle(streamId) ? 'a frame on a stream that was never opened' : '';
      case FRAME.headers:
      case FRAME.priority:
        return streamId === 0 ? 'a frame of a stream on the connection' : '';
      case FRAME.windowUpdate:
        return streamId !== 0 && this.#isIdle(streamId) ? 'WINDOW_UPDATE on a stream that was never opened' : '';
      case FRAME.pushPromise:
        return 'a push, which was never allowed';
      case FRAME.continuation:
        return 'CONTINUATION without a header block';
      default:
        return '';
    }
  }

  /** RFC 9113 section 5.1.1: not opened yet. Servers open none here. */
  #isIdle(streamId: number): boolean {
    if (streamId % 2 === 0) return true;
    return this.#isServer ? streamId > this.#lastPeerId : streamId >= this.#nextId;
  }

  // --- DATA

  #lateDataError(streamId: number): number {
    return this.#ended.howEnded(streamId) === 'by-peer' ? ERROR.STREAM_CLOSED : ERROR.NO_ERROR;
  }

  #dataError(stream: Stream<T>, length: number, dataLength: number, ends: boolean): number {
    if (stream.remoteClosed) return ERROR.STREAM_CLOSED;
    if (!this.#isServer && !stream.headDone) return ERROR.PROTOCOL_ERROR;
    if (length > stream.receiveWindow) return ERROR.FLOW_CONTROL_ERROR;
    stream.receivedBytes += dataLength;
    const expected = stream.expectedBytes;
    if (expected >= 0 && (stream.receivedBytes > expected || (ends && stream.receivedBytes < expected)))
      return ERROR.PROTOCOL_ERROR;
    return ERROR.NO_ERROR;
  }

  #deliver(stream: Stream<T>, buf: Buffer, start: number, end: number, ends: boolean): void {
    stream.unconsumed += end - start;
    if (ends) this.#remoteEnded(stream);
    this.#sink.data(stream, buf, start, end, ends);
  }

  /** Lets the peer send as many octets more on the stream. */
  #giveBack(stream: Stream<T>, bytes: number): void {
    if (stream.remoteClosed) return;
    stream.owed += bytes;
    if (stream.owed * 2 < this.#options.streamWindow) return;
    stream.receiveWindow += stream.owed;
    this.#outgoing.windowUpdate(stream.id, stream.owed);
    stream.owed = 0;
  }

  /** Lets the peer send as many octets more on the connection. */
  #credit(bytes: number): void {
    this.#owed += bytes;
    if (this.#owed * 2 < this.#connectionWindow) return;
    this.#receiveWindow += this.#owed;
    this.#outgoing.windowUpdate(0, this.#owed);
    this.#owed = 0;
  }

  // --- header blocks

  #onHeaders(flags: number, streamId: number, buf: Buffer, payloadStart: number, payloadEnd: number): void {
    let start = payloadStart;
    let end = payloadEnd;
    if ((flags & FLAG.padded) !== 0) {
      if (start === end) {
        this.#fault(ERROR.FRAME_SIZE_ERROR, 'a padded HEADERS frame without length of padding');
        return;
      }
      end -= buf[start++]!;
    }
    let selfDependent = false;
    if ((flags & FLAG.priority) !== 0) {
      if (payloadEnd - start < 5) {
        this.#fault(ERROR.FRAME_SIZE_ERROR, 'HEADERS too short for its priority');
        return;
      }
      selfDependent = (uint32(buf, start) & 0x7fffffff) === streamId;
      start += 5;
    }
    if (end < start) {
      this.#fault(ERROR.PROTOCOL_ERROR, 'padding longer than the HEADERS frame');
      return;
    }
    if (streamId % 2 === 0 || (!this.#isServer && this.#isIdle(streamId))) {
      this.#fault(ERROR.PROTOCOL_ERROR, 'HEADERS on a stream that the peer may not open');
      return;
    }
    if (selfDependent) {
      this.#fault(ERROR.PROTOCOL_ERROR, 'a stream that depends on itself');
      return;
    }
    if ((flags & FLAG.endHeaders) !== 0) {
      this.#onBlock(flags, streamId, buf, start, end);
      return;
    }
    this.#blockStream = streamId;
    this.#blockFlags = flags;
    this.#blockFrames = 0;
    this.#blockBytes = 0;
    this.#collect(buf, start, end);
  }

  #onContinuation(flags: number, buf: Buffer, start: number, end: number): void {
    if (++this.#blockFrames > LIMITS.continuationsMax) {
      this.#fault(ERROR.ENHANCE_YOUR_CALM, 'a header block of too many frames');
      return;
    }
    if (!this.#collect(buf, start, end) || (flags & FLAG.endHeaders) === 0) return;
    const block = this.#block;
    const streamId = this.#blockStream;
    this.#block = NO_BYTES;
    this.#blockStream = 0;
    this.#onBlock(this.#blockFlags, streamId, block, 0, this.#blockBytes);
  }

  #collect(buf: Buffer, start: number, end: number): boolean {
    const bytes = this.#blockBytes + end - start;
    if (bytes > LIMITS.headerBlockBytesMax) {
      this.#fault(ERROR.ENHANCE_YOUR_CALM, 'a header block longer than allowed');
      return false;
    }
    if (bytes > this.#block.length) {
      const wider = Buffer.allocUnsafe(bytes * 2);
      this.#block.copy(wider, 0, 0, this.#blockBytes);
      this.#block = wider;
    }
    buf.copy(this.#block, this.#blockBytes, start, end);
    this.#blockBytes = bytes;
    return true;
  }

  /** A whole header block came; whatever becomes of it, it must be decoded for the state of the table. */
  #onBlock(flags: number, streamId: number, buf: Buffer, start: number, end: number): void {
    const ends = (flags & FLAG.endStream) !== 0;
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) {
      if (stream.remoteClosed) {
        if (this.#decode('none', buf, start, end)) this.#streamError(streamId, stream, ERROR.STREAM_CLOSED);
      } else if (this.#isServer || stream.headDone) this.#onTrailers(stream, ends, buf, start, end);
      else this.#onResponse(stream, ends, buf, start, end);
    } else if (this.#isServer && streamId > this.#lastPeerId) this.#onRequest(streamId, ends, buf, start, end);
    else this.#onLateBlock(streamId, buf, start, end);
  }

  #onLateBlock(streamId: number, buf: Buffer, start: number, end: number): void {
    if (!this.#decode('none', buf, start, end)) return;
    const how = this.#ended.howEnded(streamId);
    if (how === 'by-peer') this.#fault(ERROR.STREAM_CLOSED, 'HEADERS on a stream that has ended');
    else if (how === 'never' && this.#isServer && this.#ended.remembers(streamId, this.#lastPeerId))
      this.#fault(ERROR.PROTOCOL_ERROR, 'a stream with a number below that of an earlier one');
  }

  #onRequest(streamId: number, ends: boolean, buf: Buffer, start: number, end: number): void {
    this.#lastPeerId = streamId;
    if (streamId > this.#acceptedMax) {
      this.#ended.add(streamId, true);
      this.#decode('none', buf, start, end);
      return;
    }
    this.#floods.opened();
    if (this.#streams.size >= this.#options.maxConcurrentStreams || this.#isUnread()) {
      if (this.#decode('none', buf, start, end)) this.#streamError(streamId, undefined, ERROR.REFUSED_STREAM);
      return;
    }
    if (!this.#decode('request', buf, start, end)) return;
    const window = this.#settingsAcked ? this.#options.streamWindow : WINDOW_DEFAULT;
    const stream = new Stream<T>(this, streamId, this.#outgoing.initialWindow, window, false);
    if (this.#heads.oversized) {
      this.#refuseOversized(stream, ends);
      return;
    }
    const head = this.#heads.request();
    if (head === undefined || (ends && head.contentLength > 0)) {
      this.#streamError(streamId, undefined, ERROR.PROTOCOL_ERROR);
      return;
    }
    stream.expectedBytes = head.contentLength;
    stream.remoteClosed = ends;
    this.#streams.set(streamId, stream);
    this.#sink.request(stream, head, ends);
  }

  /** RFC 6585 section 5 rather than a reset, so that users learn why. */
  #refuseOversized(stream: Stream<T>, ends: boolean): void {
    stream.remoteClosed = ends;
    this.#outgoing.response(stream, TOO_LARGE, NO_FIELDS, true);
    this.#ended.add(stream.id, !ends);
    if (!ends) this.#rst(stream.id, ERROR.NO_ERROR);
    this.#isFlood('error');
  }

  #onResponse(stream: Stream<T>, ends: boolean, buf: Buffer, start: number, end: number): void {
    if (!this.#decode('response', buf, start, end)) return;
    if (this.#heads.oversized) {
      this.#streamError(stream.id, stream, ERROR.ENHANCE_YOUR_CALM);
      return;
    }
    const head = this.#heads.response();
    if (head === undefined || (head.status < 200 && (ends || ++stream.informationals > LIMITS.informationalsMax))) {
      this.#streamError(stream.id, stream, ERROR.PROTOCOL_ERROR);
      return;
    }
    if (head.status >= 200) {
      stream.headDone = true;
      const bodiless = stream.isHead || head.status === 204 || head.status === 304;
      stream.expectedBytes = bodiless ? 0 : head.contentLength;
      if (ends && stream.expectedBytes > 0) {
        this.#streamError(stream.id, stream, ERROR.PROTOCOL_ERROR);
        return;
      }
    }
    if (ends) this.#remoteEnded(stream);
    this.#sink.response(stream, head, ends);
  }

  #onTrailers(stream: Stream<T>, ends: boolean, buf: Buffer, start: number, end: number): void {
    if (!this.#decode('trailers', buf, start, end)) return;
    if (this.#heads.oversized) {
      this.#streamError(stream.id, stream, ERROR.ENHANCE_YOUR_CALM);
      return;
    }
    const fields = this.#heads.trailers();
    const isShort = stream.expectedBytes >= 0 && stream.receivedBytes < stream.expectedBytes;
    if (fields === undefined || !ends || isShort) {
      this.#streamError(stream.id, stream, ERROR.PROTOCOL_ERROR);
      return;
    }
    this.#remoteEnded(stream);
    this.#sink.trailers(stream, fields);
  }

  #decode(kind: Parameters<HeadReader['begin']>[0], buf: Buffer, start: number, end: number): boolean {
    this.#heads.begin(kind);
    if (this.#decoder.decode(buf, start, end, this.#heads)) return true;
    this.#fault(ERROR.COMPRESSION_ERROR, 'a header block that cannot be decoded');
    return false;
  }

  /** The peer asks and does not read. */
  #isUnread(): boolean {
    const { held, bytes, queuedBytes } = this.#outgoing;
    return (held && bytes > LIMITS.heldOutputBytesMax) || queuedBytes > LIMITS.queuedBytesMax;
  }

  // --- other frames

  #onPriority(streamId: number, buf: Buffer, start: number, end: number): void {
    if (this.#isFlood('ignored')) return;
    const isSelf = end - start === 5 && (uint32(buf, start) & 0x7fffffff) === streamId;
    if (end - start === 5 && !isSelf) return;
    const code = isSelf ? ERROR.PROTOCOL_ERROR : ERROR.FRAME_SIZE_ERROR;
    const stream = this.#streams.get(streamId);
    if (stream === undefined) this.#fault(code, 'a wrong PRIORITY frame');
    else this.#streamError(streamId, stream, code);
  }

  #onRstStream(streamId: number, buf: Buffer, start: number, end: number): void {
    if (end - start !== 4) {
      this.#fault(ERROR.FRAME_SIZE_ERROR, 'RST_STREAM of another length than 4');
      return;
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    const code = uint32(buf, start);
    if (this.#isServer && !stream.headDone && this.#isFlood('reset')) return;
    this.#kill(stream, false);
    this.#sink.reset(stream, code, true, !this.#isServer && code === ERROR.REFUSED_STREAM);
  }

  #onSettings(flags: number, buf: Buffer, start: number, end: number): void {
    if ((flags & FLAG.ack) !== 0) {
      if (end !== start) {
        this.#fault(ERROR.FRAME_SIZE_ERROR, 'an answer to SETTINGS that is not empty');
        return;
      }
      if (!this.#settingsAcked) this.#acked();
      return;
    }
    if ((end - start) % 6 !== 0) {
      this.#fault(ERROR.FRAME_SIZE_ERROR, 'SETTINGS of another length than n * 6');
      return;
    }
    if (this.#isFlood('settings')) return;
    if (!this.#peerSettingsApplied) this.#peerStreamsMax = STREAM_ID_MAX;
    this.#peerSettingsApplied = true;
    for (let at = start; at < end; at += 6)
      if (!this.#setting((buf[at]! << 8) | buf[at + 1]!, uint32(buf, at + 2))) return;
    this.#outgoing.settingsAck();
    if (this.#isControlFlood()) return;
    this.#outgoing.pump();
    if (!this.#isServer) this.#sink.available();
  }

  /** From now on the peer's new streams have the window that we asked for, and the open ones change by the difference. */
  #acked(): void {
    this.#settingsAcked = true;
    const change = this.#options.streamWindow - WINDOW_DEFAULT;
    for (const stream of this.#streams.values()) stream.receiveWindow += change;
  }

  /** Applies a setting of the peer (RFC 9113 section 6.5.2); false after a fault. */
  #setting(id: number, value: number): boolean {
    switch (id) {
      case SETTING.headerTableSize:
        this.#outgoing.setPeerTableSize(value);
        return true;
      case SETTING.enablePush:
        if (value === 0 || (value === 1 && this.#isServer)) return true;
        return this.#badSetting(ERROR.PROTOCOL_ERROR, 'ENABLE_PUSH', value);
      case SETTING.maxConcurrentStreams:
        this.#peerStreamsMax = value;
        return true;
      case SETTING.initialWindowSize:
        if (value > WINDOW_MAX) return this.#badSetting(ERROR.FLOW_CONTROL_ERROR, 'INITIAL_WINDOW_SIZE', value);
        return this.#changeInitialWindow(value);
      case SETTING.maxFrameSize:
        if (value < FRAME_SIZE_DEFAULT || value > FRAME_SIZE_MAX)
          return this.#badSetting(ERROR.PROTOCOL_ERROR, 'MAX_FRAME_SIZE', value);
        this.#outgoing.maxFrameSize = value;
        return true;
      default:
        return true;
    }
  }

  #badSetting(code: number, name: string, value: number): false {
    this.#fault(code, `${value} as ${name} in SETTINGS`);
    return false;
  }

  /** RFC 9113 section 6.9.2: windows of open streams change by the difference, below zero too. */
  #changeInitialWindow(value: number): boolean {
    const change = value - this.#outgoing.initialWindow;
    this.#outgoing.initialWindow = value;
    for (const stream of this.#streams.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > WINDOW_MAX) {
        this.#fault(ERROR.FLOW_CONTROL_ERROR, 'a window beyond 2^31-1 after SETTINGS');
        return false;
      }
      this.#outgoing.becameReady(stream);
    }
    return true;
  }

  #onPing(flags: number, buf: Buffer, start: number, end: number): void {
    if (end - start !== 8) {
      this.#fault(ERROR.FRAME_SIZE_ERROR, 'PING of another length than 8');
      return;
    }
    const high = uint32(buf, start);
    const low = uint32(buf, start + 4);
    if ((flags & FLAG.ack) === 0) {
      if (this.#isFlood('ping')) return;
      this.#outgoing.ping(high, low, true);
      this.#isControlFlood();
    } else if (this.#draining && high === DRAIN_HIGH && low === DRAIN_LOW) this.#endDrain();
    else this.#sink.pong(high * HIGH + low);
  }

  /** The peer knows that it shall open no more streams: those that are here are all. */
  #endDrain(): void {
    if (this.#acceptedMax !== STREAM_ID_MAX) return;
    this.#acceptedMax = this.#lastPeerId;
    this.#outgoing.goaway(this.#lastPeerId, ERROR.NO_ERROR, '');
  }

  #onGoaway(buf: Buffer, start: number, end: number): void {
    if (end - start < 8) {
      this.#fault(ERROR.FRAME_SIZE_ERROR, 'GOAWAY shorter than 8 octets');
      return;
    }
    const lastStreamId = uint32(buf, start) & 0x7fffffff;
    const code = uint32(buf, start + 4);
    this.#peerGoaway = true;
    this.#peerLastId = Math.min(this.#peerLastId, lastStreamId);
    this.#sink.goaway(code, lastStreamId);
    if (this.#isServer) return;
    for (const stream of this.#streams.values()) {
      if (stream.id <= this.#peerLastId) continue;
      this.#kill(stream, true);
      this.#sink.reset(stream, ERROR.REFUSED_STREAM, true, true);
    }
  }

  #onWindowUpdate(streamId: number, buf: Buffer, start: number, end: number): void {
    if (end - start !== 4) {
      this.#fault(ERROR.FRAME_SIZE_ERROR, 'WINDOW_UPDATE of another length than 4');
      return;
    }
    if (this.#isFlood('windowUpdate')) return;
    const bytes = uint32(buf, start) & 0x7fffffff;
    if (streamId === 0) {
      if (bytes === 0) {
        this.#fault(ERROR.PROTOCOL_ERROR, 'WINDOW_UPDATE of nothing');
        return;
      }
      if (!this.#outgoing.widen(bytes)) {
        this.#fault(ERROR.FLOW_CONTROL_ERROR, 'a window beyond 2^31-1');
        return;
      }
    } else {
      const stream = this.#streams.get(streamId);
      if (stream === undefined) return;
      if (bytes === 0) {
        this.#streamError(streamId, stream, ERROR.PROTOCOL_ERROR);
        return;
      }
      stream.sendWindow += bytes;
      if (stream.sendWindow > WINDOW_MAX) {
        this.#streamError(streamId, stream, ERROR.FLOW_CONTROL_ERROR);
        return;
      }
      this.#outgoing.becameReady(stream);
    }
    this.#outgoing.pump();
  }

  // --- ends

  #remoteEnded(stream: Stream<T>): void {
    stream.remoteClosed = true;
    if (stream.localClosed) this.#finish(stream);
  }

  /** Both sides have ended. */
  #finish(stream: Stream<T>): void {
    this.#remove(stream, false);
  }

  /** Over before its time; what was received and not consumed is given back. */
  #kill(stream: Stream<T>, byUs: boolean): void {
    if (stream.dead) return;
    stream.dead = true;
    this.#outgoing.drop(stream);
    this.#remove(stream, byUs);
    const unconsumed = stream.unconsumed;
    stream.unconsumed = 0;
    if (unconsumed > 0 && !this.#over) this.#credit(unconsumed);
  }

  #remove(stream: Stream<T>, byUs: boolean): void {
    if (!this.#streams.delete(stream.id)) return;
    this.#ended.add(stream.id, byUs);
    if (!this.#isServer && this.#streams.size + 1 === this.#peerStreamsMax && this.canOpen) this.#sink.available();
  }

  #isUnprocessed(stream: Stream<T>): boolean {
    return !this.#isServer && stream.id > this.#peerLastId;
  }

  /** The peer did something wrong on one stream (RFC 9113 section 5.4.2). */
  #streamError(streamId: number, stream: Stream<T> | undefined, code: number): void {
    if (stream !== undefined) this.#kill(stream, true);
    else this.#ended.add(streamId, true);
    this.#rst(streamId, code);
    if (stream !== undefined) this.#sink.reset(stream, code, false, false);
    this.#isFlood('error');
  }

  #rst(streamId: number, code: number): void {
    this.#outgoing.rstStream(streamId, code);
    this.#isControlFlood();
  }

  /** Counts what a peer may not do too often; true when the connection ended for it. */
  #isFlood(kind: Flood): boolean {
    if (this.#over || !this.#floods.isTooMuch(kind)) return this.#over;
    this.#fault(ERROR.ENHANCE_YOUR_CALM, `too many in ${LIMITS.windowMs} ms: ${FLOODS[kind].reason}`);
    return true;
  }

  #isControlFlood(): boolean {
    if (this.#over || this.#outgoing.controlBytes <= LIMITS.controlBytesMax) return this.#over;
    this.#fault(ERROR.ENHANCE_YOUR_CALM, 'answers pile up that the peer does not read');
    return true;
  }

  /** The connection cannot go on (RFC 9113 section 5.4.1). */
  #fault(code: number, text: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#reader.stop();
    this.#block = NO_BYTES;
    this.#outgoing.goaway(this.#lastPeerId, code, text);
    this.#sink.fault(code, text);
  }
}

function uint32(buf: Buffer, at: number): number {
  return ((buf[at]! << 24) | (buf[at + 1]! << 16) | (buf[at + 2]! << 8) | buf[at + 3]!) >>> 0;
}
