/** Where encoders put bytes. */
export interface ByteSink {
  add(buf: Uint8Array, start: number, end: number): void;
  /** Latin-1 text. */
  text(text: string): void;
}

/** Room that is made at once; several small outputs share it. A TLS record holds 16 KiB. */
const CHUNK_BYTES = 32 * 1024;

const NO_BYTES = Buffer.alloc(0);

/**
 * Bytes waiting to be sent, copied together so that many frames cost one write and one TLS record. What `take` gave is not
 * written again: output goes on behind it, or in a new buffer. Unbounded by itself: whoever fills it watches `length`.
 */
export class Output implements ByteSink {
  /** Room for direct writing: call `reserve(n)`, write up to n bytes at `buf[end]`, then move `end`. */
  buf: Buffer = NO_BYTES;
  end = 0;
  #start = 0;

  /** Bytes not yet taken. */
  get length(): number {
    return this.end - this.#start;
  }

  /** Makes room for `bytes` more behind `end`, in `buf`. */
  reserve(bytes: number): void {
    if (this.end + bytes > this.buf.length) this.#grow(bytes);
  }

  add(buf: Uint8Array, start: number, end: number): void {
    const bytes = end - start;
    this.reserve(bytes);
    if (bytes > 0) (buf as Buffer).copy(this.buf, this.end, start, end);
    this.end += bytes;
  }

  text(text: string): void {
    this.reserve(text.length);
    this.buf.write(text, this.end, text.length, 'latin1');
    this.end += text.length;
  }

  /** The oldest bytes, at most `max`; undefined when there are none. Nobody else will write to them. */
  take(max: number): Buffer | undefined {
    if (this.end === this.#start) return undefined;
    const end = Math.min(this.end, this.#start + max);
    const taken = this.buf.subarray(this.#start, end);
    this.#start = end;
    return taken;
  }

  /** Forgets what was not taken. */
  clear(): void {
    this.#start = this.end;
  }

  #grow(bytes: number): void {
    const pending = this.end - this.#start;
    const wider = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, (pending + bytes) * 2));
    this.buf.copy(wider, 0, this.#start, this.end);
    this.buf = wider;
    this.#start = 0;
    this.end = pending;
  }
}
