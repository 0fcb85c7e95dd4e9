import { Duplex } from 'node:stream';
import { LIMITS } from '../limits.ts';
import { encodeData, encodeRstStream, RST } from './frames.ts';
import type { SpdyHeaders } from './headers.ts';

/** What a stream needs of its connection. */
export interface StreamCarrier {
  /** Writes a frame; calls back once it is handed to the network. */
  send(frame: Uint8Array, sent: (error?: Error | null) => void): void;
  forget(streamId: number): void;
}

/** One stream of a SPDY connection as a Duplex: ending it sends FIN, destroying it early sends RST_STREAM. */
export class SpdyStream extends Duplex {
  readonly streamId: number;
  readonly headers: SpdyHeaders;
  private readonly carrier: StreamCarrier;
  private wanted: (() => void) | undefined;
  private reset = false;

  constructor(carrier: StreamCarrier, streamId: number, headers: SpdyHeaders) {
    super({ allowHalfOpen: true, readableHighWaterMark: LIMITS.streamBufferBytesMax });
    this.carrier = carrier;
    this.streamId = streamId;
    this.headers = headers;
    // Who uses the stream may have gone; its end is told by 'close'.
    this.on('error', () => {});
  }

  /** Takes in bytes from the peer; settles when the reader has room again. */
  async receive(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0 || this.destroyed || this.readableEnded || this.push(bytes)) return;
    await new Promise<void>((resolve) => {
      this.wanted = resolve;
    });
  }

  /** The peer will send no more. */
  receiveEnd(): void {
    if (!this.destroyed) this.push(null);
  }

  /** The peer gave the stream up. */
  receiveReset(reason: number): void {
    this.reset = true;
    this.destroy(new Error(`stream reset by peer (${reason})`));
  }

  override _read(): void {
    this.wanted?.();
    this.wanted = undefined;
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    const most = LIMITS.spdyDataFrameBytesMax;
    let at = 0;
    while (chunk.length - at > most) {
      this.carrier.send(encodeData(this.streamId, chunk.subarray(at, at + most)), () => {});
      at += most;
    }
    this.carrier.send(encodeData(this.streamId, chunk.subarray(at)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.carrier.send(encodeData(this.streamId, new Uint8Array(0), true), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this._read();
    const whole = this.readableEnded && this.writableFinished;
    if (!whole && !this.reset) this.carrier.send(encodeRstStream(this.streamId, RST.cancel), () => {});
    this.carrier.forget(this.streamId);
    done(error);
  }
}
