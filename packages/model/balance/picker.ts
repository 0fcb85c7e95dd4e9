import { type Candidate, type Standing, unitsOf } from './candidate.ts';
import { Comebacks } from './comebacks.ts';
import { type Level, Levels } from './levels.ts';
import type { AdaptiveLoad, ZoneBand } from './zones.ts';

/** An endpoint whose estimate is this many times the typical one is an outcast: power of two choices would leave it out for long. */
const OUTCAST_FACTOR = 2;
/** Wait before an outcast is tried again, and the longest wait after doubling for each time it was slow again. */
const COMEBACK_MS_MIN = 1_000;
const COMEBACK_MS_MAX = 30_000;
/** An endpoint that was no outcast for so long starts with the short wait. */
const REDEEMED_MS = 60_000;
/** Part of the picks that may go to outcasts. */
const COMEBACK_SHARE = 0.05;
/** Outcasts looked at in one pick. */
const LOOKS_MAX = 4;
/** Weight of one estimate in the typical one, a geometric mean so that a few slow endpoints do not move it. */
const TYPICAL_WEIGHT = 0.05;
/** Estimates below are as good as this. */
const ESTIMATE_MS_MIN = 0.01;

export interface PickerOptions {
  /** Absent: zones play no role. */
  readonly zones: ZoneBand | undefined;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

/**
 * Chooses the endpoint of each request: by priority level, then among the level's active endpoints (near ones, far ones as the
 * load needs), then the less loaded of two drawn by weight. Endpoints never measured are tried first but with one request at a
 * time; those much slower than the others are tried again after a wait, with a small part of the picks. Every operation is
 * O(log n) but for changes of a whole zone.
 */
export class EndpointPicker<C extends Candidate> {
  readonly #random: () => number;
  readonly #levels: Levels<C>;
  readonly #levelOf = new Map<C, Level<C>>();
  readonly #comebacks = new Comebacks<C>();
  #ready = 0;
  /** Natural logarithm of the typical estimate in milliseconds; undefined before the first sample. */
  #typical: number | undefined;
  #credit = 1;

  constructor({ zones, random }: PickerOptions) {
    this.#random = random;
    this.#levels = new Levels(zones, random);
  }

  get size(): number {
    return this.#levelOf.size;
  }
  get readyCount(): number {
    return this.#ready;
  }

  /** Takes an endpoint in, not ready yet. */
  put(candidate: C): void {
    this.#enter(candidate, this.#levels.of(candidate));
  }

  /** The endpoint has gone; what it is busy with may still be reported. */
  remove(candidate: C): void {
    this.setReady(candidate, false);
    this.#comebacks.remove(candidate);
    const level = this.#levelOf.get(candidate);
    if (level) this.#exit(candidate, level);
  }

  /** Its weight, zone or priority changed. */
  move(candidate: C, standing: Standing): void {
    const { ready, single } = candidate;
    const level = this.#levelOf.get(candidate);
    if (!level) return;
    this.setReady(candidate, false);
    this.#exit(candidate, level);
    candidate.standing = standing;
    candidate.units = unitsOf(standing);
    this.put(candidate);
    this.setReady(candidate, ready);
    candidate.single = single;
  }

  setReady(candidate: C, ready: boolean): void {
    const level = this.#levelOf.get(candidate);
    candidate.single = false;
    if (!level || candidate.ready === ready) return;
    candidate.ready = ready;
    this.#ready += ready ? 1 : -1;
    if (ready) level.set.join(candidate);
    else level.set.leave(candidate);
    this.#levels.changed();
  }

  /** Makes it ready for a single request, soon; picking it makes it not ready. */
  setSingle(candidate: C, nowMs: number): void {
    this.setReady(candidate, true);
    candidate.single = true;
    this.#comebacks.put(candidate, nowMs);
  }

  /** The endpoint for one request, which then counts as in flight; undefined when none is ready. */
  pick(nowMs: number): C | undefined {
    this.#credit = Math.min(1, this.#credit + COMEBACK_SHARE);
    const level = this.#levels.pick();
    if (!level) return undefined;
    level.set.adjust(nowMs);
    const candidate = this.#comeback(nowMs) ?? level.set.pool.pick(nowMs, this.#random);
    if (!candidate) return undefined;
    candidate.inFlight++;
    candidate.waiting++;
    this.#levelOf.get(candidate)?.set.awaiting(1, nowMs);
    if (candidate.single) {
      this.#comebacks.remove(candidate);
      this.setReady(candidate, false);
    }
    return candidate;
  }

  /** A response began `rttMs` after its request was sent. */
  answered(candidate: C, rttMs: number, nowMs: number): void {
    this.#answer(candidate, nowMs);
    const { ewma } = candidate;
    // Those new or back start like the others: with less they would get everything.
    if (this.#typical !== undefined) ewma.expect(Math.exp(this.#typical));
    if (candidate.outcast === 'tried' && rttMs <= this.#outcastMs)
      ewma.replace(Math.max(rttMs, Math.exp(this.#typical ?? 0)), nowMs);
    else ewma.observe(rttMs, nowMs);
    const log = Math.log(Math.max(ESTIMATE_MS_MIN, ewma.estimateMs(nowMs)));
    this.#typical = this.#typical === undefined ? log : this.#typical + (log - this.#typical) * TYPICAL_WEIGHT;
    this.#judge(candidate, nowMs, 0);
  }

  /** A response that failed began; `retryAfterMs`: not before that, says the server. */
  failed(candidate: C, rttMs: number, nowMs: number, retryAfterMs: number): void {
    this.#answer(candidate, nowMs);
    const askedMs = candidate.ewma.observeFailure(rttMs, nowMs, retryAfterMs);
    this.#judge(candidate, nowMs, askedMs);
  }

  /**
   * A request is over, with or without an answer: it is no longer in flight. `silentMs`: how long an answer was waited for in vain;
   * the endpoint is at least so slow, which counts where it is slower than was known.
   */
  ended(candidate: C, answered: boolean, nowMs: number, silentMs = 0): void {
    candidate.inFlight--;
    if (answered) return;
    if (silentMs > candidate.ewma.estimateMs(nowMs)) {
      this.answered(candidate, silentMs, nowMs);
      return;
    }
    this.#answer(candidate, nowMs);
    if (candidate.outcast === 'tried') this.#cast(candidate, nowMs, 0);
  }

  /** The load of all levels, and the bands it is held in. */
  adaptiveLoad(nowMs: number): AdaptiveLoad {
    const sum = { average: 0, bandLow: 0, bandHigh: 0 };
    for (const { set } of this.#levels.all) set.addLoad(sum, nowMs);
    return sum;
  }

  get #outcastMs(): number {
    return OUTCAST_FACTOR * Math.exp(this.#typical ?? 0);
  }

  #enter(candidate: C, level: Level<C>): void {
    this.#levelOf.set(candidate, level);
    level.size++;
    level.set.carry(candidate.waiting);
    this.#levels.changed();
  }

  #exit(candidate: C, level: Level<C>): void {
    this.#levelOf.delete(candidate);
    level.set.carry(-candidate.waiting);
    if (--level.size === 0) this.#levels.drop(level);
    this.#levels.changed();
  }

  #answer(candidate: C, nowMs: number): void {
    candidate.waiting--;
    this.#levelOf.get(candidate)?.set.awaiting(-1, nowMs);
  }

  /** Finds out whether a measured endpoint is so slow that it must be looked after. */
  #judge(candidate: C, nowMs: number, askedMs: number): void {
    if (candidate.ewma.estimateMs(nowMs) > this.#outcastMs) this.#cast(candidate, nowMs, askedMs);
    else {
      candidate.outcast = 'no';
      if (!candidate.single) this.#comebacks.remove(candidate);
    }
  }

  #cast(candidate: C, nowMs: number, askedMs: number): void {
    const { outcast } = candidate;
    if (outcast === 'waiting' && askedMs === 0) return;
    if (nowMs - candidate.lastOutcastMs > REDEEMED_MS) candidate.comebackMs = COMEBACK_MS_MIN;
    else if (outcast === 'tried') candidate.comebackMs = Math.min(COMEBACK_MS_MAX, candidate.comebackMs * 2);
    candidate.lastOutcastMs = nowMs;
    candidate.outcast = 'waiting';
    if (this.#levelOf.has(candidate)) this.#comebacks.put(candidate, nowMs + Math.max(candidate.comebackMs, askedMs));
  }

  /** The outcast whose turn it is, if any. */
  #comeback(nowMs: number): C | undefined {
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      const candidate = this.#comebacks.first;
      if (!candidate || candidate.dueMs > nowMs || this.#credit < 1) return undefined;
      const idle = candidate.ready && candidate.active && candidate.inFlight === 0;
      if (!idle || this.#levelOf.get(candidate)?.share === 0) {
        this.#comebacks.put(candidate, nowMs + COMEBACK_MS_MIN);
        continue;
      }
      this.#comebacks.remove(candidate);
      if (!candidate.single && candidate.ewma.estimateMs(nowMs) <= this.#outcastMs) {
        candidate.outcast = 'no';
        continue;
      }
      if (candidate.outcast === 'waiting') candidate.outcast = 'tried';
      this.#credit = 0;
      return candidate;
    }
    return undefined;
  }
}
