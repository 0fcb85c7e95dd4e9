/** Bounds of the gRPC client and server, with their reasons. */
export const LIMITS = {
  /** Largest message accepted. Policies and endpoint sets of thousands of pods stay below; gRPC's usual default. */
  messageBytesMax: 4 * 1024 * 1024,
  /** How long opening a connection may take before calls on it fail with UNAVAILABLE. */
  connectTimeoutMs: 10_000,
  /** Node gives up on a session beyond this many MB of frames and headers; a control plane serves thousands of streams on one. */
  sessionMemoryMb: 512,
  /** Streams a peer may open on one session: as many as it likes, watches are long. */
  concurrentStreamsMax: 2 ** 31 - 1,
  /** How long calls may go on after `close` before their connections are cut. */
  drainMsMax: 5_000,
  /** Deadlines beyond this are treated as none: timers hold 31 bits of milliseconds. */
  timerMsMax: 2 ** 31 - 1,
} as const;
