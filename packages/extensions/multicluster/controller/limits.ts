/** Bounds of the mirror controllers, with the reason for each. */
export const LIMITS = {
  /** Changes that arrive within this become one reconciliation. */
  settleMs: 20,
  /** After a failed write: doubles from the first to the cap, for ever. */
  retryMsFirst: 500,
  retryMsMax: 60_000,
  /** Writes under way at once: enough for a first sync of thousands, few enough not to crowd an API server. */
  writesAtOnce: 8,
} as const;
