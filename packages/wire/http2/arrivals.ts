import type { RequestHead } from '../fields/index.ts';
import type { Stream } from './stream.ts';

/**
 * Requests that came with the bytes being read, and that the user has not been told of: those that the peer resets meanwhile cost
 * nobody anything.
 */
export class Arrivals<T> {
  /** In order. */
  readonly #waiting: Stream<T>[] = [];
  readonly #resetsMax: number;
  /** How many of them the peer has reset. */
  #resets = 0;

  constructor(resetsMax: number | undefined) {
    this.#resetsMax = resetsMax ?? Number.POSITIVE_INFINITY;
  }

  add(stream: Stream<T>, head: RequestHead): void {
    stream.untaken = head;
    this.#waiting.push(stream);
  }

  /** The peer has reset one of them; true: that is more than it may. */
  isTooManyResets(): boolean {
    return ++this.#resets > this.#resetsMax;
  }

  /** Tells of all that are left. */
  take(tell: (stream: Stream<T>, head: RequestHead) => void): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    for (let i = 0; i < waiting.length; i++) {
      const stream = waiting[i]!;
      const head = stream.untaken;
      stream.untaken = undefined;
      if (head !== undefined && !stream.dead) tell(stream, head);
    }
    waiting.length = 0;
    this.#resets = 0;
  }
}
