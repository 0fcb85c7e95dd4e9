/** Bounds of the API client, with the reason for each. */
export const LIMITS = {
  /** A unary answer: larger lists are paged (500 objects), so this is a runaway. */
  responseBytesMax: 256 * 1024 * 1024,
  /** One watch event: etcd's own limit on an object is 1.5 MiB; JSON may triple it. */
  watchLineBytesMax: 16 * 1024 * 1024,
  /** Objects a page of a list asks for, as client-go does. */
  pageSize: 500,
  /** Default time for a unary request, headers to last byte. */
  requestTimeoutMs: 30_000,
  /** TCP + TLS + HTTP/2 preface. */
  connectTimeoutMs: 10_000,
  /** Streams on one session before another is opened: API servers commonly allow 100 to 250. */
  streamsPerSession: 90,
  /** Buffers of one session: many large lists at once must not end it (ENHANCE_YOUR_CALM). Unit: 10^6 bytes, as node:http2 counts. */
  sessionMemoryMB: 256,
  /**
   * Each session is pinged this often, and dropped when the answer takes longer than `pingTimeoutMs`: packets that vanish are noticed
   * within the sum of the two.
   */
  pingIntervalMs: 5_000,
  pingTimeoutMs: 10_000,
  /** A watch asks the server to end it after this long (plus up to as much again, so that watches spread). */
  watchSeconds: 240,
  /** Retries after 429 with Retry-After, and the longest wait obeyed. */
  throttleRetries: 3,
  throttleWaitMsMax: 10_000,
  /** Backoff of a watch that the server refuses: doubles from the first to the cap, with half jitter, for ever. */
  watchBackoffMsFirst: 200,
  watchBackoffMsMax: 10_000,
  /**
   * The same where there is no answer at all: with the SYNs of a connection attempt (seconds 0, 1, 3, 7 of 10) a server that is back
   * is found within 8 s, however long it was away.
   */
  reconnectBackoffMsMax: 5_000,
  /** The same for a server that sends what it must not: each attempt may cost as much as a whole answer. */
  faultBackoffMsMax: 60_000,
  /** After such a fault, a watch has to go on for so long before all is well again: who lies can also list well. */
  probationMs: 20_000,
  /** A watch that the server ends sooner, and that told nothing, is begun again with growing pauses. */
  watchMsMin: 5_000,
  /** The text that comes with a refusal. */
  refusalMs: 5_000,
} as const;
