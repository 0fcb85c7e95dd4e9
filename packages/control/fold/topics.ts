/** Who is told what: listeners by topic, called once for any number of changes in one turn of the event loop. */
import type { Clock } from '#runtime/clock';

export type Listener = () => void;

interface Topic {
  /** Topics of a namespace can be touched together. */
  namespace: string | undefined;
  listeners: Set<Listener>;
}

/** Telling that took less is not followed by a rest: one change alone is never delayed. */
const BUSY_MS_MIN = 1;
/** The rest is so many times as long as the telling before it, which left as much to others: what it wrote has yet to be sent. */
const REST_FACTOR = 2;
const REST_MS_MAX = 500;

/** Topics are plain strings such as `service:shop/web` or `ip:10.0.0.1`. */
export class Topics {
  readonly #topics = new Map<string, Topic>();
  readonly #touched = new Set<string>();
  readonly #clock: Clock | undefined;
  #scheduled = false;
  #restUntilMs = 0;

  /**
   * With a clock, telling that took long is followed by a rest, in which further changes gather: under a storm of changes everybody
   * gets fewer and newer answers, and what was heard last is told soon.
   */
  constructor(clock?: Clock) {
    this.#clock = clock;
  }

  /** Calls `listener` after changes under `name`. Returns a stop function. */
  subscribe(name: string, namespace: string | undefined, listener: Listener): () => void {
    let topic = this.#topics.get(name);
    if (!topic) {
      topic = { namespace, listeners: new Set() };
      this.#topics.set(name, topic);
    }
    const { listeners } = topic;
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#topics.get(name)?.listeners === listeners) this.#topics.delete(name);
    };
  }

  touch(name: string): void {
    if (!this.#topics.has(name)) return;
    this.#touched.add(name);
    if (this.#scheduled) return;
    this.#scheduled = true;
    const restMs = this.#clock ? this.#restUntilMs - this.#clock.nowMs() : 0;
    if (this.#clock && restMs > 0) this.#clock.after(restMs, () => this.#flush());
    else queueMicrotask(() => this.#flush());
  }

  /** Touches the topics that begin with `prefix`; with a namespace, only those of it. */
  touchAll(prefix: string, namespace?: string): void {
    for (const [name, topic] of this.#topics)
      if (name.startsWith(prefix) && (namespace === undefined || topic.namespace === namespace)) this.touch(name);
  }

  #flush(): void {
    this.#scheduled = false;
    const names = [...this.#touched];
    this.#touched.clear();
    const startMs = this.#clock?.nowMs() ?? 0;
    for (const name of names) for (const listener of [...(this.#topics.get(name)?.listeners ?? [])]) listener();
    const endMs = this.#clock?.nowMs() ?? 0;
    const tookMs = endMs - startMs;
    if (tookMs >= BUSY_MS_MIN) this.#restUntilMs = endMs + Math.min(REST_MS_MAX, tookMs * REST_FACTOR);
  }
}
