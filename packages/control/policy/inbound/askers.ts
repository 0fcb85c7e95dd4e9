/** Who follows the policy of which port, and which of them a change concerns. */
import type { WorkloadToken } from '#model/names';
import { keyOf, type Listener, Topics } from '../../fold/index.ts';
import { type ServerRecord, selects } from './servers.ts';
import type { SubjectRecord } from './subjects.ts';

interface Asker {
  token: WorkloadToken;
  port: number;
}

/**
 * Of more Servers of a namespace that change at once, all who ask there are told: it is more work to look who is concerned by each
 * than to work out all answers.
 */
const SERVERS_LOOKED_AT_MAX = 100;

const topicOf = ({ kind, namespace, name }: WorkloadToken): string => `${kind}:${keyOf(namespace, name)}`;

/**
 * A change of a Server, or of what is attached to it, is told to those whose port it selects: the price is one look at each that
 * asks about the same namespace and port, and work only for those concerned.
 */
export class Askers {
  readonly #topics = new Topics();
  readonly #subject: (token: WorkloadToken) => SubjectRecord | undefined;
  /** By namespace and port. */
  readonly #asking = new Map<string, Map<number, Set<Asker>>>();
  readonly #changed = new Set<ServerRecord>();
  readonly #listeners: ((server: ServerRecord) => void)[] = [];
  #scheduled = false;

  constructor(subject: (token: WorkloadToken) => SubjectRecord | undefined) {
    this.#subject = subject;
  }

  /** Calls `listener` after changes that may concern the port. Returns a stop function. */
  add(token: WorkloadToken, port: number, listener: Listener): () => void {
    const { namespace } = token;
    const asker = { token, port };
    const ports = this.#asking.get(namespace) ?? new Map<number, Set<Asker>>();
    this.#asking.set(namespace, ports);
    const askers = ports.get(port) ?? new Set<Asker>();
    ports.set(port, askers);
    askers.add(asker);
    const stop = this.#topics.subscribe(topicOf(token), undefined, listener);
    return () => {
      stop();
      askers.delete(asker);
      if (askers.size === 0 && ports.get(port) === askers) ports.delete(port);
      if (ports.size === 0 && this.#asking.get(namespace) === ports) this.#asking.delete(namespace);
    };
  }

  subjectChanged({ kind, namespace, name }: SubjectRecord): void {
    this.#topics.touch(topicOf({ kind, namespace, name }));
  }

  /** Calls back at once, for whoever keeps what it makes of Servers. */
  onServer(listener: (server: ServerRecord) => void): void {
    this.#listeners.push(listener);
  }

  /** To be told of a record that came, that went, or to which something is attached differently. */
  serverChanged(server: ServerRecord): void {
    this.#changed.add(server);
    for (const listener of this.#listeners) listener(server);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    const byNamespace = Map.groupBy(this.#changed, ({ namespace }) => namespace);
    this.#changed.clear();
    for (const [namespace, servers] of byNamespace)
      if (servers.length > SERVERS_LOOKED_AT_MAX)
        for (const { token } of this.#askersIn(namespace)) this.#topics.touch(topicOf(token));
      else
        for (const server of servers)
          for (const { token, port } of this.#mayConcern(server)) {
            const subject = this.#subject(token);
            if (subject && selects(server, subject, port)) this.#topics.touch(topicOf(token));
          }
  }

  *#askersIn(namespace: string): Iterable<Asker> {
    for (const askers of this.#asking.get(namespace)?.values() ?? []) yield* askers;
  }

  *#mayConcern({ namespace, port }: ServerRecord): Iterable<Asker> {
    if (typeof port === 'number') yield* this.#asking.get(namespace)?.get(port) ?? [];
    else yield* this.#askersIn(namespace);
  }
}
