import { Candidate, EndpointPicker, type Standing, type ZoneBand } from './index.ts';

/** A reproducible source of numbers in [0, 1). */
export function lcg(seed: number): () => number {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // The low bits of such a generator are poor.
    return (state >>> 8) / 2 ** 24;
  };
  next();
  return next;
}

export const USUAL: Standing = { weight: 1, locality: 'unknown', priority: 0 };
const EWMA = { defaultRttMs: 30, decayMs: 10_000 };

export class Server extends Candidate {
  readonly name: string;
  picks = 0;
  /** Most requests it had in flight at once. */
  peak = 0;

  constructor(name: string, standing: Partial<Standing> = {}, nowMs = 0, ewma: typeof EWMA = EWMA) {
    super({ ...USUAL, ...standing }, ewma, nowMs);
    this.name = name;
  }
}

export interface SimulationOptions {
  readonly seed?: number;
  readonly zones?: ZoneBand;
  /** How long a server takes to answer. */
  readonly latencyMs: (server: Server, nowMs: number, random: () => number) => number;
}

/** Requests at even intervals to simulated servers, in simulated time. */
export class Simulation {
  readonly random: () => number;
  readonly picker: EndpointPicker<Server>;
  nowMs = 0;
  unserved = 0;
  readonly #latencyMs: SimulationOptions['latencyMs'];
  /** Requests under way, the earliest answer first. */
  readonly #underWay: { atMs: number; sentMs: number; server: Server }[] = [];

  constructor({ seed = 1, zones, latencyMs }: SimulationOptions) {
    this.random = lcg(seed);
    this.picker = new EndpointPicker({ zones, random: this.random });
    this.#latencyMs = latencyMs;
  }

  add(...servers: Server[]): void {
    for (const server of servers) {
      this.picker.put(server);
      this.picker.setReady(server, true);
    }
  }

  /** Sends `perSecond` requests a second for `forMs`; counts of picks start anew. */
  run(perSecond: number, forMs: number, servers: readonly Server[] = []): void {
    for (const server of servers) {
      server.picks = 0;
      server.peak = 0;
    }
    const startMs = this.nowMs;
    const endMs = startMs + forMs;
    for (let i = 0; i < (perSecond * forMs) / 1000; i++) {
      const atMs = startMs + (i * 1000) / perSecond;
      this.#answer(atMs);
      this.#send(atMs);
    }
    this.#answer(endMs);
    this.nowMs = endMs;
  }

  #send(nowMs: number): void {
    const server = this.picker.pick(nowMs);
    if (!server) {
      this.unserved++;
      return;
    }
    server.picks++;
    server.peak = Math.max(server.peak, server.inFlight);
    const atMs = nowMs + this.#latencyMs(server, nowMs, this.random);
    const index = this.#underWay.findLastIndex((other) => other.atMs <= atMs) + 1;
    this.#underWay.splice(index, 0, { atMs, sentMs: nowMs, server });
  }

  #answer(untilMs: number): void {
    while ((this.#underWay[0]?.atMs ?? Number.POSITIVE_INFINITY) <= untilMs) {
      const { atMs, sentMs, server } = this.#underWay.shift()!;
      this.picker.answered(server, atMs - sentMs, atMs);
      this.picker.ended(server, true, atMs);
    }
  }
}
