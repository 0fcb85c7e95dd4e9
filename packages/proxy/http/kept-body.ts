import type { Field } from '#wire/fields';
import type { Sender } from './contract.ts';

/** The part of a request's body that came so far, by reference, so that it can be sent to another server. */
export class KeptBody {
  /** Nothing was thrown away: what is kept is all that came. */
  whole = true;
  bytes = 0;
  trailers: Field[] | undefined;
  #bufs: Uint8Array[] = [];
  #bounds: number[] = [];

  add(buf: Uint8Array, start: number, end: number): void {
    this.#bufs.push(buf);
    this.#bounds.push(start, end);
    this.bytes += end - start;
  }

  /** False: the sender is full, and takes the rest nevertheless. */
  sendTo(sender: Sender): boolean {
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
    if (this.#bufs.length === 0) return;
    this.#bufs = [];
    this.#bounds = [];
  }
}
