import type { Clock } from '../clock/index.ts';

/** Something open that can be asked to end soon, and forced to. */
export interface Drainable {
  /** Finish what is under way and then close. */
  drain(): void;
  /** Close now. */
  abort(): void;
}

/** The set of everything open. */
export class Drain {
  readonly #open = new Set<Drainable>();
  readonly #clock: Clock;
  #draining = false;
  #emptied: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get draining(): boolean {
    return this.#draining;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Whatever is added while draining is drained at once. */
  add(item: Drainable): void {
    this.#open.add(item);
    if (this.#draining) item.drain();
  }

  remove(item: Drainable): void {
    this.#open.delete(item);
    if (this.#open.size === 0) this.#emptied?.();
  }

  /** Resolves with true when all ended by themselves, false when some had to be cut after `graceMs`. */
  async drain(graceMs: number): Promise<boolean> {
    this.#draining = true;
    for (const item of [...this.#open]) item.drain();
    if (this.#open.size === 0) return true;
    return await new Promise((resolve) => {
      const timer = this.#clock.after(graceMs, () => {
        this.#emptied = undefined;
        for (const item of [...this.#open]) item.abort();
        resolve(false);
      });
      this.#emptied = () => {
        timer.cancel();
        resolve(true);
      };
    });
  }
}
