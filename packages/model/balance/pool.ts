import type { Candidate } from './candidate.ts';

const CAPACITY_MIN = 16;

/**
 * Of two candidates the one drawn first is kept unless it is this much more loaded: smaller differences are noise. Following them
 * would give one of equal endpoints everything; with different weights, where the first is drawn by weight, it would level the shares.
 */
const NOISE = { equal: 1.25, weighted: 1.5 };

/**
 * Candidates that can be drawn by weight in O(log n): a Fenwick tree over their weights. Adding and removing are O(log n) too; the
 * last takes the place of the one removed.
 */
export class WeightedPool<C extends Candidate> {
  readonly #items: C[] = [];
  /** One-based; node i holds the sum of the `i & -i` weights up to i. */
  #tree = new Float64Array(CAPACITY_MIN + 1);
  #total = 0;

  get size(): number {
    return this.#items.length;
  }

  add(candidate: C): void {
    if (this.#items.length + 1 >= this.#tree.length) this.#grow();
    candidate.poolIndex = this.#items.push(candidate) - 1;
    this.#change(candidate.poolIndex, candidate.units);
  }

  remove(candidate: C): void {
    const index = candidate.poolIndex;
    const last = this.#items.pop()!;
    this.#change(this.#items.length, -last.units);
    if (last !== candidate) {
      this.#items[index] = last;
      last.poolIndex = index;
      this.#change(index, last.units - candidate.units);
    }
    candidate.poolIndex = -1;
  }

  /**
   * The less loaded of two different candidates drawn by weight (power of two choices).
   */
  pick(nowMs: number, random: () => number): C | undefined {
    const count = this.#items.length;
    if (count <= 1) return this.#items[0];
    const a = this.#items[this.#find(random() * this.#total)]!;
    const before = this.#sumBefore(a.poolIndex);
    const point = random() * (this.#total - a.units);
    const b = this.#items[this.#find(point < before ? point : point + a.units)]!;
    const meanUnits = this.#total / count;
    const noise = a.units === b.units ? NOISE.equal : NOISE.weighted;
    return a.load(meanUnits, nowMs) <= b.load(meanUnits, nowMs) * noise ? a : b;
  }

  /** Index of the candidate whose stretch of the summed weights `point` lies in. */
  #find(point: number): number {
    const tree = this.#tree;
    let rest = point;
    let index = 0;
    for (let step = (tree.length - 1) >>> 0; step > 0; step >>>= 1) {
      const next = index + step;
      if (next < tree.length && tree[next]! <= rest) {
        index = next;
        rest -= tree[next]!;
      }
    }
    return Math.min(index, this.#items.length - 1);
  }

  #sumBefore(index: number): number {
    let sum = 0;
    for (let node = index; node > 0; node &= node - 1) sum += this.#tree[node]!;
    return sum;
  }

  #change(index: number, units: number): void {
    this.#total += units;
    for (let node = index + 1; node < this.#tree.length; node += node & -node) this.#tree[node]! += units;
  }

  /** Doubles the capacity, which stays a power of two. */
  #grow(): void {
    this.#tree = new Float64Array((this.#tree.length - 1) * 2 + 1);
    this.#total = 0;
    for (let i = 0; i < this.#items.length; i++) this.#change(i, this.#items[i]!.units);
  }
}
