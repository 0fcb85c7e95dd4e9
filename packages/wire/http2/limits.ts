/**
 * Bounds of an HTTP/2 connection beyond those that its user sets ({@link Http2Options}). Past one the peer loses the stream, or
 * where that cannot help the connection (ENHANCE_YOUR_CALM).
 */
export const HTTP2_LIMITS = {
  /**
   * Coded header block over all its frames, as a share of the largest list of fields that is taken: coding makes lists shorter, so
   * that a block of this size is refused anyway, but its stream alone, since the connection needs what it tells.
   */
  headerBlockShareMax: 2,
  /** What a header block may have in any case. */
  headerBlockBytesMin: 64 * 1024,
  /** CONTINUATION frames of one block: frames without octets pass the limit above (CVE-2024-27316). */
  continuationsMax: 64,
  /** Fields in one block; cookies may come cut into many. */
  fieldCountMax: 256,
  /** Heads below 200 in one response; servers send two or three. */
  informationalsMax: 32,
  /** Streams that a client opens before the peer's first SETTINGS tell how many it takes. */
  streamsBeforeSettingsMax: 100,
  /**
   * Payload of the DATA frames that we send, whatever larger ones the peer takes: streams take turns by frames. With its header one
   * fills four TLS records. Who passes a body on to HTTP/1 writes each frame's data by itself: with 16 KiB that took a tenth more.
   */
  dataFrameBytesMax: 64 * 1024 - 9,
  /** Output beyond which DATA waits in its streams: a short answer never stands behind more than this. */
  outputBytesMax: 256 * 1024,
  /** Answers to control frames that wait because the peer does not read (CVE-2019-9512, CVE-2019-9515). */
  controlBytesMax: 128 * 1024,
  /** While held, a server with more output than this refuses streams: a peer that asks and never reads costs no more. */
  heldOutputBytesMax: 256 * 1024,
  /** While more octets of bodies than this wait in its streams, a server refuses further ones: so much a slow reader costs. */
  queuedBytesMax: 4 * 1024 * 1024,
  /**
   * Octets of requests that wait to be passed on, over all streams: up to this a server gives the connection's window back at receipt,
   * so that a body which nobody takes holds back itself and no other. Past it, further requests with bodies are refused.
   */
  receivedBytesMax: 4 * 1024 * 1024,
  /** A run of octets that waits is copied if it is a smaller part than one in so many of the buffer that it came in. */
  keptShareMin: 4,
  /** Streams that are remembered behind their end, to tell late frames from wrong ones. A power of two. */
  endedStreamsMax: 128,
  /** Time over which the following are counted. */
  windowMs: 10_000,
} as const;

/** What a peer may send too often, as `max` in {@link HTTP2_LIMITS.windowMs}. */
export const FLOODS = {
  reset: {
    max: 2000,
    reason: 'requests begun and cancelled before their answer (CVE-2023-44487), while these are more than half of all',
  },
  late: { max: 2000, reason: 'requests after we said that no more are taken' },
  error: { max: 500, reason: 'frames that make us reset streams while servers still work on them (CVE-2025-8671)' },
  settings: { max: 500, reason: 'each has to be applied to all streams and answered (CVE-2019-9515)' },
  ping: {
    max: 20_000,
    reason: 'each has to be answered; clients that measure bandwidth send one a round trip (CVE-2019-9512)',
  },
  emptyData: { max: 2000, reason: 'frames that carry nothing (CVE-2019-9518)' },
  ignored: {
    max: 20_000,
    reason: 'PRIORITY frames and frames of unknown types, which mean nothing here (CVE-2019-9513)',
  },
  windowUpdate: { max: 200_000, reason: 'far more than one for each frame that we could have sent (CVE-2019-9511)' },
} as const satisfies Record<string, { max: number; reason: string }>;

export type Flood = keyof typeof FLOODS;
