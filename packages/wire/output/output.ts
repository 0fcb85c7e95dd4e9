import { type Chunk, giveBack, takeChunk } from './chunks.ts';
import { copyBytes } from './copy.ts';

/** Where encoders put bytes. */
export interface ByteSink {
  add(buf: Uint8Array, start: number, end: number): void;
  /** Latin-1 text. */
  text(text: string): void;
}

/** Less is copied along rather than written by itself. */
const APART_BYTES_MIN = 16 * 1024;

const NO_BYTES = Buffer.alloc(0);

/**
 * Bytes waiting to be sent, copied together so that many frames cost one write and one TLS record. What `take` gave is not
 * written again: output goes on behind it, or in another chunk. Holds no memory while it is empty. Unbounded by itself: whoever
 * fills it watches `length`.
 */
export class Output implements ByteSink {
  /** Room for direct writing: call `reserve(n)`, write up to n bytes at `buf[end]`, then move `end`. */
  buf: Buffer = NO_BYTES;
  end = 0;
  #start = 0;
  #chunk: Chunk | undefined;
  /** Full runs before the one that is written to. */
  readonly #full: Buffer[] = [];
  #fullBytes = 0;

  /** Bytes not yet taken. */
  get length(): number {
    return this.#fullBytes + this.end - this.#start;
  }

  /** As `reserve`, between two frames: what is there may be cut off from what follows, which saves copying it to larger memory. */
  reserveApart(bytes: number): void {
    if (this.end + bytes <= this.buf.length) return;
    if (this.end - this.#start >= APART_BYTES_MIN) {
      this.#full.push(this.buf.subarray(this.#start, this.end));
      this.#fullBytes += this.end - this.#start;
      this.#release();
    }
    this.#grow(bytes);
  }

  /** Makes room for `bytes` more behind `end`, in `buf`. */
  reserve(bytes: number): void {
    if (this.end + bytes > this.buf.length) this.#grow(bytes);
  }

  add(buf: Uint8Array, start: number, end: number): void {
    const bytes = end - start;
    if (bytes === 0) return;
    this.reserve(bytes);
    copyBytes(buf, start, end, this.buf, this.end);
    this.end += bytes;
  }

  text(text: string): void {
    this.reserve(text.length);
    this.buf.write(text, this.end, text.length, 'latin1');
    this.end += text.length;
  }

  /** The oldest bytes, at most `max`, not always all; undefined when there are none. Nobody else will write to them. */
  take(max: number): Buffer | undefined {
    if (this.#fullBytes > 0) return this.#takeFull(max);
    if (this.end === this.#start) return undefined;
    const end = Math.min(this.end, this.#start + max);
    const taken = this.buf.subarray(this.#start, end);
    this.#start = end;
    if (end === this.end) this.#release();
    return taken;
  }

  #takeFull(max: number): Buffer {
    const first = this.#full[0]!;
    if (first.length <= max) this.#full.shift();
    else this.#full[0] = first.subarray(max);
    this.#fullBytes -= Math.min(first.length, max);
    return first.length <= max ? first : first.subarray(0, max);
  }

  #release(): void {
    if (this.#chunk !== undefined) giveBack(this.#chunk, this.end);
    this.#chunk = undefined;
    this.buf = NO_BYTES;
    this.end = 0;
    this.#start = 0;
  }

  #grow(bytes: number): void {
    const pending = this.end - this.#start;
    // What grows once grows again: twice the need, so that copying stays in proportion.
    const chunk = takeChunk(pending === 0 ? bytes : (pending + bytes) * 2);
    const end = chunk.at + pending;
    this.buf.copy(chunk.buf, chunk.at, this.#start, this.end);
    if (this.#chunk !== undefined) giveBack(this.#chunk, this.end);
    this.#chunk = chunk;
    this.buf = chunk.buf;
    this.#start = chunk.at;
    this.end = end;
  }
}
