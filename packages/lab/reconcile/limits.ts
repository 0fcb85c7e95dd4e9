/** Bounds of the reconcile machinery. */
export const LIMITS = {
  /** First and longest pause before a failed key is tried again; doubles in between. */
  backoffFirstMs: 10,
  backoffCapMs: 30_000,
  /** Keys of one controller under work at once. */
  concurrentKeysMax: 4,
  /** Writes of one batch in flight at once: the in-process server answers fast, admission webhooks do not. */
  concurrentWritesMax: 16,
  /** Uids of deleted objects that a cache remembers, so that a late answer to our own write cannot revive one. */
  tombstonesMax: 4096,
  /** Distinct events remembered for counting repetitions. */
  eventSeriesMax: 1024,
  /** Repetitions of one event are written at most this often. */
  eventRepeatMs: 2_000,
  /** The API server refuses longer event messages. */
  eventMessageCharsMax: 1024,
} as const;
