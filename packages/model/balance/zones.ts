import { type Candidate, DISTANCES } from './candidate.ts';
import { WeightedPool } from './pool.ts';

/**
 * Load per endpoint, in requests awaiting their response, below which farther endpoints are dropped and above which they are added.
 * Linkerd's high availability zonal load balancing: 0.8 and 2.
 */
export interface ZoneBand {
  readonly low: number;
  readonly high: number;
}

/** What metrics tell: the load and the band it is held in, for all active endpoints together. */
export interface AdaptiveLoad {
  average: number;
  bandLow: number;
  bandHigh: number;
}

/** Time over which the load is averaged: spikes shorter than that leave the zone alone. */
const LOAD_WINDOW_MS = 1_000;
/** Waits between changes, so that the load shows what the last one did. */
const SETTLE_MS = 500;

/** Ready endpoints equally far away. */
interface Ring<C> {
  readonly active: C[];
  readonly standby: C[];
}

/**
 * The ready endpoints of one level. The nearest ones that there are get the requests; farther ones are added one by one while
 * the load per active endpoint is above the band, and dropped while it is below. Load is latency times requests a second, that is
 * requests awaiting their response (Little's law), averaged.
 */
export class ZonedSet<C extends Candidate> {
  readonly pool = new WeightedPool<C>();
  readonly #band: ZoneBand | undefined;
  readonly #random: () => number;
  readonly #rings: readonly Ring<C>[] = DISTANCES.map(() => ({ active: [], standby: [] }));
  /** Index of the nearest ring that has endpoints. */
  #home = 0;
  #standby = 0;
  #waiting = 0;
  #averageLoad = 0;
  #atMs = 0;
  #changedMs = Number.NEGATIVE_INFINITY;

  constructor(band: ZoneBand | undefined, random: () => number) {
    this.#band = band;
    this.#random = random;
  }

  get readyCount(): number {
    return this.pool.size + this.#standby;
  }

  /** Becomes ready. When an endpoint nearer than others returns, those that the load does not need are dropped. */
  join(candidate: C): void {
    const distance = this.#distance(candidate);
    if (this.readyCount === 0 || distance < this.#home) this.#home = distance;
    if (distance > this.#home) this.#stand(candidate, distance);
    else {
      this.#activate(candidate, distance);
      this.#fit(this.#wanted());
    }
  }

  /** Is no longer ready. The last one of the nearest ring hands over to the whole next ring. */
  leave(candidate: C): void {
    const distance = this.#distance(candidate);
    if (candidate.active) this.#deactivate(candidate, distance);
    else this.#unstand(candidate, distance);
    if (distance !== this.#home || this.#rings[distance]!.active.length > 0) return;
    const next = this.#rings.findIndex(({ active, standby }) => active.length + standby.length > 0);
    if (next < 0) return;
    this.#home = next;
    const { standby } = this.#rings[next]!;
    while (standby.length > 0) this.#promote(standby.at(-1)!, next);
  }

  /** A request is about to be sent; `count` may be negative: so many got their answer. */
  awaiting(count: number, nowMs: number): void {
    if (!this.#band) return;
    this.#advance(nowMs);
    this.#waiting += count;
  }

  /** An endpoint with `count` requests that await their response comes in; negative: it goes. */
  carry(count: number): void {
    this.#waiting += count;
  }

  /** Adds or drops farther endpoints when the load left its band. */
  adjust(nowMs: number): void {
    if (!this.#band || this.#standby + this.pool.size === this.#homeCount) return;
    if (nowMs - this.#changedMs < SETTLE_MS) return;
    this.#advance(nowMs);
    const active = this.pool.size;
    const load = this.#averageLoad;
    const tooMuch = load > this.#band.high * active && this.#standby > 0;
    const tooLittle = load < this.#band.low * active && active > this.#homeCount;
    if (!tooMuch && !tooLittle) return;
    this.#fit(this.#wanted());
    this.#changedMs = nowMs;
  }

  /** Adds this set's part to `sum`. */
  addLoad(sum: AdaptiveLoad, nowMs: number): void {
    if (!this.#band) return;
    this.#advance(nowMs);
    sum.average += this.#averageLoad;
    sum.bandLow += this.#band.low * this.pool.size;
    sum.bandHigh += this.#band.high * this.pool.size;
  }

  get #homeCount(): number {
    return this.#rings[this.#home]!.active.length;
  }

  /** How many active endpoints put the load in the middle of its band. */
  #wanted(): number {
    if (!this.#band) return Number.POSITIVE_INFINITY;
    return Math.ceil(this.#averageLoad / Math.sqrt(this.#band.low * this.#band.high));
  }

  /** Without a band all are equally near. */
  #distance(candidate: C): number {
    return this.#band ? DISTANCES.indexOf(candidate.standing.locality) : 0;
  }

  #advance(nowMs: number): void {
    const elapsedMs = nowMs - this.#atMs;
    if (elapsedMs <= 0) return;
    this.#averageLoad += (this.#waiting - this.#averageLoad) * -Math.expm1(-elapsedMs / LOAD_WINDOW_MS);
    this.#atMs = nowMs;
  }

  /** Nearest first in, farthest first out; which of a ring, chance says, so that proxies do not all choose the same. */
  #fit(wanted: number): void {
    for (let distance = this.#rings.length - 1; distance > this.#home; distance--) {
      const { active } = this.#rings[distance]!;
      while (active.length > 0 && this.pool.size > wanted) {
        const candidate = this.#any(active);
        this.#deactivate(candidate, distance);
        this.#stand(candidate, distance);
      }
    }
    for (let distance = this.#home + 1; distance < this.#rings.length; distance++) {
      const { standby } = this.#rings[distance]!;
      while (standby.length > 0 && this.pool.size < wanted) this.#promote(this.#any(standby), distance);
    }
  }

  #any(list: readonly C[]): C {
    return list[Math.floor(this.#random() * list.length)]!;
  }

  #promote(candidate: C, distance: number): void {
    this.#unstand(candidate, distance);
    this.#activate(candidate, distance);
  }

  #activate(candidate: C, distance: number): void {
    candidate.active = true;
    candidate.ringIndex = this.#rings[distance]!.active.push(candidate) - 1;
    this.pool.add(candidate);
  }

  #deactivate(candidate: C, distance: number): void {
    candidate.active = false;
    take(this.#rings[distance]!.active, candidate);
    this.pool.remove(candidate);
  }

  #stand(candidate: C, distance: number): void {
    candidate.ringIndex = this.#rings[distance]!.standby.push(candidate) - 1;
    this.#standby++;
  }

  #unstand(candidate: C, distance: number): void {
    take(this.#rings[distance]!.standby, candidate);
    this.#standby--;
  }
}

/** Takes it out of its list; the last takes its place. */
function take<C extends Candidate>(list: C[], candidate: C): void {
  const last = list.pop()!;
  if (last === candidate) return;
  list[candidate.ringIndex] = last;
  last.ringIndex = candidate.ringIndex;
}
