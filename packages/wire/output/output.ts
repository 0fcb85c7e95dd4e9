import { type Chunk, giveBack, isWhole, reuse, takeChunk } from './chunks.ts';
import { copyBytes } from './copy.ts';

/** Where encoders put bytes. */
export interface ByteSink {
  add(buf: Uint8Array, start: number, end: number): void;
  /** Latin-1 text. */
  text(text: string): void;
}

/** Less is copied along rather than written by itself. */
const APART_BYTES_MIN = 16 * 1024;

/** More chunks than this on their way to a peer are left to the garbage collector. */
const TAKEN_CHUNKS_MAX = 4;

const NO_BYTES = Buffer.alloc(0);

interface Full {
  readonly run: Buffer;
  /** The memory of the run, if nothing else is in it. */
  readonly whole: Chunk | undefined;
}

/**
 * Bytes waiting to be sent, copied together so that many frames cost one write and one TLS record. What `take` gave is not
 * written again before `sent` says so: output goes on behind it, or in another chunk. Holds no memory while it is empty. Unbounded by itself: whoever
 * fills it watches `length`.
 */
export class Output implements ByteSink {
  /** Room for direct writing: call `reserve(n)`, write up to n bytes at `buf[end]`, then move `end`. */
  buf: Buffer = NO_BYTES;
  end = 0;
  #start = 0;
  #chunk: Chunk | undefined;
  /** Full runs before the one that is written to. */
  readonly #full: Full[] = [];
  #fullBytes = 0;
  /** Memory of what was taken and may not be sent yet; only such as has nothing else in it. */
  readonly #taken: Chunk[] = [];

  /** Bytes not yet taken. */
  get length(): number {
    return this.#fullBytes + this.end - this.#start;
  }

  /** As `reserve`, between two frames: what is there may be cut off from what follows, which saves copying it to larger memory. */
  reserveApart(bytes: number): void {
    if (this.end + bytes <= this.buf.length) return;
    if (this.end - this.#start >= APART_BYTES_MIN) {
      this.#full.push({ run: this.buf.subarray(this.#start, this.end), whole: this.#whole });
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

  /** The oldest bytes, at most `max`, not always all; undefined when there are none. Nobody else will write to them before `sent`. */
  take(max: number): Buffer | undefined {
    if (this.#fullBytes > 0) return this.#takeFull(max);
    if (this.end === this.#start) return undefined;
    const end = Math.min(this.end, this.#start + max);
    const taken = this.buf.subarray(this.#start, end);
    if (end === this.end) {
      this.#keep(this.#whole);
      this.#release();
    } else this.#start = end;
    return taken;
  }

  /** Nobody reads any more what `take` gave so far: its memory may be used again. */
  sent(): void {
    for (let chunk = this.#taken.pop(); chunk !== undefined; chunk = this.#taken.pop()) reuse(chunk);
  }

  #keep(taken: Chunk | undefined): void {
    if (taken !== undefined && this.#taken.length < TAKEN_CHUNKS_MAX) this.#taken.push(taken);
  }

  get #whole(): Chunk | undefined {
    const chunk = this.#chunk;
    return chunk !== undefined && isWhole(chunk, this.#start, this.end) ? chunk : undefined;
  }

  #takeFull(max: number): Buffer {
    const { run, whole } = this.#full[0]!;
    this.#fullBytes -= Math.min(run.length, max);
    if (run.length > max) {
      this.#full[0] = { run: run.subarray(max), whole: undefined };
      return run.subarray(0, max);
    }
    this.#full.shift();
    this.#keep(whole);
    return run;
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
