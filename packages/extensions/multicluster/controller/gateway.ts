import type { Clock } from '#runtime/clock';
import type { Log } from '#runtime/log';
import type { Random } from '#runtime/random';
import type { Finding, GatewaySettings } from '../link/index.ts';
import type { GatewayView } from '../mirror/index.ts';
import { Addresses } from './addresses.ts';
import { Prober } from './prober.ts';

export interface GatewayDeps {
  clock: Clock;
  log: Log;
  random: Random;
  lookup(host: string): Promise<readonly string[]>;
  /** GET of a URL; rejects unless the answer is 200. */
  probe(url: string, timeoutMs: number): Promise<void>;
  /** Where to probe now; undefined: the Service for it does not exist. */
  probeUrl(path: string): string | undefined;
  metrics: GatewayMetrics | undefined;
  /** Something changed, or addresses were looked up again: endpoints are to be repaired. */
  changed(): void;
  /** The gateway was found to live, or not to. */
  turned(alive: boolean, reason: string): void;
}

/** What is counted about the gateway of one cluster. */
export interface GatewayMetrics {
  enabled(): void;
  alive(alive: boolean): void;
  probed(succeeded: boolean, latencyMs: number): void;
  repaired(): void;
  /** The gateway is followed no more. */
  gone(): void;
}

export interface GatewayOptions {
  /** How often addresses are looked up. */
  refreshMs: number;
  /** There is a Service to probe through. */
  probes: boolean;
}

/** The gateway of a linked cluster: where it is, and whether it lives. */
export class Gateway {
  readonly settings: GatewaySettings;
  readonly #deps: GatewayDeps;
  readonly #addresses: Addresses;
  readonly #prober: Prober | undefined;
  /** Why it is dead; empty while it is not. */
  #reason = '';

  constructor(settings: GatewaySettings, options: GatewayOptions, deps: GatewayDeps) {
    this.settings = settings;
    this.#deps = deps;
    for (const problem of settings.problems) deps.log.warn(`the Link is not right: ${problem}`);
    this.#addresses = new Addresses(settings.entries, options.refreshMs, {
      ...deps,
      looked: () => {
        deps.metrics?.repaired();
        deps.changed();
      },
    });
    deps.metrics?.enabled();
    const { probe } = settings;
    if (!probe || !options.probes) return;
    deps.metrics?.alive(false);
    this.#prober = new Prober(probe, {
      ...deps,
      probe: async (timeoutMs) => {
        const url = deps.probeUrl(probe.path);
        if (url === undefined) throw new Error('the Service to probe through does not exist');
        await deps.probe(url, timeoutMs);
      },
      probed: (succeeded, latencyMs) => deps.metrics?.probed(succeeded, latencyMs),
      turned: (alive, reason) => {
        // That it lives is news only after it did not.
        if (!alive || this.#reason !== '') deps.turned(alive, reason);
        this.#reason = reason;
        deps.metrics?.alive(alive);
        deps.changed();
      },
    });
  }

  /** Its addresses were looked for. */
  get known(): boolean {
    return this.#addresses.looked;
  }

  get view(): GatewayView {
    const { port, identity, problems } = this.settings;
    const alive = this.#prober ? this.#prober.alive : true;
    if (port === undefined) return { addresses: [], problem: problems[0] ?? '', port: 0, identity, alive };
    const { known: addresses, problem } = this.#addresses;
    return { addresses, ...(problem !== undefined && { problem }), port, identity, alive };
  }

  /** What the Link's condition `GatewayAlive` says. */
  get finding(): Finding {
    const { status, reason, message } = this.#liveness();
    return { status, reason, message: [message, ...this.settings.problems].filter(Boolean).join('; ') };
  }

  stop(): void {
    this.#addresses.stop();
    this.#prober?.stop();
    this.#deps.metrics?.gone();
  }

  #liveness(): Finding {
    const { known, problem } = this.#addresses;
    if (this.settings.port === undefined) return { status: 'False', reason: 'InvalidSpec', message: '' };
    if (known.length === 0) return { status: 'False', reason: 'AddressUnknown', message: problem ?? '' };
    if (!this.#prober) return { status: 'Unknown', reason: 'NotProbed', message: '' };
    if (this.#prober.alive === undefined) return { status: 'Unknown', reason: 'Probing', message: '' };
    return this.#prober.alive
      ? { status: 'True', reason: 'Alive', message: '' }
      : { status: 'False', reason: 'ProbesFailed', message: this.#reason };
  }
}
