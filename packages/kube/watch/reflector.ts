import type { KubeObject, Status, WatchEvent } from '#api/kube';
import { ApiError, isGone, isNotFound } from '../client/errors.ts';
import { LIMITS } from '../client/limits.ts';
import type { WatchSink } from '../client/types.ts';

/** One open watch: `done` resolves when the server ended it in good order and rejects when it broke. */
export interface WatchStream {
  done: Promise<void>;
  stop(): void;
}

/** What a reflector needs of a client. */
export interface WatchSource<T extends KubeObject> {
  list(): Promise<{ items: T[]; resourceVersion: string }>;
  /** `opened` is called when the server accepted the watch. */
  watch(
    resourceVersion: string,
    seconds: number,
    receive: (event: WatchEvent<T>) => void,
    opened: () => void,
  ): WatchStream;
}

export interface Reflector {
  stop(): void;
}

/** Where randomness and time come from; real by default. */
export interface ReflectorDeps {
  random(): number;
  /** Calls back after `ms`; returns a cancel function. */
  after(ms: number, callback: () => void): () => void;
}

const REAL: ReflectorDeps = {
  random: Math.random,
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Keeps `sink` in step with a collection: list, then watch from there; a watch that ends is resumed from the last version
 * seen, 410 Gone lists again (`reset`), any failure retries for ever with a capped backoff.
 */
export function startReflector<T extends KubeObject>(
  source: WatchSource<T>,
  sink: WatchSink<T>,
  deps: ReflectorDeps = REAL,
): Reflector {
  const reflector = new ReflectorLoop(source, sink, deps);
  void reflector.run();
  return reflector;
}

class ReflectorLoop<T extends KubeObject> implements Reflector {
  readonly #source: WatchSource<T>;
  readonly #sink: WatchSink<T>;
  readonly #deps: ReflectorDeps;
  #stopped = false;
  #stream: WatchStream | undefined;
  #wake: (() => void) | undefined;
  /** Undefined: the next step is a list. */
  #resourceVersion: string | undefined;
  #failures = 0;

  constructor(source: WatchSource<T>, sink: WatchSink<T>, deps: ReflectorDeps) {
    this.#source = source;
    this.#sink = sink;
    this.#deps = deps;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (this.#resourceVersion === undefined) await this.#relist();
        await this.#follow();
      } catch (error) {
        if (this.#stopped) return;
        await this.#backOff(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#stream?.stop();
    this.#wake?.();
  }

  async #relist(): Promise<void> {
    const { items, resourceVersion } = await this.#source.list();
    if (this.#stopped) return;
    this.#resourceVersion = resourceVersion;
    this.#succeeded();
    this.#sink.reset(items);
  }

  async #follow(): Promise<void> {
    if (this.#stopped) return;
    const seconds = Math.round(LIMITS.watchSeconds * (1 + this.#deps.random()));
    let gone: ApiError | undefined;
    let events = 0;
    const receive = (event: WatchEvent<T>): void => {
      if (this.#stopped || gone) return;
      events += 1;
      if (event.type === 'ERROR') {
        gone = new ApiError(event.object as unknown as Status);
        stream.stop();
      } else this.#receive(event);
    };
    const stream = this.#source.watch(this.#resourceVersion ?? '', seconds, receive, () => this.#succeeded());
    this.#stream = stream;
    // The server is asked to end the watch; one that does not must not hold a dead stream for ever.
    const cancelTimer = this.#deps.after((seconds + 30) * 1000, () => stream.stop());
    try {
      await stream.done;
    } catch (error) {
      // A kind or version that is not served any more may be served anew, with other objects.
      if (isGone(error) || isNotFound(error)) gone = error as ApiError;
      else throw error;
    } finally {
      cancelTimer();
      this.#stream = undefined;
    }
    if (gone) {
      this.#resourceVersion = undefined;
      // Expired is routine: list again at once. Anything else the server says in-band waits its turn.
      if (!isGone(gone)) throw gone;
    } else if (events === 0) await this.#pause(LIMITS.watchBackoffMsFirst);
  }

  #receive(event: WatchEvent<T>): void {
    try {
      this.#fold(event);
    } catch (error) {
      // A sink that threw may have missed this change: start over rather than go on without it.
      this.#resourceVersion = undefined;
      throw error;
    }
  }

  #fold(event: WatchEvent<T>): void {
    const object = event.object;
    this.#resourceVersion = object.metadata.resourceVersion ?? this.#resourceVersion;
    if (event.type === 'BOOKMARK') return;
    if (event.type === 'DELETED') this.#sink.deleted(object);
    else this.#sink.applied(object);
  }

  #succeeded(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#sink.recovered?.();
  }

  async #backOff(error: Error): Promise<void> {
    this.#failures += 1;
    const capMs = error instanceof ApiError ? LIMITS.watchBackoffMsMax : LIMITS.reconnectBackoffMsMax;
    const ceilingMs = Math.min(capMs, LIMITS.watchBackoffMsFirst * 2 ** Math.min(this.#failures - 1, 16));
    const retryInMs = Math.round(ceilingMs * (0.5 + this.#deps.random() / 2));
    this.#sink.failed?.({ error, attempt: this.#failures, retryInMs });
    await this.#pause(retryInMs);
  }

  #pause(ms: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const cancelTimer = this.#deps.after(ms, () => this.#wake?.());
      this.#wake = () => {
        cancelTimer();
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
