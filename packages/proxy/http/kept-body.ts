import type { Field } from '#wire/fields';
import type { Sender } from './contract.ts';

/** A run of bytes is copied if it is a smaller part than one in so many of the buffer that it came in, which it would keep alive. */
export const KEPT_SHARE_MIN = 4;

/** The part of a request's body that came so far, large runs by reference, so that it can be sent to another server. */
export class KeptBody {
  /** Nothing was thrown away: what is kept is all that came. */
  whole = true;
  bytes = 0;
  /** What that costs: a buffer kept by reference waits as a whole. */
  heldBytes = 0;
  trailers: Field[] | undefined;
  #last: Uint8Array | undefined;
  #bufs: Uint8Array[] = [];
  #bounds: number[] = [];

  add(buf: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length * KEPT_SHARE_MIN < buf.length) {
      this.#bufs.push(Buffer.from(buf.subarray(start, end)));
      this.#bounds.push(0, length);
      this.heldBytes += length;
    } else {
      if (buf !== this.#last) this.heldBytes += buf.length;
      this.#last = buf;
      this.#bufs.push(buf);
      this.#bounds.push(start, end);
    }
    this.bytes += length;
  }

  /** False: the sender is full, and takes the rest nevertheless. */
  sendTo(sender: Pick<Sender, 'data'>): boolean {
    let room = true;
    for (let i = 0; i < this.#bufs.length; i++)
      room = sender.data(this.#bufs[i]!, this.#bounds[i * 2]!, this.#bounds[i * 2 + 1]!);
    return room;
  }

  /** From here on the body cannot be sent again. */
  forget(): void {
    this.whole = false;
    this.#drop();
  }

  /** For the next request. */
  reset(): void {
    this.whole = true;
    this.trailers = undefined;
    this.#drop();
  }

  #drop(): void {
    this.bytes = 0;
    this.heldBytes = 0;
    this.#last = undefined;
    if (this.#bufs.length === 0) return;
    this.#bufs = [];
    this.#bounds = [];
  }
}
