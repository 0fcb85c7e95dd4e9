import { FLAG, FRAME, FRAME_HEADER_BYTES, HTTP2_ERROR, uint31 } from './codes.ts';

/** What the reader finds. Buffers are valid only during the call, but those of `dataRun` are the bytes given. */
export interface FrameSink {
  /** Nothing more is wanted. */
  readonly isOver: boolean;
  /** A DATA frame begins: its payload in octets, and how many of them are data. */
  dataStart(flags: number, streamId: number, length: number, dataLength: number): void;
  /** Data of the frame begun last; not called for a frame without data. */
  dataRun(buf: Buffer, start: number, end: number, last: boolean): void;
  /** Any other frame, whole. */
  frame(type: number, flags: number, streamId: number, buf: Buffer, start: number, end: number): void;
  /** The bytes are no frames that may be sent; the reader takes no more. */
  frameFault(code: number, text: string): void;
}

const NO_BYTES = Buffer.alloc(0);

/** Room kept between frames for those that come in pieces. */
const KEPT_BYTES_MAX = 1024;

/**
 * Cuts bytes into frames (RFC 9113 section 4.1). Frames are read in place; only one that is not complete is copied, and DATA not
 * even then.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #maxFrameSize: number;
  #dataLeft = 0;
  #padLeft = 0;
  #carry: Buffer = NO_BYTES;
  #carryBytes = 0;
  #stopped = false;

  constructor(maxFrameSize: number, sink: FrameSink) {
    this.#maxFrameSize = maxFrameSize;
    this.#sink = sink;
  }

  /** Takes no more. */
  stop(): void {
    this.#stopped = true;
    this.#carry = NO_BYTES;
  }

  read(buf: Buffer, start: number, end: number): void {
    let i = start;
    while (i < end && !this.#stopped && !this.#sink.isOver) {
      if (this.#dataLeft > 0) i = this.#data(buf, i, end);
      else if (this.#padLeft > 0) {
        const step = Math.min(this.#padLeft, end - i);
        this.#padLeft -= step;
        i += step;
      } else if (this.#carryBytes > 0) i = this.#fill(buf, i, end);
      else {
        const bytes = end - i < FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES : this.#needed(buf, i);
        if (bytes < 0) return;
        if (end - i < bytes) {
          this.#keep(buf, i, end, bytes);
          return;
        }
        this.#take(buf, i, i + bytes);
        i += bytes;
      }
    }
  }

  #data(buf: Buffer, start: number, end: number): number {
    const stop = Math.min(end, start + this.#dataLeft);
    this.#dataLeft -= stop - start;
    this.#sink.dataRun(buf, start, stop, this.#dataLeft === 0);
    return stop;
  }

  /** Octets that have to be there before the frame whose header begins at `at` is taken; -1 if it is refused. */
  #needed(buf: Buffer, at: number): number {
    const length = (buf[at]! << 16) | (buf[at + 1]! << 8) | buf[at + 2]!;
    if (length > this.#maxFrameSize) {
      this.#fault(HTTP2_ERROR.FRAME_SIZE_ERROR, `a frame of ${length} octets, ${this.#maxFrameSize} are allowed`);
      return -1;
    }
    if (buf[at + 3] !== FRAME.data) return FRAME_HEADER_BYTES + length;
    if ((buf[at + 4]! & FLAG.padded) === 0) return FRAME_HEADER_BYTES;
    if (length > 0) return FRAME_HEADER_BYTES + 1;
    this.#fault(HTTP2_ERROR.FRAME_SIZE_ERROR, 'a padded DATA frame without the length of its padding');
    return -1;
  }

  /** Completes the frame that began in earlier bytes. */
  #fill(buf: Buffer, start: number, end: number): number {
    let i = start;
    let bytes = FRAME_HEADER_BYTES;
    if (this.#carryBytes < bytes) {
      i = this.#keep(buf, i, end, bytes);
      if (this.#carryBytes < bytes) return i;
    }
    bytes = this.#needed(this.#carry, 0);
    if (bytes < 0) return end;
    if (this.#carryBytes < bytes) i = this.#keep(buf, i, end, bytes);
    if (this.#carryBytes < bytes) return i;
    const carry = this.#carry;
    this.#carryBytes = 0;
    if (carry.length > KEPT_BYTES_MAX) this.#carry = NO_BYTES;
    this.#take(carry, 0, bytes);
    return i;
  }

  /** Copies what is there of the `bytes` that are needed; where it stopped. */
  #keep(buf: Buffer, start: number, end: number, bytes: number): number {
    if (this.#carry.length < bytes) {
      const wider = Buffer.allocUnsafeSlow(Math.max(64, bytes));
      this.#carry.copy(wider, 0, 0, this.#carryBytes);
      this.#carry = wider;
    }
    const stop = Math.min(end, start + bytes - this.#carryBytes);
    buf.copy(this.#carry, this.#carryBytes, start, stop);
    this.#carryBytes += stop - start;
    return stop;
  }

  #take(buf: Buffer, at: number, end: number): void {
    const type = buf[at + 3]!;
    const flags = buf[at + 4]!;
    const streamId = uint31(buf, at + 5);
    if (type !== FRAME.data) {
      this.#sink.frame(type, flags, streamId, buf, at + FRAME_HEADER_BYTES, end);
      return;
    }
    const length = (buf[at]! << 16) | (buf[at + 1]! << 8) | buf[at + 2]!;
    const padded = (flags & FLAG.padded) !== 0;
    const padding = padded ? buf[at + FRAME_HEADER_BYTES]! : 0;
    if (padded && padding >= length) {
      this.#fault(HTTP2_ERROR.PROTOCOL_ERROR, 'padding as long as the DATA frame or longer');
      return;
    }
    this.#padLeft = padding;
    this.#dataLeft = length - padding - (padded ? 1 : 0);
    this.#sink.dataStart(flags, streamId, length, this.#dataLeft);
  }

  #fault(code: number, text: string): void {
    this.stop();
    this.#sink.frameFault(code, text);
  }
}
