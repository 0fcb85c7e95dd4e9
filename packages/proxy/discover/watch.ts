import type { Clock, Timer } from '#runtime/clock';
import type { Random } from '#runtime/random';
import { Backoff, type BackoffConfig } from './backoff.ts';
import type { Cancel, StreamError, StreamSink } from './types.ts';

export interface WatchConfig {
  readonly backoff: BackoffConfig;
  /** No first message within this time: the stream is opened again. */
  readonly initialTimeoutMs?: number | undefined;
  /** No message for this long: the same, quietly. */
  readonly idleTimeoutMs?: number | undefined;
  /** Streams are opened again at this age, so that connections spread over new servers. */
  readonly lifetimeMs?: number | undefined;
  /** gRPC codes that end the watch. */
  readonly terminal: readonly string[];
}

export interface WatchHandlers<T> {
  /** `first`: the first message of a stream, which replaces what earlier streams said. */
  value(value: T, first: boolean): void;
  /** The watch is over: the server said so with a terminal code. */
  refused(error: StreamError): void;
  /** A stream was lost and will be opened again. */
  lost?(error: StreamError | undefined): void;
}

/** Keeps a stream open: a lost or ended one is opened again with backoff, which a message resets. */
export function keepWatching<T>(
  open: (sink: StreamSink<T>) => Cancel,
  config: WatchConfig,
  handlers: WatchHandlers<T>,
  deps: { clock: Clock; random: Random },
): Cancel {
  const watch = new Watch(open, config, handlers, deps);
  watch.start();
  return () => watch.stop();
}

class Watch<T> {
  readonly #open: (sink: StreamSink<T>) => Cancel;
  readonly #config: WatchConfig;
  readonly #handlers: WatchHandlers<T>;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  /** Counts streams, so that late words of an old one are not taken for the new one's. */
  #generation = 0;
  #cancel: Cancel | undefined;
  #silence: Timer | undefined;
  #age: Timer | undefined;
  #retry: Timer | undefined;
  #stopped = false;

  constructor(
    open: (sink: StreamSink<T>) => Cancel,
    config: WatchConfig,
    handlers: WatchHandlers<T>,
    deps: { clock: Clock; random: Random },
  ) {
    this.#open = open;
    this.#config = config;
    this.#handlers = handlers;
    this.#clock = deps.clock;
    this.#backoff = new Backoff(config.backoff, deps.random);
  }

  start(): void {
    if (this.#stopped) return;
    const generation = ++this.#generation;
    const current = (): boolean => generation === this.#generation && !this.#stopped;
    let first = true;
    this.#expectMessage(this.#config.initialTimeoutMs, { code: 'DEADLINE_EXCEEDED', message: 'no first message' });
    if (this.#config.lifetimeMs !== undefined)
      this.#age = this.#clock.after(this.#config.lifetimeMs, () => this.#reopen());
    this.#cancel = this.#open({
      message: (value) => {
        if (!current()) return;
        this.#backoff.reset();
        this.#expectMessage(this.#config.idleTimeoutMs, undefined);
        const isFirst = first;
        first = false;
        this.#handlers.value(value, isFirst);
      },
      ended: (error) => {
        if (current()) this.#ended(error);
      },
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#retry?.cancel();
    this.#close();
  }

  #expectMessage(withinMs: number | undefined, error: StreamError | undefined): void {
    this.#silence?.cancel();
    this.#silence = undefined;
    if (withinMs === undefined) return;
    this.#silence = this.#clock.after(withinMs, () => {
      if (error) {
        this.#close();
        this.#ended(error);
      } else this.#reopen();
    });
  }

  /** A new stream at once: nothing went wrong. */
  #reopen(): void {
    this.#close();
    this.start();
  }

  #close(): void {
    this.#generation++;
    this.#silence?.cancel();
    this.#age?.cancel();
    const cancel = this.#cancel;
    this.#cancel = undefined;
    cancel?.();
  }

  #ended(error: StreamError | undefined): void {
    this.#cancel = undefined;
    this.#close();
    if (error && this.#config.terminal.includes(error.code)) {
      this.#stopped = true;
      this.#handlers.refused(error);
      return;
    }
    this.#handlers.lost?.(error);
    this.#retry = this.#clock.after(this.#backoff.nextMs(), () => this.start());
  }
}
