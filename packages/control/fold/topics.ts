/** Who is told what: listeners by topic, called once for any number of changes in one turn of the event loop. */

export type Listener = () => void;

interface Topic {
  /** Topics of a namespace can be touched together. */
  namespace: string | undefined;
  listeners: Set<Listener>;
}

/** Topics are plain strings such as `service:shop/web` or `ip:10.0.0.1`. */
export class Topics {
  readonly #topics = new Map<string, Topic>();
  readonly #touched = new Set<string>();
  #scheduled = false;

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
    queueMicrotask(() => this.#flush());
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
    for (const name of names) for (const listener of [...(this.#topics.get(name)?.listeners ?? [])]) listener();
  }
}
