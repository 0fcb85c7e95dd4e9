import fs from 'node:fs';

/** Text that waits for a reader of standard output or error; beyond it lines are dropped. */
const WAITING_CHARS_MAX = 1024 * 1024;
/** After a full pipe said so. */
const RETRY_MS = 10;

export interface LineWriterOptions {
  readonly fd: number;
  /** Called once for each line that is lost. */
  dropped?(): void;
  /** Writes bytes; the real one is fs.write. */
  write?(fd: number, bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, written: number) => void): void;
}

/** Writes lines to a descriptor off the event loop, gathered; a reader that does not keep up costs lines, not requests. */
export class LineWriter {
  readonly #options: LineWriterOptions;
  #waiting = '';
  #busy = false;
  #broken = false;
  #idle: (() => void)[] = [];

  constructor(options: LineWriterOptions) {
    this.#options = options;
  }

  /** One line with its line feed. */
  write(line: string): void {
    if (this.#broken || this.#waiting.length + line.length > WAITING_CHARS_MAX) {
      this.#options.dropped?.();
      return;
    }
    this.#waiting += line;
    if (this.#busy) return;
    this.#busy = true;
    setImmediate(() => this.#next());
  }

  /** Resolves when all lines given so far are written, or never will be. */
  drained(): Promise<void> {
    if (!this.#busy || this.#broken) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #next(): void {
    if (this.#waiting === '') {
      this.#rest();
      return;
    }
    const bytes = Buffer.from(this.#waiting);
    this.#waiting = '';
    this.#send(bytes);
  }

  #send(bytes: Uint8Array): void {
    const write = this.#options.write ?? fs.write;
    write(this.#options.fd, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(() => this.#send(bytes), RETRY_MS);
      // Nobody reads any more, and there is nowhere to say so.
      else if (error) {
        this.#broken = true;
        this.#rest();
      } else if (written < bytes.length) this.#send(bytes.subarray(written));
      else this.#next();
    });
  }

  #rest(): void {
    this.#busy = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
