import type { FieldCache, RequestHead } from '../fields/index.ts';
import { HTTP2_ERROR as ERROR, FLAG, FRAME, FRAME_SIZE_DEFAULT, PREFACE, SETTING, WINDOW_DEFAULT } from './codes.ts';
import type { Http2Connection, Http2Options, Http2Sink, Http2Stream } from './contract.ts';
import { Controls } from './controls.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { Messages } from './messages.ts';
import { Streams } from './streams.ts';

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
  return new Connection(role === 'server', options, fields, sink);
}

class Connection<T> implements Http2Connection<T>, FrameSink {
  readonly #streams: Streams<T>;
  readonly #messages: Messages<T>;
  readonly #controls: Controls<T>;
  readonly #reader: FrameReader;
  #prefaceLeft: number;
  #settingsSeen = false;

  constructor(isServer: boolean, options: Http2Options, fields: FieldCache, sink: Http2Sink<T>) {
    this.#streams = new Streams(isServer, options, fields, sink);
    this.#messages = new Messages(this.#streams, fields);
    this.#controls = new Controls(this.#streams);
    this.#reader = new FrameReader(Math.max(options.maxFrameSize, FRAME_SIZE_DEFAULT), this);
    this.#prefaceLeft = isServer ? PREFACE.length : 0;
    this.#greet(isServer, options);
  }

  #greet(isServer: boolean, options: Http2Options): void {
    const { outgoing, connectionWindow } = this.#streams;
    if (!isServer) outgoing.preface();
    outgoing.settings([
      [SETTING.headerTableSize, options.headerTableSize],
      isServer ? [SETTING.maxConcurrentStreams, options.maxConcurrentStreams] : [SETTING.enablePush, 0],
      [SETTING.initialWindowSize, options.streamWindow],
      [SETTING.maxFrameSize, Math.max(options.maxFrameSize, FRAME_SIZE_DEFAULT)],
      [SETTING.maxHeaderListSize, options.maxHeaderListSize],
    ]);
    if (connectionWindow > WINDOW_DEFAULT) outgoing.windowUpdate(0, connectionWindow - WINDOW_DEFAULT);
  }

  receive(buf: Buffer, nowMs: number): void {
    if (this.#streams.over) return;
    this.#streams.floods.tick(nowMs);
    const start = this.#prefaceLeft > 0 ? this.#preface(buf) : 0;
    this.#reader.read(buf, start, buf.length);
    if (!this.#streams.over) this.#streams.takeArrived();
    if (this.#streams.over) this.#reader.stop();
  }

  /** Where the frames begin. */
  #preface(buf: Buffer): number {
    let at = 0;
    while (this.#prefaceLeft > 0 && at < buf.length) {
      if (buf[at++] !== PREFACE[PREFACE.length - this.#prefaceLeft]) {
        this.frameFault(ERROR.PROTOCOL_ERROR, 'the preface of HTTP/2 is wrong');
        return buf.length;
      }
      this.#prefaceLeft--;
    }
    return at;
  }

  request(head: RequestHead, end: boolean, owner: T): Http2Stream<T> | undefined {
    return this.#streams.canOpen ? this.#streams.request(head, end, owner) : undefined;
  }

  get canOpen(): boolean {
    return this.#streams.canOpen;
  }

  get openStreams(): number {
    return this.#streams.open.size;
  }

  streams(): Iterable<Http2Stream<T>> {
    return this.#streams.open.values();
  }

  get outputBytes(): number {
    return this.#streams.outgoing.bytes;
  }

  get queuedBytes(): number {
    return this.#streams.outgoing.queuedBytes + this.#messages.blockBytes;
  }

  takeOutput(max: number): Buffer | undefined {
    const { outgoing, over } = this.#streams;
    const taken = outgoing.take(max);
    if (taken !== undefined && !over) outgoing.pump();
    return taken;
  }

  outputSent(): void {
    this.#streams.outgoing.sent();
  }

  hold(held: boolean): void {
    const { outgoing, over } = this.#streams;
    outgoing.held = held;
    if (!held && !over) outgoing.pump();
  }

  goaway(code: number, graceful: boolean): void {
    if (this.#streams.over) return;
    if (graceful && this.#streams.isServer) this.#controls.beginDrain(code);
    else this.#streams.leave(code, '');
  }

  ping(opaque: number): void {
    if (!this.#streams.over) this.#controls.ask(opaque);
  }

  close(): void {
    this.#reader.stop();
    this.#streams.close();
  }

  // --- what the reader finds

  get isOver(): boolean {
    return this.#streams.over;
  }

  frameFault(code: number, text: string): void {
    this.#streams.fault(code, text);
  }

  dataStart(flags: number, streamId: number, length: number, dataLength: number): void {
    const fault = this.#faultOf(FRAME.data, streamId, flags);
    if (fault === '') this.#messages.dataStart(flags, streamId, length, dataLength);
    else this.frameFault(ERROR.PROTOCOL_ERROR, fault);
  }

  dataRun(buf: Buffer, start: number, end: number, last: boolean): void {
    this.#messages.dataRun(buf, start, end, last);
  }

  frame(type: number, flags: number, streamId: number, buf: Buffer, start: number, end: number): void {
    const fault = this.#faultOf(type, streamId, flags);
    if (fault !== '') {
      this.frameFault(ERROR.PROTOCOL_ERROR, fault);
      return;
    }
    switch (type) {
      case FRAME.headers:
        this.#messages.headers(flags, streamId, buf, start, end);
        return;
      case FRAME.continuation:
        this.#messages.continuation(flags, buf, start, end);
        return;
      case FRAME.windowUpdate:
        this.#controls.windowUpdate(streamId, buf, start, end);
        return;
      case FRAME.rstStream:
        this.#controls.rstStream(streamId, buf, start, end);
        return;
      case FRAME.settings:
        this.#controls.settings(flags, buf, start, end);
        return;
      case FRAME.ping:
        this.#controls.ping(flags, buf, start, end);
        return;
      case FRAME.goaway:
        this.#controls.goaway(buf, start, end);
        return;
      case FRAME.priority:
        this.#controls.priority(streamId, buf, start, end);
        return;
      default:
        this.#streams.isFlood('ignored');
    }
  }

  /** What is wrong with a frame of this type here and now, whatever it holds; '' for nothing. */
  #faultOf(type: number, streamId: number, flags: number): string {
    if (!this.#settingsSeen) {
      // RFC 9113 section 3.4: the first frame is SETTINGS.
      if (type !== FRAME.settings || (flags & FLAG.ack) !== 0) return 'the first frame is not SETTINGS';
      this.#settingsSeen = true;
    }
    const { blockStream } = this.#messages;
    if (blockStream !== 0)
      return type === FRAME.continuation && streamId === blockStream ? '' : 'another frame within a header block';
    switch (type) {
      case FRAME.settings:
      case FRAME.ping:
      case FRAME.goaway:
        return streamId === 0 ? '' : 'a frame of the connection on a stream';
      case FRAME.data:
      case FRAME.rstStream:
        if (streamId === 0) return 'a frame of a stream on the connection';
        return this.#streams.isIdle(streamId) ? 'a frame on a stream that was never opened' : '';
      case FRAME.headers:
      case FRAME.priority:
        return streamId === 0 ? 'a frame of a stream on the connection' : '';
      case FRAME.windowUpdate:
        return streamId !== 0 && this.#streams.isIdle(streamId) ? 'a window for a stream that was never opened' : '';
      case FRAME.pushPromise:
        return 'a push, which was never allowed';
      case FRAME.continuation:
        return 'CONTINUATION without a header block';
      default:
        return '';
    }
  }
}
