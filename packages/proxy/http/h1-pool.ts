import type { Http1Client } from './h1-client.ts';

/** Idle connections to one server, most recently used first, so that surplus ones grow old and go. */
export class Http1Pool {
  readonly #idle: Http1Client[] = [];
  readonly #countMax: number;
  readonly #idleMs: number;

  constructor(limits: { countMax: number; idleMs: number }) {
    this.#countMax = limits.countMax;
    this.#idleMs = limits.idleMs;
  }

  get size(): number {
    return this.#idle.length;
  }

  take(): Http1Client | undefined {
    for (;;) {
      const client = this.#idle.pop();
      if (client === undefined || client.usable) return client;
    }
  }

  put(client: Http1Client, nowMs: number): void {
    if (this.#idle.length >= this.#countMax) {
      client.destroy();
      return;
    }
    client.idleSinceMs = nowMs;
    this.#idle.push(client);
  }

  remove(client: Http1Client): void {
    const index = this.#idle.lastIndexOf(client);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  /** Closes connections that nobody used for the idle time. */
  sweep(nowMs: number): void {
    let old = 0;
    while (old < this.#idle.length && nowMs - this.#idle[old]!.idleSinceMs >= this.#idleMs) old++;
    for (const client of this.#idle.splice(0, old)) client.destroy();
  }

  clear(): void {
    for (const client of this.#idle.splice(0)) client.destroy();
  }
}
