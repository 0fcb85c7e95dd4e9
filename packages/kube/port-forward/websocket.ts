/** Just enough of RFC 6455 for a client of an API server: binary messages, ping, close. Sans-I/O. */

/** A frame or message longer than this is refused; API servers send chunks of 32 KiB. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One masked client frame, final. `mask` is four random bytes. */
export function encodeFrame(opcode: number, payload: Uint8Array, mask: Uint8Array): Buffer {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.allocUnsafe(2 + extended + 4 + length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) frame.writeUInt16BE(length, 2);
  if (extended === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(mask, 2 + extended);
  const start = 6 + extended;
  for (let index = 0; index < length; index += 1) frame[start + index] = payload[index]! ^ mask[index & 3]!;
  return frame;
}

/** What a decoder reports: whole messages (fragments joined) and control frames. */
export interface FrameSink {
  message(payload: Buffer): void;
  control(opcode: number, payload: Buffer): void;
}

/** Server frames from bytes in any pieces. Throws on masked, reserved or oversized frames. */
export class FrameDecoder {
  readonly #sink: FrameSink;
  #buffer: Buffer = Buffer.alloc(0);
  #fragments: Buffer[] = [];
  #fragmentBytes = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    while (this.#frame());
  }

  #frame(): boolean {
    const buffer = this.#buffer;
    if (buffer.length < 2) return false;
    const first = buffer[0]!;
    const second = buffer[1]!;
    if (first & 0x70 || second & 0x80) throw new Error('websocket: reserved bit or masked frame from the server');
    let length = second & 0x7f;
    let start = 2;
    if (length === 126) {
      if (buffer.length < 4) return false;
      length = buffer.readUInt16BE(2);
      start = 4;
    } else if (length === 127) {
      if (buffer.length < 10) return false;
      length = Number(buffer.readBigUInt64BE(2));
      start = 10;
    }
    if (length + this.#fragmentBytes > MESSAGE_BYTES_MAX)
      throw new Error(`websocket: a message exceeds ${MESSAGE_BYTES_MAX} bytes`);
    if (buffer.length < start + length) return false;
    const payload = buffer.subarray(start, start + length);
    this.#buffer = buffer.subarray(start + length);
    this.#accept(first & 0x0f, (first & 0x80) !== 0, payload);
    return true;
  }

  #accept(opcode: number, final: boolean, payload: Buffer): void {
    if (opcode >= 8) {
      this.#sink.control(opcode, payload);
      return;
    }
    this.#fragments.push(payload);
    this.#fragmentBytes += payload.length;
    if (!final) return;
    const message = this.#fragments.length === 1 ? payload : Buffer.concat(this.#fragments);
    this.#fragments = [];
    this.#fragmentBytes = 0;
    this.#sink.message(message);
  }
}
