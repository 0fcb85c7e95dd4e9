/** Chance as a dependency: numbers in [0, 1), and a reproducible twin for tests. */
export type Random = () => number;

/** Good enough to spread load; not for keys. */
export const systemRandom: Random = () => Math.random();

/** Always the same sequence for the same seed (xorshift32). */
export function seededRandom(seed: number): Random {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
