/** What a peer may still send on the connection; octets that were consumed are given back in batches of half the window. */
export class ReceiveWindow {
  readonly #size: number;
  #open: number;
  #owed = 0;

  constructor(size: number) {
    this.#size = size;
    this.#open = size;
  }

  /** The peer used some of it; false: more than there is. */
  use(bytes: number): boolean {
    this.#open -= bytes;
    return this.#open >= 0;
  }

  /** Octets were consumed; how many to tell the peer of now, 0 for none yet. */
  giveBack(bytes: number): number {
    this.#owed += bytes;
    if (this.#owed * 2 < this.#size) return 0;
    const owed = this.#owed;
    this.#owed = 0;
    this.#open += owed;
    return owed;
  }
}
