import type { Candidate } from './candidate.ts';
import { type ZoneBand, ZonedSet } from './zones.ts';

/**
 * A level keeps all of its traffic while its ready part times this is at least 1, so with 72 % of it ready. The same factor as
 * Envoy's overprovisioning of priority levels.
 */
const OVERPROVISIONING = 1.4;

/** Levels told apart; endpoints of more priorities than that join the last one. */
const LEVELS_MAX = 32;

/** Key of the level of endpoints without weight: used when nothing else is ready. */
const SPARE = Number.POSITIVE_INFINITY;

/** Endpoints of one priority. */
export interface Level<C extends Candidate> {
  readonly key: number;
  readonly set: ZonedSet<C>;
  /** All endpoints, ready or not. */
  size: number;
  /** Part of the requests, 0 to 1. */
  share: number;
}

/**
 * Which level the next request goes to. Each takes what it can carry (its ready part times 1.4, at most all) of what those before it
 * left over; when together they cannot carry all, they share it in that proportion.
 */
export class Levels<C extends Candidate> {
  readonly #band: ZoneBand | undefined;
  readonly #random: () => number;
  /** In order of use. */
  #levels: Level<C>[] = [];
  #stale = true;

  constructor(band: ZoneBand | undefined, random: () => number) {
    this.#band = band;
    this.#random = random;
  }

  get all(): readonly Level<C>[] {
    return this.#levels;
  }

  /** The level that the candidate belongs to, made when there is none. */
  of({ standing }: C): Level<C> {
    const key = standing.weight === 0 ? SPARE : standing.priority;
    const known = this.#levels.find((level) => level.key === key);
    if (known) return known;
    if (key !== SPARE && this.#levels.length >= LEVELS_MAX) return this.#levels.findLast((level) => level.key < SPARE)!;
    const level = { key, set: new ZonedSet<C>(this.#band, this.#random), size: 0, share: 0 };
    this.#levels = [...this.#levels, level].sort((a, b) => a.key - b.key);
    return level;
  }

  /** Sizes or readiness changed. */
  changed(): void {
    this.#stale = true;
  }

  drop(level: Level<C>): void {
    this.#levels = this.#levels.filter((other) => other !== level);
    this.#stale = true;
  }

  /** Undefined when no endpoint is ready. */
  pick(): Level<C> | undefined {
    if (this.#stale) this.#weigh();
    const first = this.#levels[0];
    if (first && first.share >= 1) return first;
    let point = this.#random();
    let last: Level<C> | undefined;
    for (const level of this.#levels) {
      if (level.share === 0) continue;
      last = level;
      point -= level.share;
      if (point < 0) break;
    }
    return last;
  }

  #weigh(): void {
    this.#stale = false;
    let rest = 1;
    for (const level of this.#levels) {
      const ready = level.key === SPARE ? 0 : level.set.readyCount;
      level.share = ready === 0 ? 0 : Math.min(rest, (OVERPROVISIONING * ready) / level.size);
      rest -= level.share;
    }
    if (rest < 1) {
      for (const level of this.#levels) level.share /= 1 - rest;
      return;
    }
    const spare = this.#levels.at(-1);
    if (spare?.key === SPARE && spare.set.readyCount > 0) spare.share = 1;
  }
}
