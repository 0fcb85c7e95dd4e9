import type { Clock, Timer } from '#runtime/clock';
import type { Random } from '#runtime/random';
import type { ProbeSettings } from '../link/index.ts';
import { LIMITS } from './limits.ts';

export interface ProberDeps {
  clock: Clock;
  random: Random;
  /** One probe: resolves when it succeeded, rejects with the reason when not. */
  probe(timeoutMs: number): Promise<void>;
  /** Told of each probe; `latencyMs` of those that succeeded. */
  probed(succeeded: boolean, latencyMs: number): void;
  /** Told when the gateway is first known to live or not, and whenever that changes. */
  turned(alive: boolean, reason: string): void;
}

/** Asks a gateway again and again whether it lives. One that is dead from the start is found dead, too. */
export class Prober {
  /** Undefined until enough probes succeeded or failed. */
  alive: boolean | undefined;
  readonly #deps: ProberDeps;
  readonly #settings: ProbeSettings;
  #failures = 0;
  #timer: Timer | undefined;
  #stopped = false;

  /** The first probe goes out after one period. */
  constructor(settings: ProbeSettings, deps: ProberDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#wait();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #wait(): void {
    if (this.#stopped) return;
    const periodMs = this.#settings.periodMs * (1 + LIMITS.probeJitter * this.#deps.random());
    this.#timer = this.#deps.clock.after(periodMs, () => void this.#probe());
  }

  async #probe(): Promise<void> {
    const startMs = this.#deps.clock.nowMs();
    let failure: string | undefined;
    try {
      await this.#deps.probe(this.#settings.timeoutMs);
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    if (this.#stopped) return;
    this.#deps.probed(failure === undefined, this.#deps.clock.nowMs() - startMs);
    if (failure === undefined) this.#succeeded();
    else this.#failed(failure);
    this.#wait();
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#turn(true, '');
  }

  #failed(reason: string): void {
    this.#failures += 1;
    const { failureThreshold } = this.#settings;
    if (this.#failures < failureThreshold) return;
    const probes = failureThreshold === 1 ? 'the last probe' : `${failureThreshold} probes in a row`;
    this.#turn(false, `${probes} failed: ${reason}`);
  }

  #turn(alive: boolean, reason: string): void {
    if (this.alive === alive) return;
    this.alive = alive;
    this.#deps.turned(alive, reason);
  }
}
