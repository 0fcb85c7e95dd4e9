import type { Log } from '#runtime/log';

/** So many Services are remembered as said; with more, some are said again. */
const SAID_MAX = 1_000;

/** Says, once a Service, that pods have no names in it. */
export class UnnamedPods {
  readonly #log: Log;
  readonly #said = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** `service` as `namespace/name`; `hostname` is the name that a pod cannot have. */
  readonly note = (service: string, hostname: string): void => {
    if (this.#said.has(service)) return;
    if (this.#said.size >= SAID_MAX) this.#said.clear();
    this.#said.add(service);
    this.#log.warn('pods have no names in a headless service: 63 characters is the most', { service, hostname });
  };
}
