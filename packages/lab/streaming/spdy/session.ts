import type { Duplex } from 'node:stream';
import { endSoon } from '../end-soon.ts';
import { LIMITS } from '../limits.ts';
import {
  encodeGoAway,
  encodePing,
  encodeRstStream,
  encodeSynReply,
  RST,
  SpdyDecoder,
  type SpdyFrame,
} from './frames.ts';
import { HeaderDeflater, HeaderInflater, type SpdyHeaders } from './headers.ts';
import { SpdyStream } from './stream.ts';

/** Decides about a stream that the client opens: an answer's headers accept it, `false` refuses it. */
export type AcceptStream = (stream: SpdyStream) => SpdyHeaders | false;

/** The server's side of a SPDY/3.1 connection over any byte stream. */
export class SpdySession {
  private readonly socket: Duplex;
  private readonly accept: AcceptStream;
  private readonly decoder = new SpdyDecoder();
  private readonly inflater = new HeaderInflater();
  private readonly deflater = new HeaderDeflater();
  private readonly streams = new Map<number, SpdyStream>();
  private lastStreamId = 0;
  private closing = false;

  constructor(socket: Duplex, accept: AcceptStream) {
    this.socket = socket;
    this.accept = accept;
  }

  /**
   * Reads until the connection ends or {@link close} was called. Settles in any case; open streams are destroyed then. A breach of
   * the protocol ends the connection.
   */
  async run(head: Uint8Array): Promise<void> {
    try {
      await this.take(head);
      for await (const chunk of this.socket) await this.take(chunk as Uint8Array);
    } catch {
      // The connection broke or the peer breaks the protocol: either way nothing can be said to it any more.
    }
    this.closing = true;
    for (const stream of [...this.streams.values()]) stream.destroy();
    this.inflater.close();
    this.socket.destroy();
  }

  /** Sends what is written so far, says goodbye and ends the connection. */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    this.socket.end(encodeGoAway(this.lastStreamId));
    endSoon(this.socket);
  }

  /** Open streams. */
  get size(): number {
    return this.streams.size;
  }

  private async take(chunk: Uint8Array): Promise<void> {
    for (const frame of this.decoder.push(chunk)) await this.handle(frame);
  }

  private async handle(frame: SpdyFrame): Promise<void> {
    switch (frame.type) {
      case 'synStream':
        return this.open(frame.streamId, await this.inflater.decode(frame.block), frame.fin);
      case 'synReply':
      case 'headers':
        await this.inflater.decode(frame.block);
        return;
      case 'data': {
        const stream = this.streams.get(frame.streamId);
        await stream?.receive(frame.bytes);
        if (frame.fin) stream?.receiveEnd();
        return;
      }
      case 'rstStream':
        this.streams.get(frame.streamId)?.receiveReset(frame.reason);
        return;
      case 'ping':
        // Odd ids are the client's and come back; even ones would be answers to ours.
        if (frame.id % 2 === 1) this.send(encodePing(frame.id), () => {});
        return;
      case 'goAway':
      case 'ignored':
        return;
    }
  }

  private open(streamId: number, headers: SpdyHeaders, fin: boolean): void {
    this.lastStreamId = Math.max(this.lastStreamId, streamId);
    const carrier = { send: this.send.bind(this), forget: (id: number) => void this.streams.delete(id) };
    const stream = new SpdyStream(carrier, streamId, headers);
    const answer = this.streams.size < LIMITS.spdyStreamsMax && !this.streams.has(streamId) && this.accept(stream);
    if (!answer) {
      this.send(encodeRstStream(streamId, RST.refusedStream), () => {});
      return;
    }
    this.streams.set(streamId, stream);
    this.send(encodeSynReply(streamId, this.deflater.encode(answer)), () => {});
    if (fin) stream.receiveEnd();
  }

  private send(frame: Uint8Array, sent: (error?: Error | null) => void): void {
    const closed = this.closing || this.socket.destroyed || this.socket.writableEnded;
    if (closed) sent(new Error('the connection is closed'));
    else this.socket.write(frame, sent);
  }
}
