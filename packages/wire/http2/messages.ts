import type { Field, FieldCache } from '../fields/index.ts';
import { HpackDecoder } from '../hpack/index.ts';
import { Block } from './block.ts';
import { HTTP2_ERROR as ERROR, FLAG, TABLE_SIZE_DEFAULT, uint31 } from './codes.ts';
import { type HeadKind, HeadReader } from './head-reader.ts';
import { HTTP2_LIMITS as LIMITS } from './limits.ts';
import type { Stream } from './stream.ts';
import type { Streams } from './streams.ts';

const NO_BYTES = Buffer.alloc(0);
const NO_FIELDS: readonly Field[] = [];
const TOO_LARGE = 431;
const PRIORITY_BYTES = 5;

/** Heads, bodies and trailers as they come: whole header blocks, runs of DATA, and what of them is reported (RFC 9113 section 8). */
export class Messages<T> {
  readonly #streams: Streams<T>;
  readonly #heads: HeadReader;
  readonly #decoder: HpackDecoder;
  readonly #block: Block;
  /** The DATA frame under way: undefined when its octets go nowhere. */
  #dataStream: Stream<T> | undefined;
  #dataEnds = false;

  constructor(streams: Streams<T>, fields: FieldCache) {
    const { maxHeaderListSize, headerTableSize } = streams.options;
    this.#streams = streams;
    this.#heads = new HeadReader(maxHeaderListSize);
    this.#block = new Block(maxHeaderListSize);
    this.#decoder = new HpackDecoder(fields, Math.max(headerTableSize, TABLE_SIZE_DEFAULT));
  }

  /** The stream whose header block is under way, 0 for none. */
  get blockStream(): number {
    return this.#block.streamId;
  }

  /** Octets of it that have come. */
  get blockBytes(): number {
    return this.#block.streamId === 0 ? 0 : this.#block.length;
  }

  // --- DATA

  dataStart(flags: number, streamId: number, length: number, dataLength: number): void {
    const streams = this.#streams;
    const ends = (flags & FLAG.endStream) !== 0;
    this.#dataStream = undefined;
    if (!streams.use(length) || (length === 0 && !ends && streams.isFlood('emptyData'))) return;
    const stream = streams.open.get(streamId);
    const error = stream
      ? dataError(stream, streams.isServer, length, dataLength, ends)
      : this.#lateDataError(streamId);
    if (stream === undefined || error !== ERROR.NO_ERROR) {
      if (error !== ERROR.NO_ERROR) streams.streamError(streamId, stream, error);
      return;
    }
    stream.receiveWindow -= length;
    if (length > dataLength) streams.giveBack(stream, length - dataLength);
    this.#dataEnds = ends;
    if (dataLength > 0) this.#dataStream = stream;
    else if (ends) this.#deliver(stream, NO_BYTES, 0, 0, true);
  }

  dataRun(buf: Buffer, start: number, end: number, last: boolean): void {
    const stream = this.#dataStream;
    if (last) this.#dataStream = undefined;
    if (stream !== undefined && !stream.dead) this.#deliver(stream, buf, start, end, last && this.#dataEnds);
  }

  #deliver(stream: Stream<T>, buf: Buffer, start: number, end: number, ends: boolean): void {
    if (stream.untaken !== undefined) this.#streams.takeArrived();
    if (stream.dead) return;
    this.#streams.delivered(stream, end - start);
    if (ends) this.#streams.remoteEnded(stream);
    this.#streams.sink.data(stream, buf, start, end, ends);
  }

  #lateDataError(streamId: number): number {
    return this.#streams.ended.howEnded(streamId) === 'by-peer' ? ERROR.STREAM_CLOSED : ERROR.NO_ERROR;
  }

  // --- header blocks

  headers(flags: number, streamId: number, buf: Buffer, payloadStart: number, payloadEnd: number): void {
    const streams = this.#streams;
    let start = payloadStart;
    let end = payloadEnd;
    if ((flags & FLAG.padded) !== 0) {
      if (start === end) {
        streams.fault(ERROR.FRAME_SIZE_ERROR, 'padded HEADERS without length of padding');
        return;
      }
      end -= buf[start++]!;
    }
    if ((flags & FLAG.priority) !== 0) {
      if (payloadEnd - start < PRIORITY_BYTES) {
        streams.fault(ERROR.FRAME_SIZE_ERROR, 'HEADERS too short for its priority');
        return;
      }
      if (uint31(buf, start) === streamId) {
        streams.fault(ERROR.PROTOCOL_ERROR, 'a stream that depends on itself');
        return;
      }
      start += PRIORITY_BYTES;
    }
    if (end < start) {
      streams.fault(ERROR.PROTOCOL_ERROR, 'padding longer than the HEADERS frame');
      return;
    }
    if (streamId % 2 === 0 || (!streams.isServer && streams.isIdle(streamId))) {
      streams.fault(ERROR.PROTOCOL_ERROR, 'HEADERS on a stream that the peer may not open');
      return;
    }
    if ((flags & FLAG.endHeaders) !== 0) {
      this.#take(flags, streamId, buf, start, end);
      return;
    }
    this.#block.begin(streamId, flags);
    this.#collect(buf, start, end);
  }

  continuation(flags: number, buf: Buffer, start: number, end: number): void {
    if (!this.#collect(buf, start, end) || (flags & FLAG.endHeaders) === 0) return;
    const { streamId, flags: firstFlags } = this.#block;
    const block = this.#block.take();
    this.#take(firstFlags, streamId, block, 0, block.length);
  }

  #collect(buf: Buffer, start: number, end: number): boolean {
    const tooMuch = this.#block.add(buf, start, end);
    if (tooMuch === '') return true;
    this.#block.clear();
    this.#streams.fault(ERROR.ENHANCE_YOUR_CALM, tooMuch);
    return false;
  }

  /** A whole header block came; whatever becomes of it, it must be decoded for the state of the table. */
  #take(flags: number, streamId: number, buf: Buffer, start: number, end: number): void {
    const streams = this.#streams;
    const ends = (flags & FLAG.endStream) !== 0;
    const stream = streams.open.get(streamId);
    if (stream === undefined) {
      if (streams.isServer && streamId > streams.lastPeerId) this.#request(streamId, ends, buf, start, end);
      else this.#late(streamId, buf, start, end);
    } else if (stream.remoteClosed) {
      if (this.#decode('none', buf, start, end)) streams.streamError(streamId, stream, ERROR.STREAM_CLOSED);
    } else if (streams.isServer || stream.headDone) this.#trailers(stream, ends, buf, start, end);
    else this.#response(stream, ends, buf, start, end);
  }

  #late(streamId: number, buf: Buffer, start: number, end: number): void {
    const streams = this.#streams;
    if (!this.#decode('none', buf, start, end)) return;
    const how = streams.ended.howEnded(streamId);
    if (how === 'by-peer') streams.fault(ERROR.STREAM_CLOSED, 'HEADERS on a stream that has ended');
    else if (how === 'never' && streams.isServer && streams.ended.remembers(streamId, streams.lastPeerId))
      streams.fault(ERROR.PROTOCOL_ERROR, 'a stream with a number below that of an earlier one');
  }

  #request(streamId: number, ends: boolean, buf: Buffer, start: number, end: number): void {
    const streams = this.#streams;
    streams.lastPeerId = streamId;
    if (streamId > streams.acceptedMax) {
      streams.ended.add(streamId, true);
      if (!streams.isFlood('late')) this.#decode('none', buf, start, end);
      return;
    }
    streams.floods.opened();
    if (streams.open.size >= streams.options.maxConcurrentStreams) {
      if (this.#decode('none', buf, start, end)) streams.streamError(streamId, undefined, ERROR.REFUSED_STREAM);
      return;
    }
    if (this.#isUnread() || (!ends && streams.isOverfull)) {
      // That others wait is no fault of this request, which does not count as one.
      if (!this.#decode('none', buf, start, end)) return;
      streams.ended.add(streamId, true);
      streams.rst(streamId, ERROR.REFUSED_STREAM);
      return;
    }
    if (!this.#decode('request', buf, start, end)) return;
    const stream = streams.create(streamId, false);
    if (this.#heads.oversized) {
      this.#refuseOversized(stream, ends);
      return;
    }
    const head = this.#heads.request();
    if (head === undefined || (ends && head.contentLength > 0)) {
      streams.streamError(streamId, undefined, ERROR.PROTOCOL_ERROR);
      return;
    }
    stream.expectedBytes = head.contentLength;
    stream.remoteClosed = ends;
    streams.arrived(stream, head);
  }

  /** The peer asks and does not read, or asks for much and opens no windows. */
  #isUnread(): boolean {
    const { held, bytes, queuedBytes } = this.#streams.outgoing;
    return (held && bytes > LIMITS.heldOutputBytesMax) || queuedBytes > LIMITS.queuedBytesMax;
  }

  /** RFC 6585 section 5 rather than a reset, so that users learn why. */
  #refuseOversized(stream: Stream<T>, ends: boolean): void {
    const streams = this.#streams;
    stream.remoteClosed = ends;
    streams.outgoing.response(stream, TOO_LARGE, NO_FIELDS, true);
    streams.ended.add(stream.id, !ends);
    if (!ends) streams.rst(stream.id, ERROR.NO_ERROR);
    streams.isFlood('error');
  }

  #response(stream: Stream<T>, ends: boolean, buf: Buffer, start: number, end: number): void {
    const streams = this.#streams;
    if (!this.#decode('response', buf, start, end)) return;
    if (this.#heads.oversized) {
      streams.streamError(stream.id, stream, ERROR.ENHANCE_YOUR_CALM);
      return;
    }
    const head = this.#heads.response();
    if (head === undefined || (head.status < 200 && (ends || ++stream.informationals > LIMITS.informationalsMax))) {
      streams.streamError(stream.id, stream, ERROR.PROTOCOL_ERROR);
      return;
    }
    if (head.status >= 200) {
      stream.headDone = true;
      const bodiless = stream.isHead || head.status === 204 || head.status === 304;
      stream.expectedBytes = bodiless ? 0 : head.contentLength;
      if (ends && stream.expectedBytes > 0) {
        streams.streamError(stream.id, stream, ERROR.PROTOCOL_ERROR);
        return;
      }
    }
    if (ends) streams.remoteEnded(stream);
    streams.sink.response(stream, head, ends);
  }

  #trailers(stream: Stream<T>, ends: boolean, buf: Buffer, start: number, end: number): void {
    const streams = this.#streams;
    if (!this.#decode('trailers', buf, start, end)) return;
    if (this.#heads.oversized) {
      streams.streamError(stream.id, stream, ERROR.ENHANCE_YOUR_CALM);
      return;
    }
    const fields = this.#heads.trailers();
    const isShort = stream.expectedBytes >= 0 && stream.receivedBytes < stream.expectedBytes;
    if (fields === undefined || !ends || isShort) {
      streams.streamError(stream.id, stream, ERROR.PROTOCOL_ERROR);
      return;
    }
    if (stream.untaken !== undefined) streams.takeArrived();
    if (stream.dead) return;
    streams.remoteEnded(stream);
    streams.sink.trailers(stream, fields);
  }

  #decode(kind: HeadKind, buf: Buffer, start: number, end: number): boolean {
    this.#heads.begin(kind);
    if (this.#decoder.decode(buf, start, end, this.#heads)) return true;
    this.#streams.fault(ERROR.COMPRESSION_ERROR, 'a header block that cannot be decoded');
    return false;
  }
}

/** What is wrong with a DATA frame on an open stream; counts it when nothing is. */
function dataError<T>(stream: Stream<T>, isServer: boolean, length: number, dataLength: number, ends: boolean): number {
  if (stream.remoteClosed) return ERROR.STREAM_CLOSED;
  if (!isServer && !stream.headDone) return ERROR.PROTOCOL_ERROR;
  // Below zero where settings made it smaller (RFC 9113 section 6.9.2); what has no octets needs none of it (section 6.9.1).
  if (length > 0 && length > stream.receiveWindow) return ERROR.FLOW_CONTROL_ERROR;
  stream.receivedBytes += dataLength;
  const { expectedBytes, receivedBytes } = stream;
  const differs = expectedBytes >= 0 && (receivedBytes > expectedBytes || (ends && receivedBytes < expectedBytes));
  return differs ? ERROR.PROTOCOL_ERROR : ERROR.NO_ERROR;
}
