/** Something whose load can be asked for. */
export interface Loaded {
  load(nowMs: number): number;
}

/**
 * Two different random candidates, the less loaded one wins (power of two choices). `random` gives numbers in [0, 1).
 * Undefined when there is no candidate.
 */
export function pickLeastLoaded<T extends Loaded>(
  candidates: readonly T[],
  random: () => number,
  nowMs: number,
): T | undefined {
  const count = candidates.length;
  if (count <= 1) return candidates[0];
  const first = Math.floor(random() * count);
  let second = Math.floor(random() * (count - 1));
  if (second >= first) second++;
  const a = candidates[first]!;
  const b = candidates[second]!;
  return a.load(nowMs) <= b.load(nowMs) ? a : b;
}

/** Index chosen with probability proportional to its weight, or -1 when all weights are 0. */
export function pickWeighted(weights: readonly number[], random: () => number): number {
  let total = 0;
  for (const weight of weights) total += weight;
  if (total <= 0) return -1;
  let point = random() * total;
  for (let i = 0; i < weights.length; i++) {
    point -= weights[i]!;
    if (point < 0) return i;
  }
  return weights.length - 1;
}
