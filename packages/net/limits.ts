/** Bounds of the privileged plumbing. */
export const LIMITS = {
  /** ip, nft and mount answer in milliseconds; a loaded machine may need seconds. */
  programTimeoutMs: 30_000,
  /** More output than this of a plumbing program is dropped: rule dumps of large tables stay below. */
  programOutputBytesMax: 8 * 1024 * 1024,
  /** First and longest pause between two looks at a connection attempt that has not been answered yet. */
  dialPollFirstMs: 1,
  dialPollCapMs: 25,
  /** Output that a program on a terminal wrote just before its end is awaited at most this long. */
  terminalDrainMs: 50,
} as const;
