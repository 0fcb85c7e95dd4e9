/** A credulous HTTP/2 server: answers every stream that ends, whatever its fields say. */
import type { Socket } from 'node:net';
import { block, HpackDecoder, type Line } from '../hpack.ts';
import { content, FLAG, type Frame, FrameReader, frame, SETTING, settings, TYPE, word } from '../http2/frames.ts';
import type { PortRecord } from './record.ts';

interface Stream {
  lines: Line[];
  trailers: Line[];
  body: string;
  window: number;
  /** Of the response, still to be sent. */
  left: number;
}

const DEFAULT_WINDOW = 65_535;
const FRAME_BYTES = 16_384;

/** `bodyFor`: bytes of the response body by path. */
export class Http2Origin {
  readonly #socket: Socket;
  readonly #record: () => PortRecord;
  readonly #bodyFor: (path: string) => number;
  readonly #frames = new FrameReader();
  readonly #hpack = new HpackDecoder();
  readonly #streams = new Map<number, Stream>();
  #window = DEFAULT_WINDOW;
  #initialWindow = DEFAULT_WINDOW;
  #block: Buffer[] = [];
  #blockEnds = false;

  constructor(socket: Socket, record: () => PortRecord, bodyFor: (path: string) => number) {
    this.#socket = socket;
    this.#record = record;
    this.#bodyFor = bodyFor;
    socket.write(
      settings([
        [SETTING.tableSize, 0],
        [SETTING.streams, 10_000],
        [SETTING.window, 1 << 20],
      ]),
    );
    socket.write(frame(TYPE.window, 0, 0, word(1 << 28)));
  }

  /** Bytes behind the preface. */
  push(chunk: Buffer): void {
    for (const each of this.#frames.push(chunk)) this.#take(each);
  }

  /** The connection is over: how many requests were cut off. */
  cut(): number {
    return this.#streams.size;
  }

  #take(received: Frame): void {
    const { type, flags, stream: id, payload } = received;
    switch (type) {
      case TYPE.settings:
        if (flags & FLAG.ack) return;
        for (let at = 0; at < payload.length; at += 6)
          if (payload.readUInt16BE(at) === SETTING.window) this.#resize(payload.readUInt32BE(at + 2));
        this.#socket.write(frame(TYPE.settings, FLAG.ack, 0));
        return;
      case TYPE.ping:
        if (!(flags & FLAG.ack)) this.#socket.write(frame(TYPE.ping, FLAG.ack, 0, payload));
        return;
      case TYPE.headers:
      case TYPE.continuation:
        if (type === TYPE.headers) {
          this.#block = [];
          this.#blockEnds = (flags & FLAG.endStream) !== 0;
        }
        this.#block.push(type === TYPE.headers ? content(received) : payload);
        if (flags & FLAG.endHeaders) this.#headers(id, Buffer.concat(this.#block), this.#blockEnds);
        return;
      case TYPE.data:
        this.#data(id, content(received), payload.length, (flags & FLAG.endStream) !== 0);
        return;
      case TYPE.window:
        if (id === 0) this.#window += payload.readUInt32BE(0);
        else {
          const stream = this.#streams.get(id);
          if (stream) stream.window += payload.readUInt32BE(0);
        }
        this.#pump();
        return;
      case TYPE.reset: {
        const stream = this.#streams.get(id);
        this.#streams.delete(id);
        if (stream && stream.left < 0) this.#record().broken++;
        return;
      }
      default:
        return;
    }
  }

  #headers(id: number, bytes: Buffer, ends: boolean): void {
    const lines = this.#hpack.decode(bytes);
    const known = this.#streams.get(id);
    if (known) known.trailers = lines;
    else {
      this.#record().begun.push({ path: lines.find(([name]) => name === ':path')?.[1] ?? '' });
      this.#streams.set(id, { lines, trailers: [], body: '', window: this.#initialWindow, left: -1 });
    }
    if (ends) this.#complete(id);
  }

  #data(id: number, bytes: Buffer, flowBytes: number, ends: boolean): void {
    const stream = this.#streams.get(id);
    if (flowBytes > 0) {
      this.#socket.write(frame(TYPE.window, 0, 0, word(flowBytes)));
      if (stream && !ends) this.#socket.write(frame(TYPE.window, 0, id, word(flowBytes)));
    }
    if (!stream) return;
    if (stream.body.length < FRAME_BYTES) stream.body += bytes.toString('latin1');
    if (ends) this.#complete(id);
  }

  #complete(id: number): void {
    const stream = this.#streams.get(id)!;
    const text = (lines: readonly Line[]) => lines.map(([name, value]) => `${name}: ${value}`).join('\r\n');
    const value = (wanted: string) => stream.lines.find(([name]) => name === wanted)?.[1] ?? '';
    const path = value(':path');
    this.#record().requests.push({
      version: 'http2',
      head: text(stream.lines),
      method: value(':method'),
      path,
      body: stream.body,
      trailers: text(stream.trailers),
    });
    stream.left = this.#bodyFor(path);
    const head = block([
      [':status', '200'],
      ['content-length', String(stream.left)],
    ]);
    this.#socket.write(frame(TYPE.headers, FLAG.endHeaders, id, head));
    this.#pump();
  }

  #resize(window: number): void {
    for (const stream of this.#streams.values()) stream.window += window - this.#initialWindow;
    this.#initialWindow = window;
    this.#pump();
  }

  /** Sends of the responses what the windows allow. */
  #pump(): void {
    for (const [id, stream] of this.#streams) {
      while (stream.left > 0 && stream.window > 0 && this.#window > 0) {
        const bytes = Math.min(stream.left, stream.window, this.#window, FRAME_BYTES);
        stream.left -= bytes;
        stream.window -= bytes;
        this.#window -= bytes;
        this.#socket.write(frame(TYPE.data, stream.left === 0 ? FLAG.endStream : 0, id, Buffer.alloc(bytes, 0x2e)));
      }
      if (stream.left === 0) this.#streams.delete(id);
    }
  }
}
