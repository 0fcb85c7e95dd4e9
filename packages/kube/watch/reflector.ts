import type { KubeObject, Status, WatchEvent } from '#api/kube';
import { AnswerFault, ApiError, isGone, isNotFound } from '../client/errors.ts';
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
 * seen, 410 Gone lists again (`reset`), any failure retries for ever with a capped backoff. After an AnswerFault all is well again
 * only when a watch has gone on for a while.
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
  /** What the server gave was no good, and no watch has shown since that it can do otherwise. */
  #isOnProbation = false;
  /** A list whose watch has told nothing yet: what is too old at once was no good list. */
  #isFresh = false;
  /** Watches in a row that ended at once and told nothing. */
  #idle = 0;

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
    this.#sink.reset(items);
    // Only now: a sink that threw gets the full set again.
    this.#resourceVersion = resourceVersion;
    this.#isFresh = true;
    if (!this.#isOnProbation) this.#succeeded();
  }

  async #follow(): Promise<void> {
    if (this.#stopped) return;
    const seconds = Math.round(LIMITS.watchSeconds * (1 + this.#deps.random()));
    const before = this.#resourceVersion ?? '';
    let gone: ApiError | undefined;
    const receive = (event: WatchEvent<T>): void => {
      if (this.#stopped || gone) return;
      if (event.type === 'ERROR') {
        gone = new ApiError(event.object as unknown as Status);
        stream.stop();
      } else this.#receive(event);
    };
    const timers: (() => void)[] = [];
    const opened = (): void => {
      if (!this.#isOnProbation) this.#succeeded();
      else timers.push(this.#deps.after(LIMITS.probationMs, () => this.#acquit()));
    };
    let isShort = true;
    const stream = this.#source.watch(before, seconds, receive, opened);
    this.#stream = stream;
    timers.push(
      // The server is asked to end the watch; one that does not must not hold a dead stream for ever.
      this.#deps.after((seconds + 30) * 1000, () => stream.stop()),
      this.#deps.after(LIMITS.watchMsMin, () => {
        isShort = false;
      }),
    );
    try {
      await stream.done;
    } catch (error) {
      // A kind or version that is not served any more may be served anew, with other objects.
      if (isGone(error) || isNotFound(error)) gone = error as ApiError;
      else throw this.#begunAnew(error);
    } finally {
      for (const cancel of timers) cancel();
      this.#stream = undefined;
    }
    const isFresh = this.#isFresh && this.#resourceVersion === before;
    if (this.#resourceVersion !== before) this.#isFresh = false;
    if (gone) {
      this.#resourceVersion = undefined;
      // Expired is routine: list again at once, but not for ever. Anything else the server says in-band waits its turn.
      if (!isGone(gone)) throw gone;
      if (!isFresh || ++this.#idle === 1) return;
      this.#isOnProbation = true;
      throw gone;
    }
    this.#idle = this.#resourceVersion === before && isShort ? this.#idle + 1 : 0;
    if (this.#resourceVersion === before)
      await this.#pause(
        Math.min(LIMITS.watchBackoffMsMax, LIMITS.watchBackoffMsFirst * 2 ** Math.min(Math.max(0, this.#idle - 1), 16)),
      );
  }

  /** What the server must not send may have been a change that nobody saw: too many events are only too many. */
  #begunAnew(error: unknown): unknown {
    if (error instanceof AnswerFault && error.reason !== 'TooManyEvents') this.#resourceVersion = undefined;
    return error;
  }

  #acquit(): void {
    this.#isOnProbation = false;
    this.#succeeded();
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
    const isFault = error instanceof AnswerFault;
    if (isFault) this.#isOnProbation = true;
    const capMs = isFault
      ? LIMITS.faultBackoffMsMax
      : error instanceof ApiError
        ? LIMITS.watchBackoffMsMax
        : LIMITS.reconnectBackoffMsMax;
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
