/** Length-prefixed messages: a flag byte (0, or 1 for compressed), a big-endian uint32 length, the message. */
import { LIMITS } from './limits.ts';
import { GrpcError } from './status.ts';

const PREFIX_BYTES = 5;

/** One message with its prefix. */
export function encodeFrame(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/** Cuts a byte stream into messages. Throws GrpcError on a compressed or oversized message. */
export class FrameDecoder {
  #pending: Buffer = Buffer.alloc(0);

  /** Calls `receive` with each complete message; the bytes are valid only during the call. */
  push(chunk: Buffer, receive: (message: Uint8Array) => void): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    let start = 0;
    while (this.#pending.length - start >= PREFIX_BYTES) {
      const length = this.#pending.readUInt32BE(start + 1);
      if (this.#pending[start] !== 0) throw new GrpcError('UNIMPLEMENTED', 'compressed messages are not supported');
      if (length > LIMITS.messageBytesMax)
        throw new GrpcError(
          'RESOURCE_EXHAUSTED',
          `message of ${length} bytes exceeds the limit of ${LIMITS.messageBytesMax}`,
        );
      const end = start + PREFIX_BYTES + length;
      if (this.#pending.length < end) break;
      receive(this.#pending.subarray(start + PREFIX_BYTES, end));
      start = end;
    }
    if (start > 0) this.#pending = this.#pending.subarray(start);
  }

  /** Whether bytes of an incomplete message are left over. */
  get hasRemainder(): boolean {
    return this.#pending.length > 0;
  }
}
