import { isIP } from 'node:net';
import type { Clock, Timer } from '#runtime/clock';
import type { Log } from '#runtime/log';
import { LIMITS } from './limits.ts';

export interface AddressesDeps {
  clock: Clock;
  log: Log;
  /** IP addresses of a host name; rejects when it has none. */
  lookup(host: string): Promise<readonly string[]>;
  /** Told after every look, whether anything changed or not. */
  looked(): void;
}

/**
 * The IP addresses behind what a Link calls its gateway, looked up again and again. An entry that cannot be resolved is left out;
 * when none can, what was last known stays.
 */
export class Addresses {
  /** Sorted. Empty until something was found. */
  known: readonly string[] = [];
  /** Why nothing could be found last time. */
  problem: string | undefined;
  /** The first look is over. */
  looked = false;
  readonly #entries: readonly string[];
  readonly #refreshMs: number;
  readonly #deps: AddressesDeps;
  readonly #warned = new Map<string, string>();
  #timer: Timer | undefined;
  #stopped = false;

  constructor(entries: readonly string[], refreshMs: number, deps: AddressesDeps) {
    this.#entries = entries;
    this.#refreshMs = refreshMs;
    this.#deps = deps;
    void this.#look();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const found = await Promise.all(this.#entries.map((entry) => this.#resolve(entry)));
    if (this.#stopped) return;
    const addresses = [...new Set(found.flat())].sort();
    this.looked = true;
    this.problem = addresses.length > 0 ? undefined : [...this.#warned.values()].join('; ');
    if (addresses.length > 0) this.known = addresses;
    this.#timer = this.#deps.clock.after(this.#refreshMs, () => void this.#look());
    this.#deps.looked();
  }

  async #resolve(entry: string): Promise<readonly string[]> {
    try {
      const found = isIP(entry) > 0 ? [entry] : await this.#bounded(this.#deps.lookup(entry));
      const usable = found.filter((ip) => !isUnusable(ip));
      if (usable.length === 0) throw new Error(`${found.join(', ') || 'nothing'} is no address of another machine`);
      this.#warned.delete(entry);
      return usable;
    } catch (error) {
      const problem = `${entry}: ${(error as Error).message}`;
      if (this.#warned.get(entry) !== problem)
        this.#deps.log.warn('cannot use an address of the gateway', {
          address: entry,
          error: (error as Error).message,
        });
      this.#warned.set(entry, problem);
      return [];
    }
  }

  #bounded<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#deps.clock.after(LIMITS.lookupMs, () =>
        reject(new Error(`not resolved within ${LIMITS.lookupMs} ms`)),
      );
      work.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}

/** Loopback, link-local, unspecified and multicast addresses: the API takes none of them as endpoints. */
const isUnusable = (ip: string): boolean =>
  isIP(ip) === 4 ? /^(0\.|127\.|169\.254\.|22[4-9]\.|23\d\.)/.test(ip) : /^(::1?$|fe[89ab][0-9a-f]:|ff)/i.test(ip);
