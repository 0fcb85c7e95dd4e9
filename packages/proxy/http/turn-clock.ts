import type { Clock, Timer } from '#runtime/clock';
import type { Flushable, Flusher } from '#runtime/flush';

/**
 * A clock that is read once an event-loop turn: all that sockets have to say in one turn happened at the same time as far as anyone
 * can tell, and a request asks for the time half a dozen times. Flushing ends the turn, and the clock makes sure that there is one.
 */
export class TurnClock implements Clock, Flushable {
  readonly #clock: Clock;
  readonly #flusher: Flusher;
  #nowMs = 0;
  #isCurrent = false;

  constructor(clock: Clock, flusher: Flusher) {
    this.#clock = clock;
    this.#flusher = flusher;
  }

  nowMs(): number {
    if (this.#isCurrent) return this.#nowMs;
    this.#isCurrent = true;
    this.#flusher.soon(this);
    this.#nowMs = this.#clock.nowMs();
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#clock.after(delayMs, callback);
  }

  flush(): void {
    this.#isCurrent = false;
  }
}
