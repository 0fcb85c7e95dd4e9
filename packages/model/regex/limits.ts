/** Bounds on patterns, with their reasons. */
export const REGEX_LIMITS = {
  /** Characters; patterns in routes have tens. */
  sourceMax: 8_192,
  /** Groups and classes within one another. */
  depthMax: 100,
  /** In one pair of braces. */
  repeatMax: 1_000,
  /** Steps of the automaton, after repeats are written out; one octet of text costs at most this many. */
  stepsMax: 5_000,
  /** States of the deterministic automaton that are kept; past that it is begun anew, so that memory stays bounded. */
  statesMax: 256,
} as const;
