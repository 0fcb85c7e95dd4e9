import { HTTP2_LIMITS as LIMITS } from './limits.ts';

const NO_BYTES = Buffer.alloc(0);

/** A header block that comes in several frames (RFC 9113 section 4.3). */
export class Block {
  /** The stream that it is for; 0: there is none under way. */
  streamId = 0;
  flags = 0;
  bytes = NO_BYTES;
  length = 0;
  #frames = 0;
  readonly #bytesMax: number;

  /** `listSizeMax`: the largest list of fields that is taken. */
  constructor(listSizeMax: number) {
    this.#bytesMax = Math.max(listSizeMax * LIMITS.headerBlockShareMax, LIMITS.headerBlockBytesMin);
  }

  begin(streamId: number, flags: number): void {
    this.streamId = streamId;
    this.flags = flags;
    this.length = 0;
    this.#frames = 0;
  }

  /** Adds a frame's part; why it is too much, '' if it is not. */
  add(buf: Buffer, start: number, end: number): string {
    const length = this.length + end - start;
    if (++this.#frames > LIMITS.continuationsMax) return 'a header block of too many frames';
    if (length > this.#bytesMax) return 'a header block longer than allowed';
    if (length > this.bytes.length) {
      const wider = Buffer.allocUnsafe(Math.min(length * 2, this.#bytesMax));
      this.bytes.copy(wider, 0, 0, this.length);
      this.bytes = wider;
    }
    buf.copy(this.bytes, this.length, start, end);
    this.length = length;
    return '';
  }

  /** The block is complete: its bytes belong to the caller. */
  take(): Buffer {
    const whole = this.bytes.subarray(0, this.length);
    this.clear();
    return whole;
  }

  clear(): void {
    this.streamId = 0;
    this.bytes = NO_BYTES;
  }
}
