import type { ByteSink } from '../output/index.ts';

/**
 * Collects runs of bytes by reference and gives them out as one buffer, so that a head and the body behind it cost one write
 * (and one TLS record). The runs' buffers must not change until `take`.
 */
export class Gather implements ByteSink {
  #bufs: Uint8Array[] = [];
  #bounds: number[] = [];
  #count = 0;
  /** Bytes collected. */
  length = 0;

  add(buf: Uint8Array, start: number, end: number): void {
    if (end === start) return;
    const last = this.#count - 1;
    this.length += end - start;
    if (last >= 0 && this.#bufs[last] === buf && this.#bounds[last * 2 + 1] === start) {
      this.#bounds[last * 2 + 1] = end;
      return;
    }
    this.#bufs[this.#count] = buf;
    this.#bounds[this.#count * 2] = start;
    this.#bounds[this.#count * 2 + 1] = end;
    this.#count++;
  }

  text(text: string): void {
    const buf = Buffer.from(text, 'latin1');
    this.add(buf, 0, buf.length);
  }

  /** Everything collected, as one buffer; a single run is not copied. Empties the collection. */
  take(): Buffer {
    const result = this.#count === 1 ? this.#single() : this.#join();
    this.clear();
    return result;
  }

  clear(): void {
    for (let i = 0; i < this.#count; i++) this.#bufs[i] = NO_BYTES;
    this.#count = 0;
    this.length = 0;
  }

  #single(): Buffer {
    const buf = this.#bufs[0] as Buffer;
    const start = this.#bounds[0]!;
    const end = this.#bounds[1]!;
    return start === 0 && end === buf.length ? buf : buf.subarray(start, end);
  }

  #join(): Buffer {
    const joined = Buffer.allocUnsafe(this.length);
    let at = 0;
    for (let i = 0; i < this.#count; i++)
      at += (this.#bufs[i] as Buffer).copy(joined, at, this.#bounds[i * 2]!, this.#bounds[i * 2 + 1]!);
    return joined;
  }
}

const NO_BYTES = Buffer.alloc(0);
