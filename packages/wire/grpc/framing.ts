/**
 * Length-prefixed messages (gRPC over HTTP/2, "Length-Prefixed-Message"): a flag byte (0, or 1 for compressed), a big-endian
 * uint32 length, the message.
 */
import { copyBytes } from '../output/index.ts';
import type { GrpcCode } from './codes.ts';

/** Bytes before each message. */
export const GRPC_PREFIX_BYTES = 5;

/** Room for a message that comes in pieces, to begin with: what was announced is believed only as far as it came. */
const FIRST_ROOM_BYTES = 4096;

const NO_BYTES = Buffer.alloc(0);

/** What a decoder reports. */
export interface GrpcMessageSink {
  /** One message without its prefix; the bytes are valid only during the call. */
  message(buf: Uint8Array, start: number, end: number): void;
  /** A compressed or oversized message; the decoder takes no more. */
  fault(code: GrpcCode, text: string): void;
}

/** Writes the prefix of an uncompressed message of `bytes` bytes at `out[at]`. */
export function writeGrpcPrefix(out: Uint8Array, at: number, bytes: number): void {
  out[at] = 0;
  out[at + 1] = bytes >>> 24;
  out[at + 2] = bytes >>> 16;
  out[at + 3] = bytes >>> 8;
  out[at + 4] = bytes;
}

/** One uncompressed message with its prefix. */
export function encodeGrpcMessage(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(GRPC_PREFIX_BYTES + message.length);
  writeGrpcPrefix(framed, 0, message.length);
  framed.set(message, GRPC_PREFIX_BYTES);
  return framed;
}

/** Cuts a stream of bytes into messages. A message that comes in one piece is not copied. */
export class GrpcDecoder {
  readonly #sink: GrpcMessageSink;
  readonly #messageBytesMax: number;
  #prefixBytes = 0;
  /** Bytes of the message under way; known once the prefix is complete. */
  #length = 0;
  #partial: Buffer = NO_BYTES;
  #partialBytes = 0;
  #broken = false;

  constructor(messageBytesMax: number, sink: GrpcMessageSink) {
    this.#messageBytesMax = messageBytesMax;
    this.#sink = sink;
  }

  /** Whether bytes of an incomplete message are left over: the stream must not end now. */
  get hasRemainder(): boolean {
    return this.#prefixBytes > 0;
  }

  push(buf: Uint8Array, start: number, end: number): void {
    let i = start;
    while (!this.#broken && i < end) {
      if (this.#prefixBytes < GRPC_PREFIX_BYTES) {
        if (!this.#prefix(buf[i++]!)) return;
        if (this.#prefixBytes === GRPC_PREFIX_BYTES && this.#length === 0) this.#complete(buf, i, i);
        continue;
      }
      const step = Math.min(end - i, this.#length - this.#partialBytes);
      if (step === this.#length) this.#complete(buf, i, i + step);
      else {
        this.#keep(buf, i, i + step);
        if (this.#partialBytes === this.#length) this.#complete(this.#partial, 0, this.#length);
      }
      i += step;
    }
  }

  /** Takes a byte of a prefix; false after a fault. */
  #prefix(byte: number): boolean {
    if (this.#prefixBytes === 0) {
      if (byte !== 0) return this.#fault('UNIMPLEMENTED', 'compressed messages are not supported');
      this.#length = 0;
    } else this.#length = this.#length * 256 + byte;
    this.#prefixBytes++;
    if (this.#prefixBytes === GRPC_PREFIX_BYTES && this.#length > this.#messageBytesMax)
      return this.#fault(
        'RESOURCE_EXHAUSTED',
        `message of ${this.#length} bytes exceeds the limit of ${this.#messageBytesMax}`,
      );
    return true;
  }

  #complete(buf: Uint8Array, start: number, end: number): void {
    this.#prefixBytes = 0;
    this.#partial = NO_BYTES;
    this.#partialBytes = 0;
    this.#sink.message(buf, start, end);
  }

  #keep(buf: Uint8Array, start: number, end: number): void {
    const bytes = this.#partialBytes + end - start;
    if (bytes > this.#partial.length) {
      const room = Math.min(this.#length, Math.max(FIRST_ROOM_BYTES, bytes * 2));
      const wider = Buffer.allocUnsafe(room);
      this.#partial.copy(wider, 0, 0, this.#partialBytes);
      this.#partial = wider;
    }
    copyBytes(buf, start, end, this.#partial, this.#partialBytes);
    this.#partialBytes = bytes;
  }

  #fault(code: GrpcCode, text: string): false {
    this.#broken = true;
    this.#partial = NO_BYTES;
    this.#sink.fault(code, text);
    return false;
  }
}
