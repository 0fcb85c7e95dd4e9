/** Finds dead peers of long-lived connections by PING. */
export interface KeepAlive {
  /** Time between pings. */
  intervalMs: number;
  /** A ping unanswered for this long ends the connection. */
  timeoutMs: number;
}

/** Pings until stopped. */
export class Pinger {
  readonly #options: KeepAlive;
  readonly #ping: (opaque: number) => void;
  readonly #dead: (text: string) => void;
  readonly #interval: NodeJS.Timeout;
  #answer: NodeJS.Timeout | undefined;
  #sent = 0;

  /** `ping` sends one; `dead` is called once when an answer fails to come. */
  constructor(options: KeepAlive, ping: (opaque: number) => void, dead: (text: string) => void) {
    this.#options = options;
    this.#ping = ping;
    this.#dead = dead;
    this.#interval = setInterval(() => this.#send(), options.intervalMs);
    this.#interval.unref();
  }

  pong(opaque: number): void {
    if (opaque !== this.#sent) return;
    clearTimeout(this.#answer);
    this.#answer = undefined;
  }

  stop(): void {
    clearInterval(this.#interval);
    clearTimeout(this.#answer);
  }

  #send(): void {
    if (this.#answer) return;
    const { timeoutMs } = this.#options;
    this.#answer = setTimeout(() => {
      this.stop();
      this.#dead(`no answer to a ping within ${timeoutMs} ms`);
    }, timeoutMs);
    this.#answer.unref();
    this.#ping(++this.#sent);
  }
}
