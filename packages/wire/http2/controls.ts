import {
  HTTP2_ERROR as ERROR,
  FLAG,
  FRAME_SIZE_DEFAULT,
  FRAME_SIZE_MAX,
  SETTING,
  STREAM_ID_MAX,
  uint31,
  uint32,
  WINDOW_DEFAULT,
  WINDOW_MAX,
} from './codes.ts';
import type { Streams } from './streams.ts';

const HIGH = 2 ** 32;
const SETTING_BYTES = 6;
/** The PING whose answer tells that a peer knows of our graceful GOAWAY: ASCII `drainend`. */
const DRAIN_HIGH = 0x64726169;
const DRAIN_LOW = 0x6e656e64;

/** Frames that carry no messages: settings, windows, pings, ends (RFC 9113 sections 6.3 to 6.9). */
export class Controls<T> {
  readonly #streams: Streams<T>;
  #settingsApplied = false;

  constructor(streams: Streams<T>) {
    this.#streams = streams;
  }

  priority(streamId: number, buf: Buffer, start: number, end: number): void {
    const streams = this.#streams;
    if (streams.isFlood('ignored')) return;
    const isSelf = end - start === 5 && uint31(buf, start) === streamId;
    if (end - start === 5 && !isSelf) return;
    const code = isSelf ? ERROR.PROTOCOL_ERROR : ERROR.FRAME_SIZE_ERROR;
    const stream = streams.open.get(streamId);
    if (stream === undefined) streams.fault(code, 'a wrong PRIORITY frame');
    else streams.streamError(streamId, stream, code);
  }

  rstStream(streamId: number, buf: Buffer, start: number, end: number): void {
    const streams = this.#streams;
    if (end - start !== 4) {
      streams.fault(ERROR.FRAME_SIZE_ERROR, 'RST_STREAM of another length than 4');
      return;
    }
    const stream = streams.open.get(streamId);
    if (stream === undefined) return;
    const code = uint32(buf, start);
    if (stream.untaken !== undefined) {
      streams.resetUntaken(stream);
      streams.isFlood('reset');
      return;
    }
    if (streams.isServer && !stream.headDone && streams.isFlood('reset')) return;
    streams.kill(stream, false);
    streams.sink.reset(stream, code, true, !streams.isServer && code === ERROR.REFUSED_STREAM);
  }

  settings(flags: number, buf: Buffer, start: number, end: number): void {
    const streams = this.#streams;
    if ((flags & FLAG.ack) !== 0) {
      if (end !== start) {
        streams.fault(ERROR.FRAME_SIZE_ERROR, 'an answer to SETTINGS that is not empty');
        return;
      }
      this.#acked();
      return;
    }
    if ((end - start) % SETTING_BYTES !== 0) {
      streams.fault(ERROR.FRAME_SIZE_ERROR, 'SETTINGS of another length than n * 6');
      return;
    }
    if (streams.isFlood('settings')) return;
    if (!this.#settingsApplied) streams.peerStreamsMax = STREAM_ID_MAX;
    this.#settingsApplied = true;
    for (let at = start; at < end; at += SETTING_BYTES)
      if (!this.#apply((buf[at]! << 8) | buf[at + 1]!, uint32(buf, at + 2))) return;
    streams.outgoing.settingsAck();
    if (streams.isControlFlood()) return;
    streams.outgoing.pump();
    if (!streams.isServer) streams.sink.available();
  }

  /** From now on the peer's new streams have the window that we asked for, and the open ones change by the difference. */
  #acked(): void {
    const streams = this.#streams;
    if (streams.settingsAcked) return;
    streams.settingsAcked = true;
    const change = streams.options.streamWindow - WINDOW_DEFAULT;
    for (const stream of streams.open.values()) stream.receiveWindow += change;
  }

  /** Applies a setting of the peer (RFC 9113 section 6.5.2); false after a fault. */
  #apply(id: number, value: number): boolean {
    const { outgoing, isServer } = this.#streams;
    switch (id) {
      case SETTING.headerTableSize:
        outgoing.setPeerTableSize(value);
        return true;
      case SETTING.enablePush:
        if (value === 0 || (value === 1 && isServer)) return true;
        return this.#refuse(ERROR.PROTOCOL_ERROR, 'ENABLE_PUSH', value);
      case SETTING.maxConcurrentStreams:
        this.#streams.peerStreamsMax = value;
        return true;
      case SETTING.initialWindowSize:
        if (value > WINDOW_MAX) return this.#refuse(ERROR.FLOW_CONTROL_ERROR, 'INITIAL_WINDOW_SIZE', value);
        return this.#changeInitialWindow(value);
      case SETTING.maxFrameSize:
        if (value < FRAME_SIZE_DEFAULT || value > FRAME_SIZE_MAX)
          return this.#refuse(ERROR.PROTOCOL_ERROR, 'MAX_FRAME_SIZE', value);
        outgoing.maxFrameSize = value;
        return true;
      default:
        return true;
    }
  }

  #refuse(code: number, name: string, value: number): false {
    this.#streams.fault(code, `${value} as ${name} in SETTINGS`);
    return false;
  }

  /** RFC 9113 section 6.9.2: windows of open streams change by the difference, below zero too. */
  #changeInitialWindow(value: number): boolean {
    const { outgoing, open } = this.#streams;
    const change = value - outgoing.initialWindow;
    outgoing.initialWindow = value;
    for (const stream of open.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > WINDOW_MAX)
        return this.#refuse(ERROR.FLOW_CONTROL_ERROR, 'INITIAL_WINDOW_SIZE with a stream past 2^31-1', value);
      outgoing.becameReady(stream);
    }
    return true;
  }

  /** Sends a PING; `pong` will give the number back. */
  ask(opaque: number): void {
    this.#streams.outgoing.ping(Math.floor(opaque / HIGH), opaque % HIGH, false);
  }

  ping(flags: number, buf: Buffer, start: number, end: number): void {
    const streams = this.#streams;
    if (end - start !== 8) {
      streams.fault(ERROR.FRAME_SIZE_ERROR, 'PING of another length than 8');
      return;
    }
    const high = uint32(buf, start);
    const low = uint32(buf, start + 4);
    if ((flags & FLAG.ack) === 0) {
      if (streams.isFlood('ping')) return;
      streams.outgoing.ping(high, low, true);
      streams.isControlFlood();
    } else if (streams.draining && high === DRAIN_HIGH && low === DRAIN_LOW) this.#endDrain();
    else streams.sink.pong(high * HIGH + low);
  }

  /** Tells the peer to open no more streams; those that it opens until it knows are taken. */
  beginDrain(code: number): void {
    const streams = this.#streams;
    if (streams.draining) return;
    streams.draining = true;
    streams.outgoing.goaway(STREAM_ID_MAX, code, '');
    streams.outgoing.ping(DRAIN_HIGH, DRAIN_LOW, false);
  }

  /** The peer knows: the streams that are here are all. */
  #endDrain(): void {
    if (this.#streams.acceptedMax === STREAM_ID_MAX) this.#streams.leave(ERROR.NO_ERROR, '');
  }

  goaway(buf: Buffer, start: number, end: number): void {
    const streams = this.#streams;
    if (end - start < 8) {
      streams.fault(ERROR.FRAME_SIZE_ERROR, 'GOAWAY shorter than 8 octets');
      return;
    }
    const lastStreamId = uint31(buf, start);
    streams.peerGoaway = true;
    streams.peerLastId = Math.min(streams.peerLastId, lastStreamId);
    streams.sink.goaway(uint32(buf, start + 4), lastStreamId);
    if (streams.isServer) return;
    for (const stream of streams.open.values()) {
      if (stream.id <= streams.peerLastId) continue;
      streams.kill(stream, true);
      streams.sink.reset(stream, ERROR.REFUSED_STREAM, true, true);
    }
  }

  windowUpdate(streamId: number, buf: Buffer, start: number, end: number): void {
    const streams = this.#streams;
    if (end - start !== 4) {
      streams.fault(ERROR.FRAME_SIZE_ERROR, 'WINDOW_UPDATE of another length than 4');
      return;
    }
    if (streams.isFlood('windowUpdate')) return;
    const bytes = uint31(buf, start);
    if (streamId !== 0) {
      this.#widen(streamId, bytes);
      return;
    }
    if (bytes === 0) {
      streams.fault(ERROR.PROTOCOL_ERROR, 'WINDOW_UPDATE of nothing');
      return;
    }
    if (!streams.outgoing.widen(bytes)) {
      streams.fault(ERROR.FLOW_CONTROL_ERROR, 'WINDOW_UPDATE past 2^31-1 on the connection');
      return;
    }
    streams.outgoing.pump();
  }

  #widen(streamId: number, bytes: number): void {
    const streams = this.#streams;
    const stream = streams.open.get(streamId);
    if (stream === undefined) return;
    if (bytes === 0) {
      streams.streamError(streamId, stream, ERROR.PROTOCOL_ERROR);
      return;
    }
    stream.sendWindow += bytes;
    if (stream.sendWindow > WINDOW_MAX) {
      streams.streamError(streamId, stream, ERROR.FLOW_CONTROL_ERROR);
      return;
    }
    streams.outgoing.becameReady(stream);
    streams.outgoing.pump();
  }
}
