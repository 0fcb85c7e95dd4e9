import type { Field, FieldCache, RequestHead } from '../fields/index.ts';
import { HpackEncoder } from '../hpack/index.ts';
import { Output } from '../output/index.ts';
import { FLAG, FRAME, FRAME_HEADER_BYTES, FRAME_SIZE_DEFAULT, PREFACE, WINDOW_DEFAULT, WINDOW_MAX } from './codes.ts';
import { HTTP2_LIMITS as LIMITS } from './limits.ts';
import { NO_RUNS, type Stream } from './stream.ts';

/** What the sending side tells the connection. */
export interface OutgoingSink<T> {
  /** END_STREAM of this stream is in the output. */
  localEnded(stream: Stream<T>): void;
  writable(stream: Stream<T>): void;
  output(): void;
}

/** Rows of HPACK's static table for the usual pseudo-header fields. */
const METHOD_ROWS: Readonly<Record<string, number>> = { GET: 2, POST: 3 };
const SCHEME_ROWS: Readonly<Record<string, number>> = { http: 6, https: 7 };
const PATH_ROWS: Readonly<Record<string, number>> = { '/': 4 };
const STATUS_ROWS: Readonly<Record<number, number>> = { 200: 8, 204: 9, 206: 10, 304: 11, 400: 12, 404: 13, 500: 14 };

const RECENT_MAX = 32;

/**
 * The sending half of a connection: frames, the header table, windows, and streams that wait for them. Streams that wait for
 * the connection take turns, one frame each.
 */
export class Outgoing<T> {
  readonly #sink: OutgoingSink<T>;
  readonly #fields: FieldCache;
  readonly #out = new Output();
  readonly #encoder = new HpackEncoder();
  /** Octets that may wait in a stream before it is full. */
  readonly #sendBytesMax: number;
  /** Streams with data and a window of their own, in the order of their turns, from `#readyAt` on. */
  readonly #ready: Stream<T>[] = [];
  #readyAt = 0;
  /** Pseudo-header fields sent lately, by the lengths of their texts. */
  readonly #recent: (Field | undefined)[] = [];
  #announced = true;
  #pumping = false;
  /** Octets that the peer still takes on the connection. */
  window = WINDOW_DEFAULT;
  /** What the peer's settings say. */
  initialWindow = WINDOW_DEFAULT;
  maxFrameSize = FRAME_SIZE_DEFAULT;
  held = false;
  /** Body octets that wait in all streams. */
  queuedBytes = 0;
  /** Octets of control frames put out since the output was empty. */
  controlBytes = 0;

  constructor(fields: FieldCache, sendBytesMax: number, sink: OutgoingSink<T>) {
    this.#fields = fields;
    this.#sendBytesMax = sendBytesMax;
    this.#sink = sink;
  }

  get bytes(): number {
    return this.#out.length;
  }

  take(max: number): Buffer | undefined {
    const taken = this.#out.take(max);
    if (this.#out.length === 0) {
      this.#announced = false;
      this.controlBytes = 0;
    }
    return taken;
  }

  sent(): void {
    this.#out.sent();
  }

  preface(): void {
    this.#out.add(PREFACE, 0, PREFACE.length);
  }

  settings(pairs: readonly (readonly [number, number])[]): void {
    this.#frame(FRAME.settings, 0, 0, pairs.length * 6);
    for (const [id, value] of pairs) {
      this.#out.buf[this.#out.end++] = id >> 8;
      this.#out.buf[this.#out.end++] = id;
      this.#uint32(value);
    }
    this.#wrote();
  }

  settingsAck(): void {
    this.#control(FRAME.settings, FLAG.ack, 0, 0);
    this.#wrote();
  }

  ping(high: number, low: number, ack: boolean): void {
    this.#control(FRAME.ping, ack ? FLAG.ack : 0, 0, 8);
    this.#uint32(high);
    this.#uint32(low);
    this.#wrote();
  }

  goaway(lastStreamId: number, code: number, text: string): void {
    this.#frame(FRAME.goaway, 0, 0, 8 + text.length);
    this.#uint32(lastStreamId);
    this.#uint32(code);
    this.#out.text(text);
    this.#wrote();
  }

  rstStream(streamId: number, code: number): void {
    this.#control(FRAME.rstStream, 0, streamId, 4);
    this.#uint32(code);
    this.#wrote();
  }

  windowUpdate(streamId: number, bytes: number): void {
    this.#control(FRAME.windowUpdate, 0, streamId, 4);
    this.#uint32(bytes);
    this.#wrote();
  }

  request(stream: Stream<T>, head: RequestHead, end: boolean): void {
    const mark = this.#beginBlock();
    this.#pseudo(METHOD_ROWS[head.method], ':method', head.method);
    if (head.method !== 'CONNECT') {
      const scheme = head.scheme === '' ? 'http' : head.scheme;
      this.#pseudo(SCHEME_ROWS[scheme], ':scheme', scheme);
    }
    if (head.authority !== '') this.#pseudo(undefined, ':authority', head.authority);
    if (head.method !== 'CONNECT') this.#pseudo(PATH_ROWS[head.path], ':path', head.path);
    this.#endBlock(mark, stream, head.fields, end);
  }

  response(stream: Stream<T>, status: number, fields: readonly Field[], end: boolean): void {
    const mark = this.#beginBlock();
    const row = STATUS_ROWS[status];
    this.#pseudo(row, ':status', row === undefined ? String(status) : '');
    this.#endBlock(mark, stream, fields, end);
  }

  /** Trailers go behind the data that waits. */
  trailers(stream: Stream<T>, fields: readonly Field[]): void {
    if (stream.queuedBytes > 0) {
      stream.endQueued = true;
      stream.trailersQueued = fields;
      return;
    }
    this.#endBlock(this.#beginBlock(), stream, fields, true);
  }

  /** False: more of it waits than may. */
  data(stream: Stream<T>, buf: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    let at = start;
    if (stream.queuedBytes === 0) {
      if (start === end) {
        if (endStream) this.#dataFrame(stream, buf, start, start, true);
        return true;
      }
      while (at < end && this.#mayTakeTurn(stream)) at = this.#sendSome(stream, buf, at, end, endStream);
      if (at === end) return true;
    }
    if (at < end) this.#queue(stream, buf, at, end);
    if (endStream) stream.endQueued = true;
    if (stream.queuedBytes > this.#sendBytesMax) stream.owesWritable = true;
    this.becameReady(stream);
    return !stream.owesWritable;
  }

  /** A small part of what was read is copied: waiting, it would keep all of it in memory. */
  #queue(stream: Stream<T>, buf: Uint8Array, start: number, end: number): void {
    const bytes = end - start;
    if (stream.runs === NO_RUNS) stream.runs = [];
    if (bytes * LIMITS.keptShareMin < buf.length)
      stream.runs.push({ buf: Buffer.from(buf.subarray(start, end)), start: 0, end: bytes });
    else stream.runs.push({ buf, start, end });
    stream.queuedBytes += bytes;
    this.queuedBytes += bytes;
  }

  /** Forgets what a stream has waiting. */
  drop(stream: Stream<T>): void {
    this.queuedBytes -= stream.queuedBytes;
    stream.runs = NO_RUNS;
    stream.queuedBytes = 0;
    stream.owesWritable = false;
    stream.endQueued = false;
    stream.trailersQueued = undefined;
    if (!stream.isReady) return;
    stream.isReady = false;
    this.#ready.splice(this.#ready.indexOf(stream, this.#readyAt), 1);
  }

  /** The stream has data and may have a window now; `pump` sends it. */
  becameReady(stream: Stream<T>): void {
    if (stream.isReady || stream.queuedBytes === 0 || stream.sendWindow <= 0) return;
    stream.isReady = true;
    this.#ready.push(stream);
  }

  /** Sends what waits, as far as windows allow. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#isOpen && this.#readyAt < this.#ready.length) {
      const stream = this.#ready[this.#readyAt]!;
      this.#readyAt++;
      if (this.#readyAt > 64 && this.#readyAt * 2 > this.#ready.length) {
        this.#ready.splice(0, this.#readyAt);
        this.#readyAt = 0;
      }
      stream.isReady = false;
      if (stream.queuedBytes > 0 && stream.sendWindow > 0) this.#turn(stream);
    }
    if (this.#readyAt === this.#ready.length) {
      this.#ready.length = 0;
      this.#readyAt = 0;
    }
    this.#pumping = false;
  }

  /** One frame of a stream that waits. */
  #turn(stream: Stream<T>): void {
    const run = stream.runs[0]!;
    const before = run.start;
    const isLastRun = stream.runs.length === 1;
    const end = isLastRun && stream.endQueued && stream.trailersQueued === undefined;
    run.start = this.#sendSome(stream, run.buf, run.start, run.end, end);
    if (stream.dead) return;
    stream.queuedBytes -= run.start - before;
    this.queuedBytes -= run.start - before;
    if (run.start === run.end) stream.runs.shift();
    if (stream.queuedBytes > 0) this.becameReady(stream);
    else if (stream.trailersQueued !== undefined) this.trailers(stream, stream.trailersQueued);
    // Half of what may wait: the next bytes come in runs, not frame by frame.
    if (!stream.owesWritable || stream.localClosed || stream.queuedBytes * 2 > this.#sendBytesMax) return;
    stream.owesWritable = false;
    this.#sink.writable(stream);
  }

  /** Streams that wait for the connection. */
  get waiting(): number {
    return this.#ready.length - this.#readyAt;
  }

  /** Whether a stream without waiting data may send: others that wait come first. */
  #mayTakeTurn(stream: Stream<T>): boolean {
    return this.#isOpen && stream.sendWindow > 0 && this.waiting === 0;
  }

  /** The connection lets DATA out: what waits to be taken stays short, so that streams take turns up to the socket. */
  get #isOpen(): boolean {
    return !this.held && this.window > 0 && this.#out.length < LIMITS.outputBytesMax;
  }

  /** Sends one frame, END_STREAM with it if it reaches `end` and `endStream` says so; how far it got. */
  #sendSome(stream: Stream<T>, buf: Uint8Array, start: number, end: number, endStream: boolean): number {
    const frameMax = Math.min(this.maxFrameSize, LIMITS.dataFrameBytesMax);
    const room = Math.max(FRAME_SIZE_DEFAULT, LIMITS.outputBytesMax - this.#out.length);
    const bytes = Math.min(end - start, this.window, stream.sendWindow, frameMax, room);
    const stop = start + bytes;
    this.window -= bytes;
    stream.sendWindow -= bytes;
    this.#dataFrame(stream, buf, start, stop, endStream && stop === end);
    return stop;
  }

  #dataFrame(stream: Stream<T>, buf: Uint8Array, start: number, end: number, endStream: boolean): void {
    this.#out.reserveApart(FRAME_HEADER_BYTES + end - start);
    this.#frame(FRAME.data, endStream ? FLAG.endStream : 0, stream.id, end - start);
    this.#out.add(buf, start, end);
    this.#wrote();
    if (endStream) this.#sink.localEnded(stream);
  }

  #pseudo(row: number | undefined, name: string, value: string): void {
    if (row !== undefined) {
      this.#encoder.indexed(row, this.#out);
      return;
    }
    // The same few authorities and paths come again and again: comparing texts is cheaper than finding their fields.
    const slot = (value.length + name.length * 7) % RECENT_MAX;
    let field = this.#recent[slot];
    if (field === undefined || field.value !== value || field.name !== name) {
      field = this.#fields.fieldOf(name, value);
      this.#recent[slot] = field;
    }
    this.#encoder.field(field, this.#out);
  }

  /** Leaves room for the header of a HEADERS frame; what it returns tells where. */
  #beginBlock(): number {
    const mark = this.#out.length;
    this.#out.reserve(FRAME_HEADER_BYTES);
    this.#out.end += FRAME_HEADER_BYTES;
    this.#encoder.begin(this.#out);
    return mark;
  }

  #endBlock(mark: number, stream: Stream<T>, fields: readonly Field[], end: boolean): void {
    for (let i = 0; i < fields.length; i++) this.#encoder.field(fields[i]!, this.#out);
    const bytes = this.#out.length - mark - FRAME_HEADER_BYTES;
    const at = this.#out.end - bytes - FRAME_HEADER_BYTES;
    const flags = end ? FLAG.endStream : 0;
    if (bytes <= this.maxFrameSize) this.#header(at, FRAME.headers, flags | FLAG.endHeaders, stream.id, bytes);
    else this.#splitBlock(at, flags, stream.id, bytes);
    this.#wrote();
    if (end) this.#sink.localEnded(stream);
  }

  /** A block too long for one frame goes on in CONTINUATION frames. */
  #splitBlock(at: number, flags: number, streamId: number, bytes: number): void {
    const block = Buffer.from(this.#out.buf.subarray(at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + bytes));
    this.#header(at, FRAME.headers, flags, streamId, this.maxFrameSize);
    this.#out.end = at + FRAME_HEADER_BYTES + this.maxFrameSize;
    for (let from = this.maxFrameSize; from < bytes; from += this.maxFrameSize) {
      const stop = Math.min(bytes, from + this.maxFrameSize);
      this.#frame(FRAME.continuation, stop === bytes ? FLAG.endHeaders : 0, streamId, stop - from);
      this.#out.add(block, from, stop);
    }
  }

  #control(type: number, flags: number, streamId: number, length: number): void {
    this.controlBytes += FRAME_HEADER_BYTES + length;
    this.#frame(type, flags, streamId, length);
  }

  /** Writes a frame's header and makes room for its payload. */
  #frame(type: number, flags: number, streamId: number, length: number): void {
    this.#out.reserve(FRAME_HEADER_BYTES + length);
    const at = this.#out.end;
    this.#out.end += FRAME_HEADER_BYTES;
    this.#header(at, type, flags, streamId, length);
  }

  #header(at: number, type: number, flags: number, streamId: number, length: number): void {
    const { buf } = this.#out;
    buf[at] = length >> 16;
    buf[at + 1] = length >> 8;
    buf[at + 2] = length;
    buf[at + 3] = type;
    buf[at + 4] = flags;
    buf[at + 5] = streamId >> 24;
    buf[at + 6] = streamId >> 16;
    buf[at + 7] = streamId >> 8;
    buf[at + 8] = streamId;
  }

  #uint32(value: number): void {
    const out = this.#out;
    out.buf[out.end++] = value >>> 24;
    out.buf[out.end++] = value >>> 16;
    out.buf[out.end++] = value >>> 8;
    out.buf[out.end++] = value;
  }

  #wrote(): void {
    if (this.#announced) return;
    this.#announced = true;
    this.#sink.output();
  }

  setPeerTableSize(bytes: number): void {
    this.#encoder.setPeerLimit(bytes);
  }

  /** The peer takes more on the connection; false if that is more than a window may be. */
  widen(bytes: number): boolean {
    this.window += bytes;
    return this.window <= WINDOW_MAX;
  }
}
