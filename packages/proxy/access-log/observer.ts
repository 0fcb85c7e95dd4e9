import type { AccessLogFormat } from '#model/access-log';
import type { Clock } from '#runtime/clock';
import type { ResponseHead } from '#wire/fields';
import type { Exchange, ExchangeObserver } from '../http/index.ts';
import { ExchangeEntry } from './entry.ts';

/** Writes a line for each request when its response's head goes out, answers of the proxy itself included. */
export class AccessLog implements ExchangeObserver {
  readonly #format: AccessLogFormat;
  readonly #clock: Clock;
  readonly #write: (line: string) => void;
  /** When requests got their connection; exchanges are few and reused. */
  readonly #dispatchedMs = new WeakMap<Exchange, number>();

  constructor(format: AccessLogFormat, clock: Clock, write: (line: string) => void) {
    this.#format = format;
    this.#clock = clock;
    this.#write = write;
  }

  begun(exchange: Exchange): void {
    this.#dispatchedMs.delete(exchange);
  }

  dispatched(exchange: Exchange): void {
    this.#dispatchedMs.set(exchange, this.#clock.nowMs());
  }

  responded(exchange: Exchange, head: ResponseHead): void {
    const { outcome } = exchange;
    const entry = new ExchangeEntry(
      exchange,
      head,
      this.#dispatchedMs.get(exchange),
      outcome.responseStartMs,
      this.#clock.wallMs(),
    );
    this.#write(this.#format(entry));
  }
}
